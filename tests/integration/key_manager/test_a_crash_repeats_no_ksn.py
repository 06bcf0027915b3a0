"""A KSN is given once in a key's life, however often the process is killed."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from tests.harness import Store
from tests.harness.calling import caller
from tests.integration.key_manager.macs import plant_key, take_until
from tpayd.crypto.dukpt import split_ksn
from tpayd_contracts.keys import EncryptedData

KILLS = 8
LANES_AT_ONCE = 16
MIN_BETWEEN_KILLS = 300
"""More than a block of counters, so that reserving ahead is under way in most of the kills."""


async def _kill_again_and_again(store: Store) -> list[EncryptedData]:
    taken: list[EncryptedData] = []
    stop = asyncio.Event()
    seeded = random.Random(2)
    async with caller(store, "key_manager") as connection:
        asking = [asyncio.ensure_future(take_until(stop, connection, taken)) for _ in range(LANES_AT_ONCE)]
        for _ in range(KILLS):
            goal = len(taken) + MIN_BETWEEN_KILLS + seeded.randrange(300)
            async with asyncio.timeout(20):
                while len(taken) < goal:  # noqa: ASYNC110  what grows is a list
                    await asyncio.sleep(0.002)
            store.restart("key_manager")
        stop.set()
        await asyncio.gather(*asking)
    return taken


def test_no_ksn_twice(tmp_path: Path) -> None:
    """Killed with SIGKILL eight times while 16 lanes take KSNs: every KSN is new, and later ones are higher."""
    store = Store(tmp_path, services=("key_manager",), lanes=1, readers=1)
    plant_key(store)
    with store:
        taken = asyncio.run(_kill_again_and_again(store))
    counters = [split_ksn(each.ksn)[1] for each in taken]
    assert len(counters) >= KILLS * MIN_BETWEEN_KILLS
    assert len(counters) == len(set(counters))
    assert counters[-1] - counters[0] <= len(counters) + LANES_AT_ONCE * (KILLS + 1) + (KILLS + 1) * 600
