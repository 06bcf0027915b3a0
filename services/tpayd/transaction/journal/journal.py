"""The journal as the event loop sees it: put, wait until it is on disk, find."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from tpayd.kit.bus.turn import turn_of
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.transaction.events import FIRST, Created, Event
from tpayd.transaction.journal.entries import Entry, StanBlock
from tpayd.transaction.journal.errors import DoubtError, StorageError
from tpayd.transaction.journal.known_keys import KnownKeys
from tpayd.transaction.journal.opening import Found
from tpayd.transaction.journal.store import Store
from tpayd.transaction.journal.writing import Clerk, Job, Read, Report, ThreadWriter, Write, Writer
from tpayd.transaction.payment import Payment

__all__ = ["COMMIT_MAX_S", "FLUSH_AFTER_S", "Journal"]

T = TypeVar("T")

FLUSH_AFTER_S = 0.1
"""Events that nobody waits for are written after this time at the latest."""
KEYS_PER_PAGE = 500
"""Keys read at a time after a start: a millisecond of the writing thread, and one of the loop."""
KEYS_REST = 4.0
"""Rest after each page, in multiples of the time that it took: a million and a half take a minute, and a fifth of one
processor, not all of it for a quarter of that. Until then a new sale's key is looked for on disk."""
KEYS_REST_MAX_S = 0.05
KEYS_AGAIN_AFTER_S = 1.0
COMMIT_MAX_S = 10.0
"""A disk that has not answered for so long counts as one that took nothing; what was put is still written if it can."""


