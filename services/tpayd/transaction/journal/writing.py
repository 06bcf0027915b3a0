"""Who writes: one thread, which takes all that is queued, makes one transaction of it, and wakes the loop once.

At 64 payments in flight that is some forty times the rate of one transaction each, and still one sync per payment at
one. The commit of a payment that is alone in hand, on a disk that has been quick, is written by the event loop itself
(ADR 0037): to wake the thread and be woken by it takes a third as long as the disk. `Clerk` is what is done with the
jobs of one turn; `Writer` is who has it done, and when.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from msgspec import Struct

from tpayd.kit import crashpoints
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.transaction.journal.entries import Entry, StanBlock
from tpayd.transaction.journal.errors import StorageError
from tpayd.transaction.journal.quick_disk import QuickDisk
from tpayd.transaction.journal.store import Store

__all__ = ["RETRY_AFTER_S", "SWITCH_S", "Clerk", "Job", "Read", "Report", "Settle", "ThreadWriter", "Write", "Writer"]

RETRY_AFTER_S = 0.5
"""How often a disk that took nothing is tried again. What waits is bounded: no payment starts meanwhile."""
SWITCH_S = 0.0005
"""How long the writing thread may hold the interpreter while the loop wants it; Python's own 5 ms would be ten hops."""

_END_WAIT_S = 10.0
_LOG_FLUSH_S = 0.2
_EX_SOFTWARE = 70


class Write(Struct, frozen=True):
    """Entries to be written, and who waits until they are on disk."""

    entries: list[Entry]
    blocks: list[StanBlock]
    waiter: asyncio.Future[None] | None


class Read(Struct, frozen=True):
    """Something to be asked of the store, and who waits for the answer."""

    question: Callable[[], object]
    waiter: asyncio.Future[Any]


Job = Write | Read


class Report(Struct, frozen=True):
    """What came of one turn."""

    outcomes: list[tuple[asyncio.Future[Any], object]]
    """Each waiter's result: None or an answer, or a StorageError."""
    problem: StorageError | None
    """Why nothing was written."""


Settle = Callable[[Report], None]


