"""What is told only once it has stood for a moment: what is overtaken sooner nobody could read."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["SETTLE_S", "Settling"]

SETTLE_S = 0.1


class Settling:
    """One timer for all payments: each waits equally long, so the first that came is the first that is due."""

    def __init__(self) -> None:
        self._due: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, tell: Callable[[], None]) -> None:
        """Have `tell` called SETTLE_S from now. It cannot be taken back: `tell` knows whether it still matters."""
        loop = asyncio.get_running_loop()
        due_s = loop.time() + SETTLE_S
        self._due.append((due_s, tell))
        if self._timer is None:
            self._timer = loop.call_at(due_s, self._tell, loop)

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        due = self._due
        # The first is what the timer was set for, however the loop rounds.
        _, tell = due.popleft()
        tell()
        now_s = loop.time()
        while due and due[0][0] <= now_s:
            due.popleft()[1]()
        self._timer = loop.call_at(due[0][0], self._tell, loop) if due else None
