"""The journal as those read it who tell of the past: on a connection of their own, a page at a time.

The writer never waits for a reader (SQLite's WAL, PostgreSQL's snapshots), and no page takes long. What was put into
the journal and is not written yet is not seen here: wait for `Journal.committed` first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import Row, Select, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from tpayd.transaction.events import Event
from tpayd.transaction.journal.coding import decode_event
from tpayd.transaction.journal.database import Database, reason_of
from tpayd.transaction.journal.day_book import KeptClose, kept_close, payments_of_day
from tpayd.transaction.journal.errors import StorageError
from tpayd.transaction.journal.schema import events, payments
from tpayd.transaction.journal.searching import find_key
from tpayd.transaction.journal.stubs import is_stub
from tpayd.transaction.payment import Payment

__all__ = ["MAX_EVENTS", "PAGE_POSITIONS", "JournalReader", "Recorded"]

PAGE_POSITIONS = 5_000
"""Events looked at in one query: some ten milliseconds."""
PAGE_PAYMENTS = 2_000
RECENT_PAGES = 20
"""Pages of events that `since` looks at."""
MAX_EVENTS = 500
"""Events of one payment that are read; a reversal that is tried for days makes the most."""

T = TypeVar("T")
_COLUMNS = (
    events.c.position, events.c.seq, events.c.at_ms, events.c.event, events.c.payload, events.c.payment_id,
)  # fmt: skip


class Recorded(Struct, frozen=True):
    """One event as it stands in the journal."""

    position: int
    seq: int
    """Its number in its lane's chain."""
    at_ms: int
    name: str
    event: Event | None
    """None where the payload was purged, or was written by a version that knew other events."""
    purged: bool
    payment_id: str = ""


class JournalReader:
    """Reads the journal at `url`. Every method raises StorageError; the constructor JournalUrlError."""

    def __init__(self, url: str) -> None:
        self._database = Database(url, reading=True)
        self._one_at_a_time = asyncio.Lock()

    async def events_of(self, lane: str, request_id: str) -> tuple[Recorded, ...]:
        """The events of one payment in their order, at most MAX_EVENTS; none if there is no such payment."""
        of = select(payments.c.payment_id, payments.c.first_position, payments.c.last_position).where(
            payments.c.lane == lane, payments.c.request_id == request_id
        )

        def begin(connection: Connection) -> tuple[Any, list[Recorded]]:
            """The payment and its first page, which is all of nearly every payment: one connection instead of two."""
            payment = connection.execute(of).one_or_none()
            return payment, [] if payment is None else _page_of(connection, payment, payment.first_position)

        payment, found = await self._ask(begin)
        if payment is not None:
            for start in range(payment.first_position + PAGE_POSITIONS, payment.last_position + 1, PAGE_POSITIONS):
                if len(found) >= MAX_EVENTS:
                    break
                found += await self._ask(partial(_page_of, payment=payment, start=start))
        return tuple(found[:MAX_EVENTS])

    async def since(self, at_ms: int) -> tuple[Recorded, ...]:
        """The newest events in their order, back to `at_ms`; at most RECENT_PAGES pages of them."""
        newest = (await self._rows(select(func.max(events.c.position))))[0][0] or 0
        found: list[Recorded] = []
        for end in range(newest, max(0, newest - RECENT_PAGES * PAGE_POSITIONS), -PAGE_POSITIONS):
            page = (
                select(*_COLUMNS)
                .where(events.c.position > end - PAGE_POSITIONS, events.c.position <= end)
                .order_by(events.c.position)
            )
            rows = await self._rows(page)
            found = [_recorded(row) for row in rows if row.at_ms >= at_ms] + found
            if not rows or rows[0].at_ms < at_ms:
                break
        return tuple(found)

    async def read_day(self, business_day: str, earliest_day: str, enter: Callable[[Payment], None]) -> None:
        """Give every payment that a day's book may need to `enter`, in a thread. Raises StorageError."""

        def read(connection: Connection) -> None:
            self._database.begin_to_read(connection)
            for payment in payments_of_day(connection, business_day, earliest_day):
                enter(payment)

        await self._ask(read)

    async def kept_close(self, profile: str, business_day: str | None, number: int | None) -> KeptClose | None:
        """See `day_book.kept_close`."""
        return await self._ask(lambda connection: kept_close(connection, profile, business_day, number))

    async def key_of(self, payment_id: str, lane: str | None = None) -> tuple[str, str] | None:
        """Lane and request id of a payment that only its own id is known of; see `searching`."""
        return await find_key(self._rows, payment_id, lane)

    async def standalone_of(self, profile: str, business_day: str) -> tuple[tuple[str, str], ...]:
        """Lane and request id of each payment without a POS of that day which is not purged. Looks at all payments."""
        found: list[tuple[str, str]] = []
        after = 0
        while True:
            page = (
                select(payments.c.lane, payments.c.request_id, payments.c.first_position, payments.c.record)
                .where(
                    payments.c.profile == profile,
                    payments.c.business_day == business_day,
                    payments.c.first_position > after,
                )
                .order_by(payments.c.first_position)
                .limit(PAGE_PAYMENTS)
            )
            rows = await self._rows(page)
            found += [(row.lane, row.request_id) for row in rows if is_stub(row.record)]
            if len(rows) < PAGE_PAYMENTS:
                return tuple(found)
            after = rows[-1].first_position

    def close(self) -> None:
        self._database.close()

    async def _ask(self, question: Callable[[Connection], T]) -> T:
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._answer, question)

    def _answer(self, question: Callable[[Connection], T]) -> T:
        try:
            with self._database.connect() as connection, connection.begin():
                return question(connection)
        except SQLAlchemyError as error:
            raise StorageError(reason_of(error)) from None
        except msgspec.MsgspecError as error:
            raise StorageError(f"a payment's record is damaged: {error}; see `tpayd journal verify`") from None

    async def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        return await self._ask(lambda connection: connection.execute(query).all())


def _page_of(connection: Connection, payment: Any, start: int) -> list[Recorded]:
    """The events of a payment among PAGE_POSITIONS."""
    page = (
        select(*_COLUMNS)
        .where(
            events.c.position >= start,
            events.c.position < start + PAGE_POSITIONS,
            events.c.position <= payment.last_position,
            events.c.payment_id == payment.payment_id,
        )
        .order_by(events.c.position)
    )
    return [_recorded(row) for row in connection.execute(page).all()]


def _recorded(row: Any) -> Recorded:
    return Recorded(
        row.position, row.seq, row.at_ms, row.event, _event(row.payload), row.payload is None, row.payment_id
    )


def _event(payload: bytes | None) -> Event | None:
    if payload is None:
        return None
    try:
        return decode_event(payload)
    except msgspec.MsgspecError:
        return None
