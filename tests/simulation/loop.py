"""Virtual time: one queue for all simulated processes, each with an event loop of its own that can die or freeze.

Nothing waits: when nobody has anything to do now, the time of the next timer is now. Callbacks of one process keep
asyncio's order; what differs from seed to seed is time (each timer is a little late) and who dies between which two
callbacks.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
import warnings
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Protocol

__all__ = ["ProcessLoop", "Scheduler", "TooLongError"]

STEPS_MAX = 1_000_000
"""Callbacks in one run; far above what any run needs, so whoever reaches it turns in circles."""
_LATE_MAX_US = 400


class TooLongError(Exception):
    """The run does not come to an end."""


class Network(Protocol):
    """What `create_connection` dials into."""

    async def connect(self, loop: ProcessLoop, factory: Callable[[], asyncio.Protocol]) -> tuple[Any, Any]: ...


class Scheduler:
    """Everybody's callbacks, in the order of virtual time."""

    def __init__(self, seed: int) -> None:
        self.now_us = 1_000_000_000
        self.steps = 0
        self.network: Network | None = None
        self._chance = random.Random(f"{seed}:lateness")
        self._ready: deque[tuple[ProcessLoop, asyncio.Handle]] = deque()
        self._timers: list[tuple[int, int, ProcessLoop, asyncio.Handle]] = []
        self._number = 0

    def run_until(self, until_us: int, done: Callable[[], bool]) -> None:
        """Let time pass until that moment, or until `done`. Raises TooLongError."""
        ready, timers = self._ready, self._timers
        set_running = asyncio._set_running_loop
        try:
            while True:
                if not ready:
                    if not timers or timers[0][0] > until_us or done():
                        break
                    self.now_us = max(self.now_us, timers[0][0])
                    while timers and timers[0][0] <= self.now_us:
                        _, _, loop, handle = heapq.heappop(timers)
                        ready.append((loop, handle))
                loop, handle = ready.popleft()
                if loop.dead or handle._cancelled:
                    continue
                if loop.frozen_until_us > self.now_us:
                    self._push(loop.frozen_until_us, loop, handle)
                    continue
                if loop.fuse is not None and loop.burn():
                    continue
                self.steps += 1
                if self.steps > STEPS_MAX:
                    raise TooLongError(f"{STEPS_MAX} callbacks, and no end")
                set_running(loop)
                handle._run()
        finally:
            set_running(None)

    def soon(self, loop: ProcessLoop, handle: asyncio.Handle) -> None:
        self._ready.append((loop, handle))

    def at(self, when_us: int, loop: ProcessLoop, handle: asyncio.Handle) -> None:
        self._push(max(when_us, self.now_us) + self._chance.randrange(_LATE_MAX_US), loop, handle)

    def exactly(self, when_us: int, loop: ProcessLoop, work: Callable[..., object], *args: object) -> None:
        """For arrivals, whose order their sender has settled."""
        self._push(max(when_us, self.now_us), loop, asyncio.Handle(work, args, loop))

    def _push(self, when_us: int, loop: ProcessLoop, handle: asyncio.Handle) -> None:
        self._number += 1
        heapq.heappush(self._timers, (when_us, self._number, loop, handle))


class ProcessLoop(asyncio.AbstractEventLoop):
    """The event loop of one simulated process."""

    def __init__(self, scheduler: Scheduler, name: str, on_fault: Callable[[str, dict[str, Any]], None]) -> None:
        self.scheduler = scheduler
        self.name = name
        self.dead = False
        self.frozen_until_us = 0
        self.fuse: tuple[int, Callable[[], None]] | None = None
        """Callbacks left, and what happens instead of the next one."""
        self._on_fault = on_fault
        self._tasks: list[asyncio.Task[Any]] = []

    def burn(self) -> bool:
        """One callback less until the fuse goes off; True if this was the last."""
        assert self.fuse is not None
        left, blow = self.fuse
        if left > 0:
            self.fuse = (left - 1, blow)
            return False
        self.fuse = None
        blow()
        return self.dead

    def die(self) -> None:
        """As SIGKILL does: nothing of this process runs any more.

        Its coroutines are closed here and not when they are collected, so that what Python runs in them at the end
        (`finally`) does so at a known moment, in a process whose calls reach nobody.
        """
        self.dead = True
        tasks, self._tasks = self._tasks, []
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            for task in tasks:
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                coroutine = task.get_coro()
                if not task.done() and coroutine is not None:
                    _close(coroutine)
        finally:
            asyncio._set_running_loop(before)

    # What asyncio asks of a loop

    def time(self) -> float:
        return self.scheduler.now_us / 1e6

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self.dead:
            self.scheduler.soon(self, handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> Any:
        return self.call_at(self.time() + max(delay, 0.0), callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> Any:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if not self.dead:
            self.scheduler.at(round(when * 1e6), self, handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        if self.dead:
            _close(coro)
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        if self.dead:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            return task
        self._tasks.append(task)
        if len(self._tasks) > 256:
            self._tasks = [one for one in self._tasks if not one.done()]
        return task

    async def create_connection(self, protocol_factory: Any, *_: Any, **__: Any) -> Any:
        assert self.scheduler.network is not None
        return await self.scheduler.network.connect(self, protocol_factory)

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead:
            self._on_fault(self.name, context)


def _close(coroutine: Any) -> None:
    """End a coroutine of a dead process, begun or not. Nobody hears of it."""
    with warnings.catch_warnings(), contextlib.suppress(BaseException):
        warnings.simplefilter("ignore", RuntimeWarning)  # "never awaited": it was killed before its first step
        coroutine.close()
