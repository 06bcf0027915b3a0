"""Purges what is old: the payloads of events, and of a payment's record all but amounts, ids, state and hashes.

Page by page through the payments in the order in which they began, so that no payment of the day waits longer than for
a commit of its own. The chain is over hashes, so it still verifies.

On SQLite rows of a page are taken out and put back in one transaction, not changed in place: it never joins pages of
its file that an update has left half empty, but it packs those of rows that are put. What so comes free is used for
the payments of the day: the file grows no more once as much is purged as is sold. PostgreSQL clears up by itself, and
rows that are changed in place cost half of what they do taken out and put back.

A payment that is still open, or that something happened to lately, is passed over, and noted: it is looked at again
each time, and all behind it need not be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Dialect, bindparam, delete, insert, select, update
from sqlalchemy.engine import Connection

from tpayd.transaction.events import FIRST_NAMES, FirstEvent
from tpayd.transaction.journal.coding import decode_payment, encode_payment
from tpayd.transaction.journal.entries import OPEN_STATES
from tpayd.transaction.journal.passed_over import forget, note, passed_over, purged_to
from tpayd.transaction.journal.rebuilding import StoredEvent, decode_event
from tpayd.transaction.journal.schema import events, may_have_key, payments
from tpayd.transaction.journal.statements import ChunkedInsert
from tpayd.transaction.payment import Payment

__all__ = ["FAR_EVENTS", "PAGE_EVENTS", "PurgePlace", "Purged", "Retention", "reduced"]

PAGE_EVENTS = 100
"""Events looked at in one transaction: some milliseconds, which a payment's commit may have to wait."""
FAR_EVENTS = 2_000
"""A payment's events that come so long after its first (it was voided a week later) are purged in transactions of their
own, before the payment itself is. Each looks at so many events."""

_DELETE = delete(payments).where(
    payments.c.lane == bindparam("its_lane"), payments.c.request_id == bindparam("its_request_id")
)
_RECORD = payments.c.keys().index("record")


class _Far(Struct, frozen=True):
    """Events of one payment that are still to be looked for: behind `after`, and up to `to`."""

    payment_id: str
    after: int
    to: int


class PurgePlace(Struct, frozen=True):
    """Where a purge goes on."""

    position: int
    """Of the next page's first event."""
    again: tuple[int, ...] = ()
    """Positions of first events that earlier purges passed over; they come first."""
    far: tuple[_Far, ...] | None = None
    """Of the payments that come now; None until it is known."""


class Purged(Struct, frozen=True):
    """What one page, or all of them, purged."""

    payments: int = 0
    events: int = 0
    next_place: PurgePlace | None = None
    """Where it goes on; None after the last."""


class Retention:
    """Purges one journal."""

    def __init__(self, dialect: Dialect) -> None:
        self._packs = dialect.name == "sqlite"
        self._put_payments = ChunkedInsert(payments, dialect, replace=() if self._packs else ("record",))

    def purge_page(self, connection: Connection, before_ms: int, place: PurgePlace | None = None) -> Purged:
        """Purge payments whose last event is older than `before_ms`, from `place` on or from where there may be any."""
        if place is None:
            place = PurgePlace(purged_to(connection) + 1, passed_over(connection))
        if place.far:
            return _purge_far(connection, place, place.far[0])
        if place.again:
            return self._purge_again(connection, before_ms, place)
        rows = _events(connection, events.c.position >= place.position)
        young = next((index for index, row in enumerate(rows) if row.at_ms >= before_ms), None)
        old = rows[:young]
        found, left = _judged(connection, old, before_ms)
        if place.far is None and (far := _far(found)):
            return Purged(next_place=PurgePlace(place.position, place.again, far))
        count = 0
        if found:
            count = self._put_back(connection, old, {each.payment_id for each in found})
            count += self._purge(connection, found, old[-1].position)
        if old:
            note(connection, place.position, old[-1].position, left)
        last = young is not None or len(rows) < PAGE_EVENTS
        return Purged(len(found), count, None if last else PurgePlace(rows[-1].position + 1))

    def _purge_again(self, connection: Connection, before_ms: int, place: PurgePlace) -> Purged:
        """The same for payments that were passed over, and have ended since."""
        now = place.again[:PAGE_EVENTS]
        found, _ = _judged(connection, _events(connection, events.c.position.in_(now)), before_ms)
        if place.far is None and (far := _far(found)):
            return Purged(next_place=PurgePlace(place.position, place.again, far))
        count = self._purge(connection, found, 0)
        forget(connection, [each.first_position for each in found])
        return Purged(len(found), count, PurgePlace(place.position, place.again[PAGE_EVENTS:]))

    def _put_back(self, connection: Connection, page: Sequence[StoredEvent], gone: set[str]) -> int:
        """Put the events of a page anew, without the payloads of these payments; how many had one."""
        first, last = page[0].position, page[-1].position
        if not self._packs:
            return _purge_events(connection, gone, first - 1, last)
        taken = connection.execute(delete(events).where(events.c.position >= first, events.c.position <= last))
        assert taken.rowcount == len(page)  # noqa: S101
        kept = (dataclasses.replace(row, payload=None) if row.payment_id in gone else row for row in page)
        connection.execute(insert(events), [dataclasses.asdict(row) for row in kept])
        return sum(row.payment_id in gone and row.payload is not None for row in page)

    def _purge(self, connection: Connection, found: Sequence[Any], done_to: int) -> int:
        """Purge the events behind `done_to` of these payments, and their records; how many events."""
        count = 0
        for row in found:
            near = min(row.last_position, row.first_position + FAR_EVENTS)
            if near > done_to:
                count += _purge_events(connection, {row.payment_id}, max(done_to, row.first_position - 1), near)
        if found:
            if self._packs:
                connection.execute(_DELETE, [{"its_lane": row.lane, "its_request_id": row.request_id} for row in found])
            self._put_payments.run(connection, [_reduced_row(row) for row in found])
        return count


