"""Periodic work: at a fixed beat, never two at once, and a fault in one round does not end the rounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

__all__ = ["Periodic"]

Round = Callable[[], None] | Callable[[], Awaitable[None]]


class Periodic:
    """Calls `work` every `period_s` until cancelled; a round that is still running is not doubled but skipped."""

    def __init__(self, period_s: float, work: Round, on_fault: Callable[[Exception], None]) -> None:
        """Starts with the first beat, one period from now, in the running loop."""
        if period_s <= 0:
            raise ValueError(f"period_s is {period_s}; it must be more than 0")
        self._period_s = period_s
        self._work = work
        self._on_fault = on_fault
        self._loop = asyncio.get_running_loop()
        self._running: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(period_s, self._beat)

    def cancel(self) -> None:
        """No more rounds; one that is running is cancelled."""
        self._timer.cancel()
        if self._running is not None:
            self._running.cancel()

    def _beat(self) -> None:
        # Beats keep their phase; those that a busy loop missed are left out instead of made up for.
        late_s = self._loop.time() - self._timer.when()
        due_s = self._timer.when() + self._period_s * (1 + late_s // self._period_s)
        self._timer = self._loop.call_at(due_s, self._beat)
        if self._running is not None:
            return
        try:
            awaited = self._work()
        except Exception as error:
            self._on_fault(error)
            return
        if awaited is not None:
            self._running = self._loop.create_task(self._finish(awaited))

    async def _finish(self, awaited: Awaitable[None]) -> None:
        try:
            await awaited
        except Exception as error:
            self._on_fault(error)
        finally:
            self._running = None
