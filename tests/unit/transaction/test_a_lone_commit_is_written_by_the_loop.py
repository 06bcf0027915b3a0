"""The commit of the only payment in hand is written by the event loop, if it goes to a file on a quick disk."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from pathlib import Path
from typing import Any

import pytest
import structlog
from msgspec.structs import replace

from tests.harness import eventually
from tests.harness.clock import FakeClock
from tests.harness.journals import Place
from tests.unit.transaction.samples import PAYMENT
from tpayd.transaction import events as ev
from tpayd.transaction.journal import Journal, JournalStore, StorageError
from tpayd.transaction.journal.quick_disk import QUICK_US, QUICK_WRITES, QuickDisk
from tpayd.transaction.journal.writing import ThreadWriter

LOOP, THREAD = "loop", "thread"


class Watched(JournalStore):
    """A store that notes who wrote. `slow_us`: how long each write takes, on the clock in the test's hand."""

    def __init__(self, url: str, clock: FakeClock) -> None:
        super().__init__(url)
        self._clock = clock
        self.writers: list[str] = []
        self.slow_us = 0

    def write(self, *args: object) -> None:
        self.writers.append(LOOP if threading.current_thread() is threading.main_thread() else THREAD)
        self._clock.advance(self.slow_us / 1e6)
        super().write(*args)  # type: ignore[arg-type]


class Stand:
    """A journal in a file, which a day's first commits have found quick unless the test says otherwise."""

    def __init__(self, directory: Path, *, disk: bool = True) -> None:
        self.place = Place.make("sqlite", directory, None)
        clock, log = FakeClock(), structlog.get_logger()
        self.store = Watched(self.place.url, clock)
        self.in_hand = 1
        self._writer = ThreadWriter(log, clock, QuickDisk() if disk else None, lambda: self.in_hand)
        self.journal = Journal(self.store, clock, log, self._writer)
        self._number = 0

    async def open(self) -> None:
        """Open it, and write as often as it takes until the disk counts as quick."""
        self.journal.open()
        for _ in range(QUICK_WRITES):
            await self.commit()
            await asyncio.to_thread(self.wait_idle)

    async def commit(self) -> str:
        """Begin a payment and commit it; who wrote it."""
        await self.begin()
        return self.store.writers[-1]

    def begin(self) -> asyncio.Future[None]:
        """The same without waiting for it."""
        self._number += 1
        payment = replace(PAYMENT, lane=str(self._number), payment_id=str(self._number))
        self.journal.put(payment, ev.Created(payment))
        return self.journal.committed(payment.lane)

    @property
    def on_disk(self) -> int:
        """Events, as another connection sees them."""
        return int(self.place.rows("select count(*) from events")[0][0])

    def wait_written(self) -> None:
        """The clerk owes nothing any more."""
        eventually(lambda: not self._writer._clerk.owes, timeout_s=5.0, what="the thread to write what it owes")

    def wait_idle(self) -> None:
        """The thread counts what it has done after it has told the loop."""
        writer = self._writer
        eventually(lambda: writer._done == writer._handed_over, timeout_s=5.0, what="the thread to wait")


async def test_a_commit_that_comes_alone_needs_no_thread(tmp_path: Path) -> None:
    """And it is on disk when it counts as committed. Until the disk has been quick for a while, the thread writes."""
    stand = Stand(tmp_path)
    await stand.open()
    assert [THREAD] * QUICK_WRITES == stand.store.writers
    for number in range(1, 4):
        assert LOOP == await stand.commit()
        assert QUICK_WRITES + number == stand.on_disk
    await stand.journal.close()


async def test_while_others_are_in_hand_nobody_holds_up_the_loop(tmp_path: Path) -> None:
    """Their messages would wait for a disk that is none of their business."""
    stand = Stand(tmp_path)
    await stand.open()
    stand.in_hand = 2
    assert THREAD == await stand.commit()
    await asyncio.to_thread(stand.wait_idle)
    stand.in_hand = 1
    assert LOOP == await stand.commit()
    await stand.journal.close()


async def test_commits_of_one_turn_share_the_threads_sync(tmp_path: Path) -> None:
    """Two that come together are one transaction, and the loop is free meanwhile."""
    stand = Stand(tmp_path)
    await stand.open()
    before = len(stand.store.writers)
    await asyncio.gather(stand.begin(), stand.begin())
    assert [THREAD] == stand.store.writers[before:]
    await stand.journal.close()