class Journal:
    """Append-only memory of all payments."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        log: Log,
        writer: Writer | None = None,
    ) -> None:
        """`writer` is who does the writing; by default a thread, and nobody beside it."""
        self.failing: str | None = None
        """Why the last write failed, or None. While it is set, no new payment may start."""
        self.on_put: Callable[[Payment], None] = _ignore
        """Hears of every payment that changes."""
        self.newest: dict[str, str] = {}
        """Lane → request id of the payment that it began last."""
        self._store = store
        self._clock = clock
        self._log = log
        self._writer = writer or ThreadWriter(log, clock)
        self._held: dict[str, list[Entry]] = {}
        """By lane: what is not handed over yet, in its order."""
        self._blocks: list[StanBlock] = []
        self._jobs: list[Job] = []
        """What the writer gets at the end of this turn of the loop."""
        self._waiting: deque[tuple[int, asyncio.Future[Any]]] = deque()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._keys = KnownKeys()
        self._learning: asyncio.Task[None] | None = None

    def open(self) -> Found:
        """Read what is open, and begin to write. Blocks; to be called once, at start.

        Raises StorageError, JournalVersionError.
        """
        self._loop = asyncio.get_running_loop()
        self._turn = turn_of(self._loop)
        found = self._store.open()
        self.newest = dict(found.newest)
        self._writer.start(Clerk(self._store), self._settle)
        return found

    def learn_keys(self) -> asyncio.Task[None]:
        """Begin to read which keys there are; until the task is done, `may_hold` rules none out."""
        self._learning = self._loop.create_task(self._learn_keys())
        return self._learning

    async def close(self) -> None:
        """Write what is left, and let go of the store."""
        if self._learning is not None:
            self._learning.cancel()
        self._hand_over(None)
        self._submit_jobs()
        await self._writer.close()

    def put(self, payment: Payment, event: Event, at_ms: int | None = None) -> None:
        """Remember an event, of now or of the time that is told (UTC).

        It is durable once a later `committed` of its lane, or of all, returns.
        """
        if type(event) in FIRST:
            if isinstance(event, Created) and not payment.standalone:
                self.newest[payment.lane] = payment.request_id
            self._keys.add(payment.lane, payment.request_id)
        self.on_put(payment)
        entry = Entry(payment, event, self._clock.unix_ms() if at_ms is None else at_ms)
        held = self._held.get(payment.lane)
        if held is None:
            self._held[payment.lane] = [entry]
            self._flush_later()
        else:
            held.append(entry)

    def put_block(self, block: StanBlock) -> None:
        """Reserve STANs; durable with the next `committed`, so before the first of them is used."""
        self._blocks.append(block)
        self._flush_later()

    def committed(self, lane: str | None = None) -> asyncio.Future[None]:
        """Wait until all that was put of a lane, or of all lanes, is on disk, and all STANs.

        What other lanes have put then waits for their own commits, so that a payment's row is written twice for a sale
        and not with each of its events. What must be in one commit is of one lane: a payment is taken back by the lane
        that made it (see `orders.originals`). Raises StorageError, and DoubtError where it may be there.
        """
        waiter = self._waiter()
        self._hand_over(waiter, lane)
        return waiter

    def may_hold(self, lane: str, request_id: str) -> bool:
        """Whether `find` could find something; False is certain, and saves the way to the disk."""
        return self._keys.may_hold(lane, request_id)

    async def find(self, lane: str, request_id: str) -> Payment | None:
        """A payment by its key, from disk. Raises StorageError."""
        return await self.ask(lambda: self._store.find(lane, request_id))

    async def ask(self, question: Callable[[], T]) -> T:
        """Have the writer ask the store something between two writes, which wait meanwhile. Raises StorageError."""
        waiter = self._waiter()
        self._submit(Read(question, waiter))
        answer: T = await waiter
        return answer

    def expire(self) -> None:
        """Let nobody wait longer than COMMIT_MAX_S. Called every second."""
        oldest_ms = self._clock.boottime_ms() - int(COMMIT_MAX_S * 1000)
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] <= oldest_ms):
            _, waiter = self._waiting.popleft()
            if not waiter.done():
                self.failing = f"the disk has not answered for {COMMIT_MAX_S:.0f} s"
                waiter.set_exception(DoubtError(self.failing))

    def _waiter(self) -> asyncio.Future[Any]:
        waiter: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append((self._clock.boottime_ms(), waiter))
        return waiter

    async def _learn_keys(self) -> None:
        """Page by page, so that nobody who commits meanwhile waits for long."""
        keys: Sequence[tuple[str, str]] = [("", "")]
        while True:
            began_us = self._clock.monotonic_us()
            try:
                keys = await self.ask(partial(self._store.keys, keys[-1], KEYS_PER_PAGE))
            except StorageError as error:
                self._log.warning("journal.keys_not_read", why=str(error))
                await asyncio.sleep(KEYS_AGAIN_AFTER_S)
                continue
            for request_id, lane in keys:
                self._keys.add(lane, request_id)
            if len(keys) < KEYS_PER_PAGE:
                self._keys.complete = True
                return
            took_s = (self._clock.monotonic_us() - began_us) / 1e6
            await asyncio.sleep(min(KEYS_REST_MAX_S, KEYS_REST * took_s))

    def _flush_later(self) -> None:
        # It is left to run out when a commit comes first: that is cheaper than a new one for each commit.
        if self._flush_timer is None:
            self._flush_timer = self._loop.call_later(FLUSH_AFTER_S, self._flush)

    def _flush(self) -> None:
        self._flush_timer = None
        self._hand_over(None)

    def _hand_over(self, waiter: asyncio.Future[None] | None, lane: str | None = None) -> None:
        if lane is not None:
            entries = self._held.pop(lane, [])
        else:
            entries = list(chain.from_iterable(self._held.values()))
            self._held.clear()
        if entries or self._blocks or waiter is not None:
            self._submit(Write(entries, self._blocks, waiter))
            self._blocks = []

    def _submit(self, job: Job) -> None:
        # The commits of a turn go together: to wake the writer costs as much as all else that is done for a commit.
        if not self._jobs:
            self._turn.at_end(self._submit_jobs)
        self._jobs.append(job)

    def _submit_jobs(self) -> None:
        if self._jobs:
            jobs, self._jobs = self._jobs, []
            self._writer.submit(jobs)

    def _settle(self, report: Report) -> None:
        if report.problem is not None and self.failing is None:
            self._log.error("journal.failing", why=str(report.problem))
        elif report.problem is None and self.failing is not None:
            self._log.info("journal.writes_again")
        self.failing = None if report.problem is None else str(report.problem)
        for waiter, outcome in report.outcomes:
            if waiter.done():
                continue
            if isinstance(outcome, StorageError):
                waiter.set_exception(outcome)
            else:
                waiter.set_result(outcome)
        self._turn.after_tasks()


def _ignore(_: Payment) -> None:
    pass
