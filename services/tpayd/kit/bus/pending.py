"""Requests of one caller that wait for their answers, and how those end that get none.

What is known then: nothing was sent (`not_started`), or it was, and nobody knows what became of it (`unknown`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import zmq
from msgspec import Raw, Struct

from tpayd.kit.bus import limits
from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.stats import BusStats
from tpayd.kit.bus.turn import Turn
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd_contracts.errors import ErrorCode

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
    """Open requests by number, and the one timer that ends them all."""

    def __init__(
        self,
        peer: str,
        cancel: Callable[[int], None],
        *,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        stats: BusStats,
        log: Log,
    ) -> None:
        """`cancel` tells the peer that nobody waits for a request any more."""
        self._peer = peer
        self._cancel = cancel
        self._clock = clock
        self._loop = loop
        self._stats = stats
        self._log = log
        self.open: dict[int, Pending] = {}
        """By number. Whoever takes one out tells its end."""
        self._timer: asyncio.TimerHandle | None = None

    def add(self, pending: Pending) -> None:
        """Its deadline is at least `limits.ANSWER_GRACE_MS` away."""
        self.open[pending.number] = pending
        if self._timer is None:
            self._timer = self._loop.call_later(limits.SWEEP_AT_LEAST_EVERY_S, self._sweep)

    def fail(self, pending: Pending, error: CallError) -> None:
        """End one that was taken out. A fault of one sink must not keep the others from hearing."""
        took_s = (self._clock.monotonic_us() - pending.started_us) / 1e6
        self._stats.called(self._peer, pending.op, str(error.code), took_s)
        try:
            pending.sink.error(error)
        except Exception:
            self._log.exception("bus.error_handler_failed", op=pending.op)

    def fail_all(self, why: str) -> None:
        """The connection is gone, or we are."""
        everyone, self.open = list(self.open.values()), {}
        for pending in everyone:
            self.fail(pending, CallError.unknown(ErrorCode.PEER_LOST, why))

    def refused(self, _error: zmq.ZMQError, numbers: list[int]) -> None:
        """The socket took nothing: no connection, or a peer too slow to read."""
        for number in numbers:
            pending = self.open.pop(number, None)
            if pending is not None:
                text = f"{self._peer} takes no messages now; nothing was sent"
                self.fail(pending, CallError.not_started(ErrorCode.UNAVAILABLE, text, retryable=True))

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        self._timer = None
        now_ms = self._clock.boottime_ms()
        for pending in [pending for pending in self.open.values() if pending.deadline_ms <= now_ms]:
            if self.open.pop(pending.number, None) is not None:
                self._expire(pending)
        if self.open and self._timer is None:
            wait_s = (min(pending.deadline_ms for pending in self.open.values()) - now_ms) / 1000
            wait_s = min(max(wait_s, limits.SWEEP_EVERY_S), limits.SWEEP_AT_LEAST_EVERY_S)
            self._timer = self._loop.call_later(wait_s, self._sweep)

    def _expire(self, pending: Pending) -> None:
        self._cancel(pending.number)
        text = f"{self._peer} did not answer {pending.op} in time"
        self.fail(pending, CallError.unknown(ErrorCode.TIMEOUT, text))
