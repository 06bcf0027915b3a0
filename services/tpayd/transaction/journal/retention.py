"""Purges what is old: the payloads of events, and of a payment's record all but amounts, ids, state and hashes.

Page by page through the payments in the order in which they began, so that no payment of the day waits longer than for
a commit of its own. The chain is over hashes, so it still verifies. A payment that is still open is passed over, and
looked at again each time.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec.structs import replace
from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection

from tpayd.transaction.events import FIRST_NAMES, FirstEvent
from tpayd.transaction.journal.entries import OPEN_STATES, decode_payment, encode_payment
from tpayd.transaction.journal.owning import put_about, read_about
from tpayd.transaction.journal.rebuilding import StoredEvent, decode_event
from tpayd.transaction.journal.schema import events, payments
from tpayd.transaction.payment import Payment

__all__ = ["PAGE_EVENTS", "Purged", "purge_page", "reduced"]

PAGE_EVENTS = 100
"""Events looked at in one transaction: some milliseconds, which a payment's commit may have to wait."""

_DONE_TO = "purged_to"


@dataclass(frozen=True)
class Purged:
    """What one page, or all of them, purged."""

    payments: int = 0
    events: int = 0
    next_position: int | None = None
    """Where the next page begins; None after the last."""


def purge_page(connection: Connection, before_ms: int, position: int | None = None) -> Purged:
    """Purge payments whose last event is older than `before_ms`, from `position` on or from where there may be any."""
    start = position if position is not None else int(read_about(connection, _DONE_TO) or 0) + 1
    of_page = select(events).where(events.c.position >= start).order_by(events.c.position).limit(PAGE_EVENTS)
    rows = [StoredEvent(*tuple(row)) for row in connection.execute(of_page)]
    young = next((index for index, row in enumerate(rows) if row.at_ms >= before_ms), None)
    old = rows[:young]
    purged_payments = purged_events = 0
    passed_over: int | None = None
    for row in old:
        if row.payload is None or row.event not in FIRST_NAMES:
            continue
        count = _purge(connection, row, before_ms)
        if count:
            purged_payments += 1
            purged_events += count
        elif passed_over is None:
            passed_over = row.position
    _note(connection, start, passed_over - 1 if passed_over is not None else old[-1].position if old else start - 1)
    last = young is not None or len(rows) < PAGE_EVENTS
    return Purged(purged_payments, purged_events, None if last else rows[-1].position + 1)


def reduced(payment: Payment) -> Payment:
    """What a purge keeps."""
    return replace(
        payment, trace=None, client=None, lost_readers=(), reader=None, reader_label=None, card=None,
        host_message=None, emv={},
    )  # fmt: skip


def _purge(connection: Connection, first: StoredEvent, before_ms: int) -> int:
    """Purge the payment that this event began; how many events, 0 if it has to stay."""
    try:
        event = decode_event(first)
    except ValueError:
        return 0  # damaged: `verify` tells
    assert isinstance(event, FirstEvent)  # noqa: S101
    key = payments.c.lane == event.payment.lane, payments.c.request_id == event.payment.request_id
    row = connection.execute(select(payments).where(*key).with_for_update()).one_or_none()
    if row is None or row.first_position != first.position:
        return 0
    last_ms = connection.execute(select(events.c.at_ms).where(events.c.position == row.last_position)).scalar_one()
    try:
        payment = decode_payment(row.record)
    except msgspec.MsgspecError:
        return 0
    if payment.state in OPEN_STATES or last_ms >= before_ms:
        return 0
    of_it = (
        events.c.position >= row.first_position,
        events.c.position <= row.last_position,
        events.c.payment_id == row.payment_id,
    )
    count = connection.execute(update(events).where(*of_it).values(payload=None)).rowcount
    record = encode_payment(reduced(payment))
    connection.execute(update(payments).where(*key).values(record=bindparam("reduced")), {"reduced": record})
    return count


def _note(connection: Connection, start: int, done_to: int) -> None:
    """Remember how far everything is purged, if all before it is."""
    if start <= int(read_about(connection, _DONE_TO) or 0) + 1 and done_to >= start:
        put_about(connection, _DONE_TO, str(done_to))
