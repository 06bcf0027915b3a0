"""A lane whose profile is wrong is refused with the way out; everybody else goes on (T5, T7)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import Store
from tests.integration.readers.counter import counter_of, device, error_of, wait_for
from tpayd_contracts.device import DEVICE_LIST, DevicesQuery, DeviceState
from tpayd_contracts.errors import ErrorCode, Outcome

_ABILITIES = ["ic", "stripe", "contactless", "qr", "sign", "pin"]
_READERS = 7


def _device(number: int, **more: Any) -> dict[str, Any]:
    name = f"reader-{number}"
    return {"name": name, "port": f"sandbox/readers/{name}", "label": f"Counter {number}", **more}


SETTINGS: dict[str, Any] = {
    "pools": [{"name": "counter", "label": "Counter"}, {"name": "pads", "lanes": ["5"]}],
    "devices": [
        *(_device(number) for number in range(1, 6)),
        _device(6, pool="counter", abilities=_ABILITIES),
        _device(7, pool="pads", abilities=["sign", "pin"]),
    ],
    "lanes": [
        {"name": "1", "devices": ["reader-1", "reader-2", "reader-3", "reader-4"]},
        {"name": "2", "devices": ["reader-5"]},
        {"name": "3", "devices": ["reader-5"]},
        {"name": "5", "pools": ["pads"]},
    ],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Five lanes, of which only 4 is told nothing wrong."""
    with Store(
        tmp_path_factory.mktemp("shop"), services=("sandbox_readers", "device_broker"), lanes=5, readers=_READERS,
        settings={"device_broker": SETTINGS},
    ) as store:  # fmt: skip
        wait_for(store, "reader-6", timeout_s=30)
        yield store


@pytest.mark.parametrize(
    ("lane", "text"),
    [
        ("1", "lanes[0].devices: lane 1 has 4 devices of its own, and may have 3: put the others into a pool"),
        ("2", "lanes[1].devices: lane 2 and lane 3 both claim reader-5"),
        ("3", "lanes[2].devices: lane 3 and lane 2 both claim reader-5"),
        ("5", "lanes[3].devices: lane 5 reaches no reader of chip cards: give it one of its own"),
    ],
)
def test_a_lane_at_fault_is_told_what_to_mend(shop: Store, lane: str, text: str) -> None:
    async def ask() -> None:
        async with counter_of(shop) as counter:
            error = await error_of(counter.acquire(lane))
        assert (ErrorCode.READER_UNAVAILABLE, Outcome.NOT_STARTED) == (error.code, error.outcome)
        assert not error.retryable
        assert error.message.startswith(f"config/device_broker.toml: {text}")

    asyncio.run(ask())


def test_a_lane_without_fault_is_served(shop: Store) -> None:
    async def share() -> None:
        async with counter_of(shop) as counter:
            lease = await counter.acquire("4")
            assert ("reader-6", "Counter 6") == (lease.device, lease.label)
            await counter.release(lease)

    asyncio.run(share())


def test_the_faults_are_shown(shop: Store) -> None:
    """By the list of devices, by health, and by the log."""
    listed = shop.ask("device_broker", DEVICE_LIST, DevicesQuery(), name="gateway")
    assert {"1", "2", "3", "5"} == {fault.lane for fault in listed.faults if fault.lane}
    assert ["reader-5"] == [fault.device for fault in listed.faults if fault.device]
    claimed = device(shop, "reader-5")
    assert (None, None) == (claimed.pool, claimed.lane)
    assert "lanes 2, 3 each claim it as their own" in (claimed.detail or "")
    assert ("counter", None) == (device(shop, "reader-6").pool, device(shop, "reader-6").lane)
    assert (None, "1") == (device(shop, "reader-1").pool, device(shop, "reader-1").lane)
    health = shop.health("device_broker", 5.0)
    assert health is not None
    assert {"lane 1", "lane 2", "lane 3", "lane 5"} <= {told.name for told in health.dependencies if not told.ok}
    logged = [line for line in shop.logs("device_broker") if line["event"] == "settings.fault"]
    assert {"1", "2", "3", "5", None} == {line["lane"] for line in logged}


def test_the_devices_of_a_lane_at_fault_are_kept_from_the_others(shop: Store) -> None:
    """Nobody else may use lane 1's own, whatever is wrong with its profile."""

    async def share() -> None:
        async with counter_of(shop) as counter, counter_of(shop) as other:
            lease = await counter.acquire("4")
            waiting = asyncio.create_task(error_of(other.acquire("4", ttl_s=2)))
            assert ErrorCode.READER_UNAVAILABLE is (await waiting).code
            await counter.release(lease)

    wait_for(shop, "reader-1", DeviceState.READY)
    asyncio.run(share())
