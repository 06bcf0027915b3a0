"""Reserves counters ahead of need, off the event loop: all keys that run low in one transaction, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Protocol

from tpayd.key_manager.counters import Counters
from tpayd.key_manager.errors import StoreError
from tpayd.kit.logs import Log

__all__ = ["Reserving"]


class Reserves(Protocol):
    """What is needed of `KeyStore`."""

    def reserve_counters(self, limits: Mapping[str, int]) -> None:
        """Return once they are on disk. Raises StoreError."""


class Reserving:
    """See the module. For one event loop."""

    def __init__(
        self,
        reserved: Mapping[str, int],
        store: Reserves,
        disk: Executor,
        log: Log,
        on_end: Callable[[StoreError | None], None],
    ) -> None:
        """`reserved`: see `Counters`. `on_end` hears when a reservation is on disk, or why it is not."""
        self.counters = Counters(reserved, self._look)
        self._store = store
        self._disk = disk
        self._log = log
        self._on_end = on_end
        self._writing = False
        self._failing = False

    def _look(self) -> None:
        """Write what is wanted, unless a write is under way: what it leaves low asks again."""
        if self._writing:
            return
        limits = self.counters.wanted()
        if not limits:
            return
        loop = asyncio.get_running_loop()
        try:
            writing = loop.run_in_executor(self._disk, self._store.reserve_counters, limits)
        except RuntimeError:
            # The disk's thread has ended. In a later turn: who has just asked begins to wait after this.
            loop.call_soon(self._on_end, StoreError("the key manager is stopping"))
            return
        self._writing = True
        writing.add_done_callback(partial(self._ended, limits))

    def _ended(self, limits: Mapping[str, int], writing: asyncio.Future[None]) -> None:
        self._writing = False
        problem = _problem_of(writing)
        if problem is None:
            self.counters.reserved(limits)
        elif not self._failing:
            # A store that goes on selling on what is left asks again at each message.
            self._log.error("counters.not_reserved", keys=len(limits), why=str(problem))
        self._failing = problem is not None
        self._on_end(problem)


def _problem_of(writing: asyncio.Future[None]) -> StoreError | None:
    if writing.cancelled():
        return StoreError("the key manager is stopping")
    error = writing.exception()
    return error if error is None or isinstance(error, StoreError) else StoreError(repr(error))
