"""What is put into the journal, and how it becomes rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tpayd.transaction.events import Created, Event
from tpayd.transaction.journal.chain import Link, link
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState as S

__all__ = [
    "OPEN_STATES",
    "UNACKNOWLEDGED",
    "Ends",
    "Entry",
    "Rows",
    "StanBlock",
    "decode_payment",
    "payment_row",
    "rows_of",
]

OPEN_STATES = frozenset(
    {S.CREATED, S.LEASED, S.CARD_READ, S.SENDING, S.INQUIRING, S.AUTHORIZED, S.UNKNOWN, S.REVERSING, S.NEEDS_HUMAN}
)
"""What a restart has to decide; while any of these stands, the host profile may not change."""
UNACKNOWLEDGED = S.APPROVED
"""Paid, but the POS has not said that it knows. A restart only has to remember it."""

_encoder = msgspec.msgpack.Encoder()
_payments = msgspec.msgpack.Decoder(Payment)


class Entry(msgspec.Struct, frozen=True):
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


@dataclass(frozen=True, slots=True)
class Ends:
    """Where the journal ends."""

    position: int
    """Of the last event."""
    chains: dict[str, Link]
    """The end of each lane's chain."""
    newest: dict[str, str] = field(default_factory=dict)
    """The request id of the payment that each lane began last."""


@dataclass(slots=True)
class Rows:
    """One transaction's rows by table."""

    ends: Ends
    """After this transaction."""
    events: list[dict[str, Any]] = field(default_factory=list)
    payments: list[dict[str, Any]] = field(default_factory=list)
    chains: list[dict[str, Any]] = field(default_factory=list)


def decode_payment(record: bytes) -> Payment:
    """A payment as the journal holds it. Raises msgspec.DecodeError if it is damaged."""
    return _payments.decode(record)


def encode_payment(payment: Payment) -> bytes:
    """A payment as the journal holds it."""
    return _encoder.encode(payment)


def rows_of(entries: list[Entry], ends: Ends) -> Rows:
    """Chain the events to `ends`; of each payment only its last value is written."""
    chains, newest, position = dict(ends.chains), dict(ends.newest), ends.position
    last: dict[str, tuple[Payment, int, int]] = {}
    rows = Rows(ends)
    for entry in entries:
        payment, event = entry.payment, entry.event
        payload = _encoder.encode(event)
        payload_hash = hashlib.sha256(payload).digest()
        name = type(event).__struct_config__.tag
        assert isinstance(name, str)  # noqa: S101
        before = chains.get(payment.lane, Link())
        after = link(before, payment.lane, payment.payment_id, name, entry.at_ms, payload_hash)
        chains[payment.lane] = after
        position += 1
        rows.events.append(
            {
                "position": position, "lane": payment.lane, "seq": after.seq, "payment_id": payment.payment_id,
                "event": name, "at_ms": entry.at_ms, "payload": payload, "payload_hash": payload_hash,
                "previous": before.hash, "hash": after.hash,
            }
        )  # fmt: skip
        first = last.get(payment.payment_id, (payment, position, position))[1]
        last[payment.payment_id] = (payment, first, position)
        if isinstance(event, Created) and not payment.standalone:
            newest[payment.lane] = payment.request_id
    lanes = {entry.payment.lane for entry in entries}
    rows.ends = Ends(position, chains, newest)
    rows.payments = [payment_row(*each) for each in last.values()]
    rows.chains = [
        {"lane": lane, "seq": chains[lane].seq, "hash": chains[lane].hash, "newest": newest.get(lane)} for lane in lanes
    ]
    return rows


def payment_row(payment: Payment, first_position: int, last_position: int) -> dict[str, Any]:
    """A row of `payments`; what its first event was stays from the first time it is put."""
    return {
        "lane": payment.lane,
        "request_id": payment.request_id,
        "payment_id": payment.payment_id,
        "first_position": first_position,
        "last_position": last_position,
        "state": payment.state.value,
        "open": payment.state in OPEN_STATES or payment.state == UNACKNOWLEDGED,
        "profile": payment.profile,
        "terminal_id": payment.terminal_id,
        "business_day": payment.business_day,
        "stan": payment.stan,
        "amount_minor": payment.amount_minor,
        "created_ms": payment.created_ms,
        "record": encode_payment(payment),
    }
