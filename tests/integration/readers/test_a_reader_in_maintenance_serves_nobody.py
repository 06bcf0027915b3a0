"""A reader that somebody works on is kept from payments, over restarts, until it is given back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Store
from tests.harness.waiting import eventually
from tests.integration.readers.counter import counter_of, device, error_of, load_key, wait_for
from tpayd.kit.bus import CallError
from tpayd_contracts.device import BarCause, Device, DeviceState, LeaseProgress
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.pooling import DEVICE_MAINTENANCE, POOL_STATUS, Maintenance, PoolQuery

SERVICES = ("sandbox_readers", "device_broker")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Store]:
    """Lane 1 has reader-1 of its own and no pool; the others share reader-2."""
    settings = {"lanes": [{"name": "1", "devices": ["reader-1"], "pools": []}]}
    with Store(tmp_path, services=SERVICES, settings={"device_broker": settings}) as store:
        wait_for(store, "reader-1", timeout_s=30)
        wait_for(store, "reader-2", timeout_s=30)
        yield store


def set_to(store: Store, on: bool, reason: str = "new card slot") -> Device:
    body = Maintenance("reader-1", on, reason)
    return store.ask("device_broker", DEVICE_MAINTENANCE, body, name="gateway")


def test_its_lane_is_told_why_and_the_other_is_served(shop: Store) -> None:
    [bar] = set_to(shop, True).bars
    assert (BarCause.MAINTENANCE, "reader-1") == (bar.cause, bar.device)

    async def share() -> None:
        async with counter_of(shop) as counter:
            error = await error_of(counter.acquire("1"))
            assert (ErrorCode.READER_UNAVAILABLE, Outcome.NOT_STARTED) == (error.code, error.outcome)
            assert "reader-1: in maintenance since " in error.message
            assert "(new card slot); `tpayd devices maintenance reader-1 --off` gives it back" in error.message
            assert "reader-2" == (await counter.acquire("2")).device

    asyncio.run(share())
    assert () == set_to(shop, False).bars

    async def again() -> None:
        async with counter_of(shop) as counter:
            assert "reader-1" == (await counter.acquire("1")).device

    asyncio.run(again())


def test_a_payment_under_way_finishes_first(shop: Store) -> None:
    """Who waits for it is told at once that it will not come."""
    load_key(shop, "reader-1")
    wait_for(shop, "reader-1")
    shop.sandbox.auto("reader-1", "visa-ic")

    async def share() -> None:
        async with counter_of(shop) as counter:
            lease = await counter.acquire("1")
            waiting = asyncio.create_task(error_of(counter.acquire("1")))
            await counter.hear(LeaseProgress)
            shown = await asyncio.to_thread(set_to, shop, True)
            assert (DeviceState.LEASED, 1) == (shown.state, len(shown.bars))
            assert "in maintenance" in (await waiting).message
            await counter.read(lease)
            assert (await counter.complete(lease)).accepted
            await counter.release(lease)
            error = await error_of(counter.acquire("1"))
            assert "in maintenance" in error.message

    asyncio.run(share())


def test_it_survives_a_death_of_the_broker(shop: Store) -> None:
    [before] = set_to(shop, True).bars
    shop.restart("device_broker")
    wait_for(shop, "reader-1", timeout_s=30)
    assert (before,) == device(shop, "reader-1").bars


def test_a_damaged_file_keeps_nobody_from_selling(shop: Store) -> None:
    set_to(shop, True)
    path = shop.instance.data / "maintenance.json"
    path.write_text("[{", encoding="utf-8")
    shop.restart("device_broker")
    wait_for(shop, "reader-1", timeout_s=30)
    assert () == device(shop, "reader-1").bars
    assert [str(path)] == [
        line["file"] for line in shop.logs("device_broker") if line["event"] == "maintenance.unreadable"
    ]
    assert 1 == len(set_to(shop, True).bars)


def test_an_unknown_reader_and_an_unknown_pool_are_refused(shop: Store) -> None:
    with pytest.raises(CallError) as caught:
        shop.ask("device_broker", DEVICE_MAINTENANCE, Maintenance("reader-9", True), name="gateway")
    assert (ErrorCode.NOT_FOUND, "$.device") == (caught.value.code, caught.value.field)
    with pytest.raises(CallError) as caught:
        shop.ask("device_broker", POOL_STATUS, PoolQuery("garden"), name="gateway")
    assert (ErrorCode.NOT_FOUND, "$.pool") == (caught.value.code, caught.value.field)
    assert "there are: shared" in caught.value.message


def test_a_disk_that_refuses_changes_nothing(shop: Store) -> None:
    """The name that the file is written under first is taken by a directory."""
    (shop.instance.data / ".maintenance.json.new").mkdir()
    with pytest.raises(CallError) as caught:
        set_to(shop, True)
    assert (ErrorCode.STORAGE_FAILED, Outcome.FAILED) == (caught.value.code, caught.value.outcome)
    assert () == device(shop, "reader-1").bars
    (shop.instance.data / ".maintenance.json.new").rmdir()
    assert 1 == len(set_to(shop, True).bars)


def test_the_pools_tell_who_is_where(shop: Store) -> None:
    set_to(shop, True)

    async def share() -> None:
        async with counter_of(shop) as counter:
            lease = await counter.acquire("2")
            status = await asyncio.to_thread(shop.ask, "device_broker", POOL_STATUS, PoolQuery(), name="gateway")
            by_name = {each.standing.name: each for each in status.pools}
            shared, own = by_name["shared"].standing, by_name[""].standing
            assert ("shared", 0, 1, 0, 0) == (shared.label, shared.ready, shared.leased, shared.barred, shared.queue)
            assert ("lanes' own", 1, 1) == (own.label, own.ready, own.barred)
            assert [("2", 1)] == [(lane.lane, lane.turns) for lane in status.lanes]
            assert (1.0, 0) == (status.fairness, status.most_overtaken)
            await counter.release(lease)

    asyncio.run(share())
    eventually(lambda: device(shop, "reader-2").state is DeviceState.READY, timeout_s=30, what="reader-2 back")
    one = shop.ask("device_broker", POOL_STATUS, PoolQuery("shared"), name="gateway")
    assert (["shared"], True) == ([each.standing.name for each in one.pools], one.pools[0].lease_mean_ms is not None)
