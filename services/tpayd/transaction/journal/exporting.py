"""The payments of some business days, for an accountant: one row each, in the order in which they began."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple, dataclass, fields
from typing import IO

import msgspec
from sqlalchemy import select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from tpayd.kit.store_settings import Merchant
from tpayd.transaction.journal.coding import decode_payment
from tpayd.transaction.journal.database import Database, reason_of
from tpayd.transaction.journal.errors import StorageError
from tpayd.transaction.journal.migrating import check_version
from tpayd.transaction.journal.schema import may_have_key, payments
from tpayd.transaction.payment import Payment
from tpayd.transaction.verdict import result_of

__all__ = ["Line", "export", "write_csv", "write_json"]

_AT_ONCE = 500


@dataclass(frozen=True)
class Line:
    """One payment. Amounts in minor units (KRW has none: won); texts are empty where there is nothing to say."""

    business_day: str
    local_time: str
    """Of its sending, YYYYMMDDhhmmss."""
    lane: str
    terminal_id: str
    kind: str
    state: str
    verdict: str
    reversal_pending: bool
    total_minor: int
    supply_minor: int
    vat_minor: int
    service_charge_minor: int
    tax_free_minor: int
    currency: str
    approval_code: str
    stan: str
    card: str
    """As masked on the receipt; empty once it is purged."""
    issuer: str
    acquirer: str
    reference: str
    reason: str
    request_id: str
    payment_id: str
    host_profile: str


def export(url: str, first_day: str, last_day: str, merchant: Merchant) -> Iterator[Line]:
    """Payments that were sent to the host on these business days (YYYYMMDD, both included), each as it stands now.

    Whoever takes the lines may take his time: between two pages no transaction is open, which would keep SQLite's log
    from being taken over. Raises StorageError, JournalVersionError, JournalUrlError, at the first line or later.
    """
    of_these_days = payments.c.business_day >= first_day, payments.c.business_day <= last_day
    wanted = (
        select(payments.c.lane, payments.c.request_id)
        .where(*of_these_days)
        .order_by(payments.c.business_day, payments.c.first_position)
    )
    with closing(Database(url, reading=True)) as database, closing(database.connect()) as connection:
        try:
            with connection.begin():
                database.begin_to_read(connection)
                check_version(connection)
                keys = [(row.lane, row.request_id) for row in connection.execute(wanted)]
            for start in range(0, len(keys), _AT_ONCE):
                yield from _page(connection, keys[start : start + _AT_ONCE], merchant)
        except SQLAlchemyError as error:
            raise StorageError(reason_of(error)) from error


def _page(connection: Connection, keys: list[tuple[str, str]], merchant: Merchant) -> list[Line]:
    of_page = select(payments.c.lane, payments.c.request_id, payments.c.record).where(may_have_key(keys))
    with connection.begin():
        records = {(row.lane, row.request_id): row.record for row in connection.execute(of_page)}
    lines = []
    for each in keys:
        try:
            lines.append(_line(decode_payment(records[each]), merchant))
        except msgspec.MsgspecError as error:
            raise StorageError(f"payment {each[1]} of lane {each[0]} is damaged: {error}") from error
    return lines


def write_csv(lines: Iterator[Line], to: IO[str]) -> int:
    """One header and one row per payment; how many there were."""
    writer = csv.writer(to)
    writer.writerow(field.name for field in fields(Line))
    count = 0
    for count, line in enumerate(lines, 1):  # noqa: B007
        writer.writerow(astuple(line))
    return count


def write_json(lines: Iterator[Line], first_day: str, last_day: str, to: IO[str]) -> int:
    """One document, written as the payments come; how many there were."""
    names = [field.name for field in fields(Line)]
    head = json.dumps({"from": first_day, "to": last_day})
    to.write(f'{head[:-1]}, "payments": [')
    count = 0
    for count, line in enumerate(lines, 1):
        separator = ",\n" if count > 1 else "\n"
        to.write(separator + json.dumps(dict(zip(names, astuple(line), strict=True)), ensure_ascii=False))
    to.write("\n]}\n")
    return count


def _line(payment: Payment, merchant: Merchant) -> Line:
    told = result_of(payment, merchant, told=True)
    amount, card = told.amount, told.card
    return Line(
        business_day=payment.business_day or "", local_time=payment.local or "", lane=payment.lane,
        terminal_id=payment.terminal_id, kind=told.kind.value, state=told.state.value, verdict=told.verdict.value,
        reversal_pending=told.reversal_pending, total_minor=amount.total_minor if amount else 0,
        supply_minor=amount.supply if amount else 0, vat_minor=amount.vat_minor if amount else 0,
        service_charge_minor=amount.service_charge_minor if amount else 0,
        tax_free_minor=amount.tax_free_minor if amount else 0, currency=amount.currency if amount else "",
        approval_code=payment.approval_code or "", stan=payment.stan or "", card=card.masked_pan if card else "",
        issuer=(card.issuer or "") if card else "", acquirer=(card.acquirer or "") if card else "",
        reference=told.reference or "", reason=told.reason.value if told.reason else "",
        request_id=payment.request_id, payment_id=payment.payment_id, host_profile=payment.profile,
    )  # fmt: skip
