"""A business day in the journal: its payments, and the reports of its closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct
from sqlalchemy import func, insert, or_, select
from sqlalchemy.engine import Connection

from tpayd.transaction.journal.coding import decode_payment
from tpayd.transaction.journal.opening import IS_OPEN
from tpayd.transaction.journal.schema import closes, payments
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState

__all__ = ["EARLIER_DAYS_FROM", "KeptClose", "keep_close", "kept_close", "payments_of_day"]

EARLIER_DAYS_FROM = 31
"""Days back that payments are looked for whose reversal belongs to the day: an outage does not last longer."""
_AT_ONCE = 500


class KeptClose(Struct, frozen=True):
    """A close of business as it was kept."""

    business_day: str
    number: int
    report: bytes


def payments_of_day(connection: Connection, business_day: str, earliest_day: str) -> Iterator[Payment]:
    """All payments that a day's book may have to enter, as of one moment.

    Those of the day, those without an end, and those since `earliest_day` that were taken back. Raises
    msgspec.DecodeError for a damaged one.
    """
    of_the_day = payments.c.business_day == business_day
    parts = (
        (of_the_day,),
        (IS_OPEN, or_(payments.c.business_day.is_(None), payments.c.business_day != business_day)),
        (
            payments.c.business_day >= earliest_day,
            payments.c.business_day < business_day,
            payments.c.state == PaymentState.REVERSED.value,
        ),
    )
    for part in parts:
        rows = connection.execution_options(yield_per=_AT_ONCE).execute(select(payments.c.record).where(*part))
        for row in rows:
            yield decode_payment(row.record)


def keep_close(
    connection: Connection, profile: str, business_day: str, at_ms: int, report: Callable[[int], bytes]
) -> KeptClose:
    """Keep a close under the day's next number, which `report` is made with."""
    last = connection.execute(
        select(func.max(closes.c.number)).where(closes.c.profile == profile, closes.c.business_day == business_day)
    ).scalar_one()
    number = (last or 0) + 1
    made = report(number)
    connection.execute(
        insert(closes).values(profile=profile, business_day=business_day, number=number, at_ms=at_ms, report=made)
    )
    return KeptClose(business_day, number, made)


def kept_close(connection: Connection, profile: str, business_day: str | None, number: int | None) -> KeptClose | None:
    """A former close; the last one where day or number are left out."""
    wanted = select(closes.c.business_day, closes.c.number, closes.c.report).where(closes.c.profile == profile)
    if business_day is not None:
        wanted = wanted.where(closes.c.business_day == business_day)
    if number is not None:
        wanted = wanted.where(closes.c.number == number)
    row = connection.execute(
        wanted.order_by(closes.c.business_day.desc(), closes.c.number.desc()).limit(1)
    ).one_or_none()
    return None if row is None else KeptClose(row.business_day, row.number, row.report)
