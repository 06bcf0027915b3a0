"""A payment whose record is damaged is made again from its events; where that fails too, it is parked for a person.

Pure. What the table makes of a payment depends on its events alone, but for times, which are then the events' own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.journal import coding
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState, Reason

__all__ = ["Damaged", "StoredEvent", "decode_event", "parked", "replay"]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of `events`."""

    position: int
    lane: str
    seq: int
    payment_id: str
    event: str
    at_ms: int
    payload: bytes | None
    """None once it is purged."""
    payload_hash: bytes
    previous: bytes
    hash: bytes


class Damaged(Struct, frozen=True):
    """An open payment that cannot be read, and could not be made again."""

    payment: Payment
    """As it is parked: NEEDS_HUMAN, with what the row's other columns say."""
    why: str


def decode_event(row: StoredEvent) -> ev.Event:
    """The event in a row. Raises ValueError where it is purged or not what was written."""
    if row.payload is None:
        raise ValueError("its payload is purged")
    if hashlib.sha256(row.payload).digest() != row.payload_hash:
        raise ValueError("its payload is not what was written")
    event = coding.decode_event(row.payload)
    if type(event).__struct_config__.tag != row.event:
        raise ValueError(f"its payload is of kind {type(event).__struct_config__.tag}")
    return event


def replay(rows: Iterable[StoredEvent]) -> Payment:
    """The payment that these events, all of one payment, make. Raises ValueError."""
    payment: Payment | None = None
    for row in rows:
        event = decode_event(row)
        if isinstance(event, ev.FirstEvent):
            payment = event.payment
        elif payment is None:
            raise ValueError("its first event is missing")
        else:
            payment = advance(payment, event, row.at_ms)
    if payment is None:
        raise ValueError("it has no events")
    return payment


def advance(payment: Payment, event: ev.Event, at_ms: int) -> Payment:
    """The payment after one more event. Raises ValueError where the table has no such row."""
    try:
        return flow.step(payment, event, at_ms)[0]
    except flow.NotInTableError as error:
        raise ValueError(str(error)) from None


def parked(columns: Any) -> Payment:
    """A payment of which the row's columns alone are left, for a person to settle: money may have moved.

    One that was approved stays so: the POS has been told PAID, and that never turns into anything else.
    """
    approved = columns.state == PaymentState.APPROVED.value
    return Payment(
        payment_id=columns.payment_id, lane=columns.lane, request_id=columns.request_id, body_hash=b"", order=None,
        terminal_id=columns.terminal_id, profile=columns.profile, created_ms=columns.created_ms,
        state=PaymentState.APPROVED if approved else PaymentState.NEEDS_HUMAN,
        reason=None if approved else Reason.STORAGE_FAILED, stan=columns.stan, business_day=columns.business_day,
        ended_ms=columns.created_ms,
    )  # fmt: skip
