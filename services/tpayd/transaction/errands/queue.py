"""Errands to the card host that outlive their payment's run: one at a time per terminal, until each is done.

An errand that waits for its next try holds up no other.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

from tpayd.kit.logs import Log
from tpayd.transaction import events as ev
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.effects import Alarm, Effect
from tpayd.transaction.journal import StorageError

__all__ = ["LOOK_AGAIN_S", "OUTAGE_WAIT_S", "Errands", "Terminals", "durable", "record"]

OUTAGE_WAIT_S = 1.0
"""Between looks whether line or disk is back. Nothing leaves meanwhile, so it needs no growing."""
LOOK_AGAIN_S = 0.2
"""Between looks whether the other processes are there: after a restart they are at once, and a verdict may wait."""
FAULT_WAIT_S = 30.0
_STOP_S = 2.0


class Terminals:
    """One errand at a time may be on its way for a terminal."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def __getitem__(self, terminal_id: str) -> asyncio.Lock:
        return self._locks[terminal_id]


class Errands:
    """All errands of one kind.

    `attempt` makes one try, with the terminal to itself, and says after how many seconds to try again, or None when
    the errand is done.
    """

    def __init__(
        self,
        attempt: Callable[[Case], Awaitable[float | None]],
        terminals: Terminals,
        done: Callable[[Case], None],
        log: Log,
    ) -> None:
        self._attempt = attempt
        self._terminals = terminals
        self._done = done
        self._log = log
        self._tasks: dict[asyncio.Task[None], Case] = {}

    @property
    def under_way(self) -> list[Case]:
        return list(self._tasks.values())

    def add(self, case: Case) -> None:
        """Go, from now on until it is done."""
        task = asyncio.get_running_loop().create_task(self._go(case))
        self._tasks[task] = case
        task.add_done_callback(self._tasks.pop)

    async def stop(self) -> None:
        """What is left goes on after the next start."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_S)

    async def _go(self, case: Case) -> None:
        while True:
            async with self._terminals[case.payment.terminal_id]:
                wait_s = await self._attempt_safely(case)
            if wait_s is None:
                break
            await asyncio.sleep(wait_s)
        self._done(case)

    async def _attempt_safely(self, case: Case) -> float | None:
        try:
            return await self._attempt(case)
        except Exception:
            # A fault of ours must not end an errand on which money depends.
            case.log.exception("errand.fault")
            return FAULT_WAIT_S


async def record(case: Case, event: ev.Event, books: Books) -> tuple[Effect, ...]:
    """Apply an event, and wait until it is on disk, however long the disk takes nothing. The rest is the caller's."""
    effects = case.apply(event)
    if Alarm.NEEDS_HUMAN in effects:
        why = getattr(event, "detail", "")
        case.log.error("payment.needs_human", why=why)
    await durable(books)
    return effects


async def durable(books: Books) -> None:
    """Wait until all that was put is on disk, however long the disk takes nothing."""
    while True:
        try:
            await books.journal.committed()
        except StorageError:
            await asyncio.sleep(OUTAGE_WAIT_S)
        else:
            return
