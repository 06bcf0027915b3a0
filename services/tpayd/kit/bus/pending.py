"""Requests of one caller that wait for their answers, and the one timer that ends them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from msgspec import Raw, Struct

from tpayd.kit.bus import limits
from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.turn import Turn
from tpayd.kit.clock import Clock

__all__ = ["Answered", "Awaited", "Pending", "PendingTable", "Sink"]


class Answered(Protocol):
    """Where the answers to a request go. `reply` or `error` is called exactly once; `progress` any number of times."""

    @property
    def reply(self) -> Callable[[Raw], None]: ...

    @property
    def error(self) -> Callable[[CallError], None]: ...

    @property
    def progress(self) -> Callable[[Raw], None] | None: ...


class Sink(Struct, frozen=True):
    """Answers that go to three functions."""

    reply: Callable[[Raw], None]
    error: Callable[[CallError], None]
    progress: Callable[[Raw], None] | None = None


class Awaited(Struct, eq=False):
    """Answers that somebody awaits."""

    future: asyncio.Future[Raw]
    turn: Turn
    progress: Callable[[Raw], None] | None = None

    def reply(self, raw: Raw) -> None:
        if not self.future.done():
            self.future.set_result(raw)
            self.turn.tasks_woken = True

    def error(self, error: CallError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Pending(Struct, eq=False):
    """One request under way."""

    number: int
    op: str
    deadline_ms: int
    started_us: int
    sink: Answered


class PendingTable:
    """Open requests by number; `expired` is told of each that its deadline ends."""

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop, expired: Callable[[Pending], None]) -> None:
        self._clock = clock
        self._loop = loop
        self._expired = expired
        self.open: dict[int, Pending] = {}
        """By number. Whoever takes one out tells its end."""
        self._timer: asyncio.TimerHandle | None = None

    def add(self, pending: Pending) -> None:
        """Its deadline is at least `limits.ANSWER_GRACE_MS` away."""
        self.open[pending.number] = pending
        if self._timer is None:
            self._timer = self._loop.call_later(limits.SWEEP_AT_LEAST_EVERY_S, self._sweep)

    def take_all(self) -> list[Pending]:
        """Remove and return all that are open."""
        everyone, self.open = list(self.open.values()), {}
        return everyone

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        self._timer = None
        now_ms = self._clock.boottime_ms()
        for pending in [pending for pending in self.open.values() if pending.deadline_ms <= now_ms]:
            if self.open.pop(pending.number, None) is not None:
                self._expired(pending)
        if self.open and self._timer is None:
            wait_s = (min(pending.deadline_ms for pending in self.open.values()) - now_ms) / 1000
            wait_s = min(max(wait_s, limits.SWEEP_EVERY_S), limits.SWEEP_AT_LEAST_EVERY_S)
            self._timer = self._loop.call_later(wait_s, self._sweep)
