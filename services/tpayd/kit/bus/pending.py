"""Requests of one caller that wait for their answers, and the one timer that ends them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Raw, Struct

from tpayd.kit.bus import limits
from tpayd.kit.bus.errors import CallError
from tpayd.kit.clock import Clock

__all__ = ["Pending", "PendingTable", "Sink"]


class Sink(Struct, frozen=True):
    """Where the answers to a request go. `reply` or `error` is called exactly once; `progress` any number of times."""

    reply: Callable[[Raw], None]
    error: Callable[[CallError], None]
    progress: Callable[[Raw], None] | None = None


class Pending(Struct, eq=False):
    """One request under way."""

    number: int
    op: str
    deadline_ms: int
    started_us: int
    sink: Sink


class PendingTable:
    """Open requests by number; `expired` is told of each that its deadline ends."""

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop, expired: Callable[[Pending], None]) -> None:
        self._clock = clock
        self._loop = loop
        self._expired = expired
        self._open: dict[int, Pending] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def add(self, pending: Pending) -> None:
        self._open[pending.number] = pending
        if self._timer is None:
            self._timer = self._loop.call_later(limits.SWEEP_EVERY_S, self._sweep)

    def get(self, number: int) -> Pending | None:
        return self._open.get(number)

    def take(self, number: int) -> Pending | None:
        """Remove and return a request; None if it ended before."""
        return self._open.pop(number, None)

    def take_all(self) -> list[Pending]:
        """Remove and return all that are open."""
        everyone, self._open = list(self._open.values()), {}
        return everyone

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        self._timer = None
        now_ms = self._clock.boottime_ms()
        for pending in [pending for pending in self._open.values() if pending.deadline_ms <= now_ms]:
            if self._open.pop(pending.number, None) is not None:
                self._expired(pending)
        if self._open and self._timer is None:
            self._timer = self._loop.call_later(limits.SWEEP_EVERY_S, self._sweep)
