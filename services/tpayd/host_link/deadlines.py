"""One timer for all waits of a kind: a timer for each exchange would cost more than the rest of its bookkeeping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tpayd.kit.clock import Clock

__all__ = ["Deadlines"]


class Deadlines:
    """Rings at the earliest due time that it was told; then `ring` ends what is due and says when to ring next."""

    def __init__(self, clock: Clock, ring: Callable[[int], int | None]) -> None:
        """`ring(now_us)` returns the earliest due time of what still waits, None where nothing does."""
        self._clock = clock
        self._ring = ring
        self._due_us = 0
        self._timer: asyncio.TimerHandle | None = None

    def put(self, due_us: int) -> None:
        """Something waits until then. What has come before its time needs no word: the ring finds nothing due."""
        if self._timer is not None:
            if self._due_us <= due_us:
                return
            self._timer.cancel()
        self._due_us = due_us
        wait_s = max(0.0, (due_us - self._clock.monotonic_us()) / 1e6)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._wake)

    def close(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        self._timer = None
        next_us = self._ring(self._clock.monotonic_us())
        if next_us is not None:
            self.put(next_us)
