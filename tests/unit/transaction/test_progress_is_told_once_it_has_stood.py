"""What a payment overtakes within a moment is not told; one timer serves all payments."""

from __future__ import annotations

import asyncio

from tpayd.transaction.settling import SETTLE_S, Settling


async def test_each_is_told_once_and_in_its_order() -> None:
    """Also one that comes while others are told, and one that comes when nobody waits any more."""
    settling, told, last = Settling(), list[str](), asyncio.Event()

    def again() -> None:
        told.append("second")
        settling.add(lambda: told.append("third"))

    settling.add(lambda: told.append("first"))
    settling.add(again)
    assert [] == told
    async with asyncio.timeout(30):
        while len(told) < 3:  # noqa: ASYNC110  the timer makes it true
            await asyncio.sleep(0.01)
        settling.add(last.set)
        await last.wait()
    assert ["first", "second", "third"] == told


async def test_nothing_is_told_before_its_time() -> None:
    settling, told = Settling(), asyncio.Event()
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    settling.add(told.set)
    async with asyncio.timeout(30):
        await told.wait()
    assert loop.time() - began_s >= SETTLE_S - 0.001
