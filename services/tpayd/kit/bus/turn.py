"""One turn of the event loop: what its callbacks send leaves together, as early as nothing more can join it.

* What is sent while a socket is drained leaves when the drain has ended. Waiting for the loop would cost it one more
  round with a look at all its sockets.
* What anybody else sends leaves in the loop's next round.
* Where a drain has woken tasks, what they send at once leaves right behind them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary, ref

__all__ = ["Turn", "turn_of"]


class Turn:
    """The senders of one loop that have something to send."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = ref(loop)
        self._flushes: list[Callable[[], None]] = []
        self._gathered: list[Callable[[], None]] = []
        self._draining = False
        self._due = False
        self.tasks_woken = False
        """Set by who wakes a task during a drain."""

    def at_end(self, flush: Callable[[], None]) -> None:
        """Have `flush` called once, at the end of this turn."""
        self._flushes.append(flush)
        if not (self._due or self._draining):
            self._soon()

    def before_end(self, gathered: Callable[[], None]) -> None:
        """Have `gathered` called once, before the flushes at the end of this turn: what it sends leaves with them."""
        self._gathered.append(gathered)
        if not (self._due or self._draining):
            self._soon()

    def drain(self, take: Callable[[], bool]) -> bool:
        """Call `take`, which hands over messages, and then what waits for the end of the turn; return its answer."""
        self._draining = True
        try:
            return take()
        finally:
            self._draining = False
            self._flush()
            if self.tasks_woken:
                self.tasks_woken = False
                self.after_tasks()

    def after_tasks(self) -> None:
        """Have what tasks send that were woken just now leave right behind them."""
        if not self._due:
            self._soon()

    def _soon(self) -> None:
        loop = self._loop()
        if loop is not None:
            self._due = True
            loop.call_soon(self._round)

    def _round(self) -> None:
        self._due = False
        self._flush()

    def _flush(self) -> None:
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._draining = True
            _call_all(gathered)
            self._draining = False
            if self._gathered and not self._due:
                self._soon()
        flushes, self._flushes = self._flushes, []
        _call_all(flushes)


def _call_all(senders: list[Callable[[], None]]) -> None:
    for send in senders:
        try:
            send()
        except Exception as error:
            # One socket's fault must not keep what others send.
            asyncio.get_running_loop().call_exception_handler({"message": "sending failed", "exception": error})


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turn] = WeakKeyDictionary()


def turn_of(loop: asyncio.AbstractEventLoop) -> Turn:
    """The one that all sockets on a loop share."""
    turn = _turns.get(loop)
    if turn is None:
        turn = _turns[loop] = Turn(loop)
    return turn
