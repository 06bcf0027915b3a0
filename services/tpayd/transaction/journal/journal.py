"""The journal as the event loop sees it: put, wait until it is on disk, find.

One thread writes. It takes all that is queued, makes one transaction of it, and wakes the loop once: at 64 payments
in flight that is some forty times the rate of one transaction each, and still one sync per payment at one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from tpayd.kit.clock import Clock
from tpayd.transaction.events import Event
from tpayd.transaction.journal.entries import Entry, StanBlock
from tpayd.transaction.journal.store import Found, JournalStore
from tpayd.transaction.payment import Payment

__all__ = ["COMMIT_MAX_S", "FLUSH_AFTER_S", "RETRY_AFTER_S", "SWITCH_S", "Journal", "StorageError"]

FLUSH_AFTER_S = 0.1
"""Events that nobody waits for are written after this time at the latest."""
RETRY_AFTER_S = 0.5
"""How often a disk that took nothing is tried again. What waits is bounded: no payment starts meanwhile."""

COMMIT_MAX_S = 10.0
"""A disk that has not answered for so long counts as one that took nothing; what was put is still written if it can."""
SWITCH_S = 0.0005
"""How long the writing thread may hold the interpreter while the loop wants it; Python's own 5 ms would be ten hops."""

_LOG_FLUSH_S = 0.2
_EX_SOFTWARE = 70


class StorageError(Exception):
    """The disk did not take it. What was put stays queued, and is written once the disk takes it again."""


@dataclass(frozen=True, slots=True)
class _Write:
    entries: list[Entry]
    blocks: list[StanBlock]
    waiter: asyncio.Future[None] | None


@dataclass(frozen=True, slots=True)
class _Find:
    lane: str
    request_id: str
    waiter: asyncio.Future[Payment | None]


_Job = _Write | _Find | None
_Waiter = asyncio.Future[None] | asyncio.Future[Payment | None]
_Outcome = tuple[_Waiter, object]


class Journal:
    """Append-only memory of all payments."""

    def __init__(self, url: str, clock: Clock, log: structlog.typing.FilteringBoundLogger) -> None:
        self.failing: str | None = None
        """Why the last write failed, or None. While it is set, no new payment may start."""
        self._store = JournalStore(url)
        self._clock = clock
        self._log = log
        self._entries: list[Entry] = []
        self._blocks: list[StanBlock] = []
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._waiting: deque[tuple[int, _Waiter]] = deque()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._write_until_told, name="journal", daemon=True)

    def open(self) -> Found:
        """Read what is open, and start the writing thread. Blocks; to be called once, at start."""
        self._loop = asyncio.get_running_loop()
        sys.setswitchinterval(SWITCH_S)
        found = self._store.open()
        self._thread.start()
        return found

    async def close(self) -> None:
        """Write what is left, and end the thread."""
        self._hand_over(None)
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join, 10.0)

    def put(self, payment: Payment, event: Event) -> None:
        """Remember an event. It is durable once a later `committed` returns."""
        self._entries.append(Entry(payment, event, self._clock.unix_ms()))
        self._flush_later()

    def put_block(self, block: StanBlock) -> None:
        """Reserve STANs; durable with the next `committed`, so before the first of them is used."""
        self._blocks.append(block)
        self._flush_later()

    async def committed(self) -> None:
        """Wait until all that was put is on disk. Raises StorageError."""
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((self._clock.boottime_ms(), waiter))
        self._hand_over(waiter)
        await waiter

    def expire(self) -> None:
        """Let nobody wait longer than COMMIT_MAX_S. Called every second."""
        oldest_ms = self._clock.boottime_ms() - int(COMMIT_MAX_S * 1000)
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] <= oldest_ms):
            _, waiter = self._waiting.popleft()
            if not waiter.done():
                self.failing = f"the disk has not answered for {COMMIT_MAX_S:.0f} s"
                waiter.set_exception(StorageError(self.failing))

    async def find(self, lane: str, request_id: str) -> Payment | None:
        """A payment by its key, from disk. Raises StorageError."""
        waiter: asyncio.Future[Payment | None] = self._loop.create_future()
        self._waiting.append((self._clock.boottime_ms(), waiter))
        self._jobs.put(_Find(lane, request_id, waiter))
        return await waiter

    def _flush_later(self) -> None:
        if self._flush_timer is None:
            self._flush_timer = self._loop.call_later(FLUSH_AFTER_S, self._hand_over, None)

    def _hand_over(self, waiter: asyncio.Future[None] | None) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        if not self._entries and not self._blocks and waiter is None:
            return
        self._jobs.put(_Write(self._entries, self._blocks, waiter))
        self._entries, self._blocks = [], []

    # The writing thread

    def _write_until_told(self) -> None:
        try:
            self._run()
        except BaseException:
            # Nobody would ever be told that anything is on disk. The next process starts from what is.
            self._log.exception("journal.thread_failed")
            time.sleep(_LOG_FLUSH_S)
            os._exit(_EX_SOFTWARE)

    def _run(self) -> None:
        entries: list[Entry] = []
        blocks: list[StanBlock] = []
        stopping = False
        failed = False
        while not stopping:
            jobs = self._take(RETRY_AFTER_S if entries or blocks else None)
            stopping = None in jobs
            outcomes: list[_Outcome] = [self._found(job) for job in jobs if isinstance(job, _Find)]
            writes = [job for job in jobs if isinstance(job, _Write)]
            for write in writes:
                entries += write.entries
                blocks += write.blocks
            problem = self._write(entries, blocks)
            if problem is None:
                entries, blocks = [], []
            outcomes += [(write.waiter, problem) for write in writes if write.waiter is not None]
            if outcomes or failed or problem is not None:
                self._loop.call_soon_threadsafe(self._settle, outcomes, problem)
            failed = problem is not None
        self._store.close()

    def _take(self, wait_s: float | None) -> list[_Job]:
        jobs: list[_Job] = []
        with contextlib.suppress(queue.Empty):
            jobs.append(self._jobs.get(timeout=wait_s))
            while True:
                jobs.append(self._jobs.get_nowait())
        return jobs

    def _write(self, entries: list[Entry], blocks: list[StanBlock]) -> StorageError | None:
        if not entries and not blocks:
            return None
        try:
            self._store.write(entries, blocks)
        except SQLAlchemyError as error:
            return StorageError(_reason(error))
        return None

    def _found(self, job: _Find) -> _Outcome:
        try:
            return job.waiter, self._store.find(job.lane, job.request_id)
        except SQLAlchemyError as error:
            return job.waiter, StorageError(_reason(error))
        except msgspec.MsgspecError as error:
            return job.waiter, StorageError(f"the payment's record is damaged: {error}")

    # Back on the loop

    def _settle(self, outcomes: list[_Outcome], problem: StorageError | None) -> None:
        if problem is not None and self.failing is None:
            self._log.error("journal.failing", why=str(problem))
        elif problem is None and self.failing is not None:
            self._log.info("journal.writes_again")
        self.failing = None if problem is None else str(problem)
        for waiter, outcome in outcomes:
            if waiter.done():
                continue
            if isinstance(outcome, StorageError):
                waiter.set_exception(outcome)
            else:
                waiter.set_result(outcome)  # type: ignore[arg-type]


def _reason(error: SQLAlchemyError) -> str:
    """The driver's own words, without SQLAlchemy's quotation of statement and values."""
    return str(error.__cause__ or error).splitlines()[0]
