"""What is put into the journal, and how it becomes rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from tpayd.transaction.events import Event
from tpayd.transaction.journal.chain import GENESIS, Link, link
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState as S

__all__ = ["OPEN_STATES", "Entry", "Rows", "StanBlock", "decode_payment", "rows_of"]

OPEN_STATES = frozenset(
    {S.CREATED, S.LEASED, S.CARD_READ, S.SENDING, S.AUTHORIZED, S.UNKNOWN, S.REVERSING, S.NEEDS_HUMAN}
)
"""What a restart has to look at; while any of these stands, the host profile may not change."""

_encoder = msgspec.msgpack.Encoder()
_payments = msgspec.msgpack.Decoder(Payment)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, and the payment after it."""

    payment: Payment
    event: Event
    at_ms: int


@dataclass(frozen=True, slots=True)
class StanBlock:
    """STANs up to `reserved_to` are taken; a crash skips the unused ones."""

    profile: str
    terminal_id: str
    reserved_to: int


@dataclass(slots=True)
class Rows:
    """One transaction's rows by table."""

    events: list[dict[str, Any]]
    payments: list[dict[str, Any]]
    heads: dict[str, Link]
    """Ends of the chains after this transaction."""


def decode_payment(record: bytes) -> Payment:
    """A payment as the journal holds it. Raises msgspec.DecodeError if it is damaged."""
    return _payments.decode(record)


def rows_of(entries: list[Entry], heads: dict[str, Link]) -> Rows:
    """Chain the events to `heads`; of each payment only its last value is written."""
    rows = Rows([], [], dict(heads))
    last: dict[str, Payment] = {}
    for entry in entries:
        payment, event = entry.payment, entry.event
        payload = _encoder.encode(event)
        payload_hash = hashlib.sha256(payload).digest()
        name = type(event).__struct_config__.tag
        assert isinstance(name, str)  # noqa: S101
        before = rows.heads.get(payment.lane, Link())
        after = link(before, payment.lane, payment.payment_id, name, entry.at_ms, payload_hash)
        rows.heads[payment.lane] = after
        rows.events.append(
            {
                "lane": payment.lane, "seq": after.seq, "payment_id": payment.payment_id, "event": name,
                "at_ms": entry.at_ms, "payload": payload, "payload_hash": payload_hash,
                "previous": before.hash or GENESIS, "hash": after.hash,
            }
        )  # fmt: skip
        last[payment.payment_id] = payment
    rows.payments += [_payment_row(payment) for payment in last.values()]
    return rows


def _payment_row(payment: Payment) -> dict[str, Any]:
    return {
        "lane": payment.lane,
        "request_id": payment.request_id,
        "payment_id": payment.payment_id,
        "state": payment.state.value,
        "open": payment.state in OPEN_STATES,
        "profile": payment.profile,
        "terminal_id": payment.terminal_id,
        "business_day": payment.business_day,
        "stan": payment.stan,
        "amount_minor": payment.sale.amount.total_minor if payment.sale is not None else 0,
        "created_ms": payment.created_ms,
        "record": _encoder.encode(payment),
    }