class Clerk:
    """Does the jobs of one turn after the other. What the store did not take is kept, and goes first next time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._entries: list[Entry] = []
        self._blocks: list[StanBlock] = []

    @property
    def owes(self) -> bool:
        """Whether something waits for a store that takes it."""
        return bool(self._entries or self._blocks)

    def work(self, jobs: list[Job]) -> Report:
        """Answer what is asked; write all the rest in one transaction."""
        outcomes: list[tuple[asyncio.Future[Any], object]] = []
        for job in jobs:
            if isinstance(job, Read):
                outcomes.append((job.waiter, self._ask(job)))
            else:
                self._entries += job.entries
                self._blocks += job.blocks
        problem = self._write()
        outcomes += [(job.waiter, problem) for job in jobs if isinstance(job, Write) and job.waiter is not None]
        return Report(outcomes, problem)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def _write(self) -> StorageError | None:
        if not self.owes:
            return None
        crashpoints.passing("journal.before_write")
        try:
            self._store.write(self._entries, self._blocks)
        except StorageError as error:
            return error
        crashpoints.passing("journal.after_commit")
        self._entries, self._blocks = [], []
        return None

    @staticmethod
    def _ask(job: Read) -> object:
        try:
            return job.question()
        except StorageError as error:
            return error


class Writer(Protocol):
    """Has a clerk do what is submitted, and hands the reports to `settle` on the event loop."""

    def start(self, clerk: Clerk, settle: Settle) -> None:
        """Begin. Called once, on the running event loop."""
        ...

    def submit(self, jobs: list[Job]) -> None:
        """Have them done soon, in their order. Returns at once."""
        ...

    async def close(self) -> None:
        """Return once all that was submitted is done, and the clerk closed, or after ten seconds."""
        ...


class ThreadWriter:
    """A thread of its own, so that a slow disk holds up nobody who does not wait for it.

    Nobody uses the clerk but the thread; and the loop, while the thread can do nothing but wait for the loop.
    """

    def __init__(
        self, log: Log, clock: Clock, disk: QuickDisk | None = None, in_hand: Callable[[], int] = lambda: 0
    ) -> None:
        """`disk`: where the journal is a file here; None: on a server, which the loop must never wait for.

        `in_hand` counts the payments that the daemon works on: what would wait for the disk as well.
        """
        self._log = log
        self._clock = clock
        self._disk = disk
        self._in_hand = in_hand
        self._jobs: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        """None: nothing comes any more."""
        self._handed_over = 0
        self._done = 0
        """Of what was handed over. The thread counts it last of all, when it has let go of the clerk."""
        self._retrying = False
        """The thread will use the clerk by itself, without being given anything."""
        self._closing = False
        self._failed = False
        """Whether the last write did."""

    def start(self, clerk: Clerk, settle: Settle) -> None:
        sys.setswitchinterval(SWITCH_S)
        loop = asyncio.get_running_loop()
        self._clerk, self._settle = clerk, settle
        arguments = (lambda report: loop.call_soon_threadsafe(settle, report),)
        self._thread = threading.Thread(target=self._run_or_die, args=arguments, name="journal", daemon=True)
        self._thread.start()

    def submit(self, jobs: list[Job]) -> None:
        if self._may_write_here(jobs):
            self._write_here(jobs)
        else:
            self._hand_over(jobs)

    async def close(self) -> None:
        self._closing = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join, _END_WAIT_S)

    def _hand_over(self, jobs: list[Job]) -> None:
        self._handed_over += 1
        self._jobs.put(jobs)

    # On the event loop

    def _may_write_here(self, jobs: list[Job]) -> bool:
        """A commit of the only payment in hand, while the thread waits, on a disk that has been quick."""
        if self._closing or self._retrying or self._handed_over != self._done:
            return False
        if self._disk is None or not self._disk.is_quick or len(jobs) > 1 or self._in_hand() > 1:
            return False
        job = jobs[0]
        return isinstance(job, Write) and job.waiter is not None

    def _write_here(self, jobs: list[Job]) -> None:
        try:
            report = self._work(jobs)
        except BaseException:
            self._die()
        self._settle(report)
        if report.problem is not None:
            self._hand_over([])  # the thread tries again, until the disk takes it

    # On the thread

    def _run_or_die(self, settle: Settle) -> None:
        try:
            self._run(settle)
        except BaseException:
            self._die()

    def _run(self, settle: Settle) -> None:
        stopping = False
        while not stopping:
            taken = self._take(RETRY_AFTER_S if self._retrying else None)
            stopping = None in taken
            failed = self._failed
            report = self._work([job for jobs in taken if jobs is not None for job in jobs])
            if report.outcomes or failed or report.problem is not None:
                settle(report)
            self._retrying = self._clerk.owes
            self._done += len(taken)
        self._clerk.close()

    def _take(self, wait_s: float | None) -> list[list[Job] | None]:
        taken: list[list[Job] | None] = []
        with contextlib.suppress(queue.Empty):
            taken.append(self._jobs.get(timeout=wait_s))
            while True:
                taken.append(self._jobs.get_nowait())
        return taken

    # On either

    def _work(self, jobs: list[Job]) -> Report:
        began_us = self._clock.monotonic_us()
        report = self._clerk.work(jobs)
        self._failed = report.problem is not None
        if self._disk is not None and any(isinstance(job, Write) for job in jobs):
            self._disk.took(self._clock.monotonic_us() - began_us, failed=self._failed)
        return report

    def _die(self) -> NoReturn:
        """End the process: nobody would ever be told that anything is on disk. The next one starts from what is."""
        self._log.exception("journal.writing_failed")
        time.sleep(_LOG_FLUSH_S)
        os._exit(_EX_SOFTWARE)