async def test_nobody_writes_beside_the_thread(tmp_path: Path) -> None:
    """While it reads for somebody, a commit waits in its line, and does not hold up the loop."""
    stand = Stand(tmp_path)
    await stand.open()
    reads, may_end = threading.Event(), threading.Event()

    def read() -> None:
        reads.set()
        assert may_end.wait(5)

    reading = asyncio.create_task(stand.journal.ask(read))
    assert await asyncio.to_thread(reads.wait, 5)
    committing = stand.begin()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not committing.done()
    may_end.set()
    await reading
    await committing
    assert THREAD == stand.store.writers[-1]
    await stand.journal.close()


async def test_the_loop_writes_nothing_once_the_journal_is_being_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread may let go of the store at any moment from then on; what comes late goes its way, behind the rest."""

    class Held:
        """What the thread is given reaches it only when the test lets it."""

        def __init__(self, given: queue.SimpleQueue[Any]) -> None:
            self._given = given
            self._held: list[Any] = []
            self.get, self.get_nowait = given.get, given.get_nowait

        def put(self, jobs: Any) -> None:
            self._held.append(jobs)

        def let_go(self) -> None:
            for jobs in self._held:
                self._given.put(jobs)

    stand = Stand(tmp_path)
    await stand.open()
    held = Held(stand._writer._jobs)
    monkeypatch.setattr(stand._writer, "_jobs", held)
    closing = asyncio.create_task(stand.journal.close())
    await asyncio.sleep(0)
    stand.begin()
    for _ in range(3):
        await asyncio.sleep(0)
    assert [THREAD] * QUICK_WRITES == stand.store.writers
    held.let_go()
    await closing
    assert LOOP not in stand.store.writers


async def test_a_slow_disk_is_waited_for_by_the_thread(tmp_path: Path) -> None:
    """One slow write is enough; the loop writes again once so many were quick in a row."""
    stand = Stand(tmp_path)
    await stand.open()
    stand.store.slow_us = QUICK_US + 1
    assert LOOP == await stand.commit()
    assert THREAD == await stand.commit()
    stand.store.slow_us = QUICK_US
    before = len(stand.store.writers)
    for _ in range(QUICK_WRITES + 1):
        await stand.commit()
        await asyncio.to_thread(stand.wait_idle)
    assert [*[THREAD] * QUICK_WRITES, LOOP] == stand.store.writers[before:]
    await stand.journal.close()


async def test_a_server_is_never_waited_for_by_the_loop(tmp_path: Path) -> None:
    """Nobody knows how long it takes, however quick it has been."""
    stand = Stand(tmp_path, disk=False)
    await stand.open()
    assert THREAD == await stand.commit()
    await stand.journal.close()


async def test_what_the_disk_refused_the_loop_is_written_by_the_thread(tmp_path: Path) -> None:
    """The payment hears of it, no other begins, and it is on disk once the disk takes it, once."""
    stand = Stand(tmp_path)
    await stand.open()
    stand.place.refuse_events()
    with pytest.raises(StorageError, match="disk full"):
        await stand.begin()
    assert LOOP == stand.store.writers[QUICK_WRITES]
    assert "disk full" in (stand.journal.failing or "")
    stand.place.allow_events()
    await asyncio.to_thread(stand.wait_written)
    await stand.commit()
    assert stand.journal.failing is None
    assert QUICK_WRITES + 2 == stand.on_disk
    assert {THREAD} == set(stand.store.writers[QUICK_WRITES + 1 :])
    await stand.journal.close()


async def test_a_fault_while_writing_on_the_loop_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on the thread: nobody would ever hear whether his commit is on disk."""

    class Ended(BaseException):
        pass

    stand = Stand(tmp_path)
    await stand.open()
    codes = []

    def end(code: int) -> None:
        codes.append(code)
        raise Ended

    def fault(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(os, "_exit", end)
    with monkeypatch.context() as broken:
        broken.setattr(stand.store, "write", fault)
        committing = stand.begin()
        with pytest.raises(Ended):
            stand.journal._submit_jobs()
    assert [70] == codes
    assert not committing.done()
    await stand.journal.close()
