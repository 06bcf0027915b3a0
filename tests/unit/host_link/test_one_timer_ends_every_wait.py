"""Waits that share a timer end each in its own time, whatever their order."""

from __future__ import annotations

import asyncio

from tpayd.host_link.deadlines import Deadlines
from tpayd.kit.clock import SystemClock


async def _ended_at(*after_us: int) -> dict[int, int]:
    """When each of these waits was ended, both in microseconds after they were put, in this order."""
    clock, done = SystemClock(), asyncio.Event()
    begin_us = clock.monotonic_us()
    open_waits = set(after_us)
    ended: dict[int, int] = {}

    def ring(now_us: int) -> int | None:
        for wait in sorted(wait for wait in open_waits if begin_us + wait <= now_us):
            open_waits.discard(wait)
            ended[wait] = now_us - begin_us
        if not open_waits:
            done.set()
            return None
        return begin_us + min(open_waits)

    deadlines = Deadlines(clock, ring)
    for wait in after_us:
        deadlines.put(begin_us + wait)
    await asyncio.wait_for(done.wait(), 30)
    deadlines.close()
    return ended


def test_each_ends_and_none_before_its_time() -> None:
    """A later one that is put first, an earlier one after it, and one that is over at once."""
    waits = (40_000, 10_000, 0, 20_000)
    ended = asyncio.run(_ended_at(*waits))
    assert sorted(waits) == list(ended)
    assert [] == [wait for wait, at in ended.items() if at < wait]


def test_a_closed_one_rings_no_more() -> None:
    """Nothing is left on the loop that would hold up its end."""

    async def closed() -> list[int]:
        rung: list[int] = []
        clock = SystemClock()
        deadlines = Deadlines(clock, rung.append)
        deadlines.put(clock.monotonic_us() + 5_000)
        deadlines.close()
        await asyncio.sleep(0.02)
        return rung

    assert [] == asyncio.run(closed())
