"""Garbage, drips and endless frames, on real ptys: the reader is out of the pool and says why, the others sell on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.harness import Store
from tests.integration.readers.counter import counter_of, device, load_key, wait_for
from tests.integration.readers.mixed_store import NEO, STX, THIRD, mixed_store
from tpayd_contracts.device import DeviceState
from tpayd_contracts.sandbox import LineFault

BAD = [fault for fault in LineFault if fault is not LineFault.NONE]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with mixed_store(
        tmp_path_factory.mktemp("noise"), services=("sandbox_readers", "device_broker"), readers=3
    ) as shop:
        for number, name in enumerate((STX, NEO, THIRD), start=1):
            wait_for(shop, name, timeout_s=30)
            assert load_key(shop, name, number).confirmed
        yield shop


@pytest.fixture(autouse=True)
def well(store: Store) -> None:
    """Every line is as it should be, and each customer has a card in his hand."""
    for name in (STX, NEO, THIRD):
        store.sandbox.line(name, LineFault.NONE)
        store.sandbox.auto(name, "visa-tap")
        wait_for(store, name, timeout_s=30)


def read_cards(store: Store, count: int) -> list[str]:
    """So many cards, one after the other, on whatever reader is lent; which readers they were."""

    async def serve() -> list[str]:
        used = []
        async with counter_of(store) as counter:
            for _ in range(count):
                lease = await counter.acquire()
                await counter.read(lease)
                await counter.release(lease)
                used.append(lease.device)
        return used

    return asyncio.run(serve())


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_line_takes_its_reader_out_of_the_pool(store: Store, fault: LineFault) -> None:
    """Both kinds at once; the third reader goes on serving, and they come back when their lines are well."""
    for name in (STX, NEO):
        store.sandbox.line(name, fault)
    for name in (STX, NEO):
        wait_for(store, name, DeviceState.ABSENT, timeout_s=60)
        assert "noise on the line: check cable and speed" in (device(store, name).detail or "")
    assert {THIRD} == set(read_cards(store, 5))
    for name in (STX, NEO):
        store.sandbox.line(name, LineFault.NONE)
    for name in (STX, NEO):
        wait_for(store, name, timeout_s=60)
    assert len(read_cards(store, 3)) == 3
