"""Counters are written one block after the other beside the event loop, and who waits for them hears how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import structlog

from tpayd.key_manager.errors import NotReservedError, StoreError
from tpayd.key_manager.reserving import Reserving

KEY, OTHER = "test:TPAY0001:00", "test:TPAY0002:00"
WAIT_S = 30.0


class Store:
    """A disk that takes a write when it is let, and may be full."""

    def __init__(self) -> None:
        self.writes: list[dict[str, int]] = []
        self.let = Event()
        self.full = False

    def reserve_counters(self, limits: Mapping[str, int]) -> None:
        assert self.let.wait(WAIT_S)
        self.writes.append(dict(limits))
        if self.full:
            raise StoreError("disk full")


class Bench:
    """A reserving on its loop; `ended` has the end of each write."""

    def __init__(self, disk: ThreadPoolExecutor) -> None:
        self.store = Store()
        self.ended: asyncio.Queue[StoreError | None] = asyncio.Queue()
        reserving = Reserving({}, self.store, disk, structlog.get_logger(), self.ended.put_nowait)
        self.counters = reserving.counters

    async def end(self) -> StoreError | None:
        self.store.let.set()
        return await asyncio.wait_for(self.ended.get(), WAIT_S)


def test_the_loop_waits_for_no_write() -> None:
    """While one is under way others are asked for: they go together, after it."""

    async def run(disk: ThreadPoolExecutor) -> None:
        bench = Bench(disk)
        bench.counters.use([KEY])
        for _ in range(3):
            with pytest.raises(NotReservedError):
                bench.counters.take(OTHER)
        assert await bench.end() is None
        assert 1 == bench.counters.take(KEY)
        with pytest.raises(NotReservedError):
            bench.counters.take(OTHER)
        assert await bench.end() is None
        assert (2, 1) == (bench.counters.take(KEY), bench.counters.take(OTHER))
        assert [[KEY], [OTHER]] == [list(limits) for limits in bench.store.writes]

    with ThreadPoolExecutor(1) as disk:
        asyncio.run(run(disk))


def test_a_full_disk_is_told_and_asked_again() -> None:
    """Nothing is handed out of a block that is not on disk, and there is a next try."""

    async def run(disk: ThreadPoolExecutor) -> None:
        bench = Bench(disk)
        bench.store.full = True
        bench.counters.use([KEY])
        assert isinstance(await bench.end(), StoreError)
        bench.store.full = False
        with pytest.raises(NotReservedError):
            bench.counters.take(KEY)
        assert await bench.end() is None
        assert 1 == bench.counters.take(KEY)

    with ThreadPoolExecutor(1) as disk:
        asyncio.run(run(disk))


def test_a_disk_that_is_closed_is_told() -> None:
    """Who asks while the process stops is answered, and does not wait for a thread that has ended."""

    async def run(disk: ThreadPoolExecutor) -> None:
        bench = Bench(disk)
        disk.shutdown()
        with pytest.raises(NotReservedError):
            bench.counters.take(KEY)
        assert isinstance(await bench.end(), StoreError)

    asyncio.run(run(ThreadPoolExecutor(1)))
