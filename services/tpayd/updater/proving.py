"""The new release's own part of its trial: is all ready again that was ready before, and does it stay so?

The launcher judges from outside whether processes die. What it cannot see is asked here, over the bus; the answer is
written to the apply journal. If it is never written, the launcher goes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from tpayd.kit.house import House
from tpayd.releases.book import Book, DamagedError, boottime_ms
from tpayd.releases.journal import Attempt, Event, OutOfTurnError, State
from tpayd.updater.settings import UpdaterSettings
from tpayd.updater.switching import healthy

__all__ = ["prove"]

_LOOK_S = 0.25
_TRY_AGAIN_S = 2.0


async def prove(house: House[UpdaterSettings], book: Book, changed: Callable[[], None]) -> None:
    """Take the trial that is under way to its end; returns at once where none is. `changed` hears of each step."""
    while (attempt := await _attempt(house, book)).on_trial and attempt.version == house.version:
        try:
            await _next(house, book, attempt)
        except OutOfTurnError:
            return  # the launcher was first, and is about to end us
        except (OSError, DamagedError):
            house.log.exception("update.journal_not_written", alarm=True)
            await asyncio.sleep(_TRY_AGAIN_S)
        changed()


async def _next(house: House[UpdaterSettings], book: Book, attempt: Attempt) -> None:
    """Raises OutOfTurnError, DamagedError, OSError."""
    if attempt.state is State.TRIAL:
        missing = set(attempt.ready)
        while missing:
            missing = set(attempt.ready) - set(await healthy(house, attempt.ready))
            if missing:
                await asyncio.sleep(_LOOK_S)
        took_ms = boottime_ms() - attempt.ordered_ms
        await asyncio.to_thread(partial(book.write, Event.READY, attempt.version, took_ms=took_ms))
        house.log.info("update.ready", version=attempt.version, took_ms=took_ms)
        return
    left_ms = attempt.ready_ms + attempt.trial_ms - boottime_ms()
    await asyncio.sleep(max(0.0, left_ms / 1000))
    await asyncio.to_thread(partial(book.write, Event.COMMITTED, attempt.version))
    house.log.info("update.committed", version=attempt.version, before=attempt.before)


async def _attempt(house: House[UpdaterSettings], book: Book) -> Attempt:
    try:
        return await asyncio.to_thread(book.attempt)
    except (DamagedError, OSError):
        house.log.exception("update.journal_unreadable", alarm=True)
        return Attempt()
