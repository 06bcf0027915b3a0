"""Finds a payment of which only its own id is known, as a log line names it.

No index holds these ids: it would be one more page for each payment in a commit. But an id tells when it was made, so
the payment is looked for among those of that day, and then among the events of that minute. Only what is not there
(its id is of an earlier version, or the clock has jumped) is looked for everywhere, a page at a time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, Select, func, select, tuple_

from tpayd.transaction.events import FIRST_NAMES, FirstEvent
from tpayd.transaction.journal.coding import decode_event
from tpayd.transaction.journal.schema import events, payments
from tpayd.transaction.payment import began_ms

__all__ = ["Ask", "find_key"]

Ask = Callable[[Select[Any]], Awaitable[Sequence[Row[Any]]]]
"""Runs a query in a transaction of its own."""

_MINUTE_MS = 60_000
"""How far the times of neighbouring events may lie apart: whoever committed late stands behind who did not."""
_TIME_MAX_MS = 253_370_764_800_000
"""The year 9999: a calendar knows no later days, and an id may hold them."""
_POSITIONS = 5_000
"""Events looked at in one query: some ten milliseconds."""
_PAGES_MAX = 20
_PAYMENTS = 2_000
_KEY = tuple(payments.primary_key.columns)


async def find_key(ask: Ask, payment_id: str, lane: str | None) -> tuple[str, str] | None:
    """Lane and request id of the payment, of this lane or of any; None if there is none."""
    made_ms = began_ms(payment_id)
    if made_ms is not None and made_ms < _TIME_MAX_MS:
        found = await _of_day(ask, payment_id, made_ms) or await _of_minute(ask, payment_id, made_ms)
        if found is not None:
            return found if lane in (None, found[0]) else None
    return await _anywhere(ask, payment_id, lane)


async def _of_day(ask: Ask, payment_id: str, made_ms: int) -> tuple[str, str] | None:
    """Among all that were sent to the host on that day or on the next to it: a business day has its own hours."""
    day = datetime.fromtimestamp(made_ms / 1000).astimezone()
    days = [f"{day + timedelta(days=away):%Y%m%d}" for away in (0, -1, 1)]
    query = select(payments.c.lane, payments.c.request_id)
    rows = await ask(query.where(payments.c.business_day.in_(days), payments.c.payment_id == payment_id))
    return (rows[0].lane, rows[0].request_id) if rows else None


async def _of_minute(ask: Ask, payment_id: str, made_ms: int) -> tuple[str, str] | None:
    """By its first event, if that is not purged."""
    start = await _first_since(ask, made_ms - _MINUTE_MS)
    query = select(events.c.at_ms, events.c.event, events.c.payment_id, events.c.payload).order_by(events.c.position)
    for page in range(start, start + _PAGES_MAX * _POSITIONS, _POSITIONS):
        of_page = events.c.position >= page, events.c.position < page + _POSITIONS
        rows = await ask(query.where(*of_page, events.c.payment_id == payment_id).limit(1))
        if rows:
            return _key_in(rows[0])
        last = await ask(query.where(*of_page).order_by(None).order_by(events.c.position.desc()).limit(1))
        if not last or last[0].at_ms > made_ms + _MINUTE_MS:
            return None
    return None


async def _first_since(ask: Ask, at_ms: int) -> int:
    """The position from which on events are not older than that, by halves."""
    low, high = 1, int((await ask(select(func.max(events.c.position))))[0][0] or 0)
    while low < high:
        middle = (low + high) // 2
        rows = await ask(select(events.c.at_ms).where(events.c.position >= middle).order_by(events.c.position).limit(1))
        if rows and rows[0].at_ms < at_ms:
            low = middle + 1
        else:
            high = middle
    return low


def _key_in(row: Row[Any]) -> tuple[str, str] | None:
    if row.payload is None or row.event not in FIRST_NAMES:
        return None
    try:
        event = decode_event(row.payload)
    except msgspec.MsgspecError:
        return None
    assert isinstance(event, FirstEvent)  # noqa: S101
    return event.payment.lane, event.payment.request_id


async def _anywhere(ask: Ask, payment_id: str, lane: str | None) -> tuple[str, str] | None:
    """Look at all payments, or at all of the lane."""
    after: tuple[Any, ...] | None = None
    page = select(*_KEY, payments.c.payment_id).order_by(*_KEY).limit(_PAYMENTS)
    while True:
        rows = await ask(page if after is None else page.where(tuple_(*_KEY) > tuple_(*after)))
        for row in rows:
            if row.payment_id == payment_id and lane in (None, row.lane):
                return row.lane, row.request_id
        if len(rows) < _PAYMENTS:
            return None
        after = tuple(rows[-1])[: len(_KEY)]
