"""One check of the installed files, in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tpayd.integrity.checking import Checked, Fault, FaultKind, Stopper, check
from tpayd.integrity.environment import Environment, start_doubts

__all__ = ["FileWatch"]

Tell = Callable[[int, int], None]


class FileWatch:
    """The environment that this process runs from, and the keys that may sign it."""

    def __init__(self, trusted_keys: Path, limit_s: float) -> None:
        self._trusted_keys = trusted_keys
        self._limit_s = limit_s
        self._environment = Environment.current()
        self._doubts = tuple(
            Fault(FaultKind.STARTED, "", text)
            for text in (start_doubts(self._environment) if self._environment else ())
        )
        self._stopper = Stopper()
        self._thread = ThreadPoolExecutor(1, "integrity")

    async def check(self, nice: int, tell: Tell) -> Checked:
        """Compare everything. `tell` (files compared, files listed) is called in the event loop."""
        environment = self._environment
        if environment is None:
            text = "this Python is shared with the system; install tpayd into an environment of its own"
            return Checked((Fault(FaultKind.MANIFEST, "", text),), 1)
        loop = asyncio.get_running_loop()

        def run() -> Checked:
            return check(
                environment, self._trusted_keys, limit_s=self._limit_s, nice=nice, stopper=self._stopper,
                on_progress=lambda done, of: _in_loop(loop, tell, done, of),
            )  # fmt: skip

        checked = await loop.run_in_executor(self._thread, run)
        doubts = self._doubts
        return Checked(
            (*checked.faults, *doubts), checked.found + len(doubts), checked.files, checked.signers, checked.version
        )

    def close(self) -> None:
        """End a check that is under way."""
        self._stopper.stop()
        self._thread.shutdown(wait=True, cancel_futures=True)


def _in_loop(loop: asyncio.AbstractEventLoop, tell: Tell, done: int, of: int) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(tell, done, of)