def reduced(payment: Payment) -> Payment:
    """What a purge keeps."""
    return replace(
        payment, trace=None, client=None, lost_readers=(), reader=None, reader_label=None, card=None,
        host_message=None, emv={},
    )  # fmt: skip


def _events(connection: Connection, which: ColumnElement[bool]) -> list[StoredEvent]:
    page = select(events).where(which).order_by(events.c.position).limit(PAGE_EVENTS)
    return [StoredEvent(*tuple(row)) for row in connection.execute(page)]


def _judged(connection: Connection, rows: Iterable[StoredEvent], before_ms: int) -> tuple[list[Any], list[int]]:
    """The rows of the payments that begin here and may be purged, and where those begin that have to stay."""
    firsts = [row for row in rows if row.payload is not None and row.event in FIRST_NAMES]
    keys = {row.position: key for row in firsts if (key := _key_of(row)) is not None}
    found: dict[int, Any] = {}
    if keys:
        query = select(payments).where(may_have_key(keys.values()))
        # What is too much has another first position.
        found = {
            row.first_position: row for row in connection.execute(query.with_for_update()) if row.first_position in keys
        }
        last = select(events.c.position, events.c.at_ms).where(
            events.c.position.in_([row.last_position for row in found.values()])
        )
        at_ms = {row.position: row.at_ms for row in connection.execute(last)}
        found = {
            position: row
            for position, row in found.items()
            if at_ms.get(row.last_position, before_ms) < before_ms and _has_ended(row)
        }
    return list(found.values()), [row.position for row in firsts if row.position not in found]


def _key_of(first: StoredEvent) -> tuple[str, str] | None:
    """Of the payment that this event began; None where it is damaged, which `verify` tells."""
    try:
        event = decode_event(first)
    except ValueError:
        return None
    assert isinstance(event, FirstEvent)  # noqa: S101
    return event.payment.lane, event.payment.request_id


def _has_ended(row: Any) -> bool:
    try:
        return decode_payment(row.record).state not in OPEN_STATES
    except msgspec.MsgspecError:
        return False


def _reduced_row(row: Any) -> tuple[Any, ...]:
    record = encode_payment(reduced(decode_payment(row.record)))
    return (*row[:_RECORD], record, *row[_RECORD + 1 :])


def _far(found: Iterable[Any]) -> tuple[_Far, ...]:
    reach = [(row, row.first_position + FAR_EVENTS) for row in found]
    return tuple(_Far(row.payment_id, near, row.last_position) for row, near in reach if row.last_position > near)


def _purge_far(connection: Connection, place: PurgePlace, far: _Far) -> Purged:
    """The last of them, and where the others wait. `place.far` is empty, not None, once all are done."""
    assert place.far is not None  # noqa: S101
    start = max(far.after, far.to - FAR_EVENTS)
    count = _purge_events(connection, {far.payment_id}, start, far.to)
    rest = (_Far(far.payment_id, far.after, start),) if start > far.after else ()
    return Purged(events=count, next_place=PurgePlace(place.position, place.again, (*rest, *place.far[1:])))


def _purge_events(connection: Connection, payment_ids: Collection[str], after: int, to: int) -> int:
    """Take the payloads of these payments' events behind `after` and up to `to`; how many had one."""
    which = events.c.position > after, events.c.position <= to, events.c.payment_id.in_(payment_ids)
    return connection.execute(update(events).where(*which, events.c.payload.is_not(None)).values(payload=None)).rowcount
