"""A reader that is unplugged, or whose whole machine dies, is noticed at once and found again by itself."""

from __future__ import annotations

import asyncio

from tests.harness import Store
from tests.integration.readers.counter import counter_of, device, error_of, wait_for
from tpayd_contracts.device import CardProgress, DeviceState
from tpayd_contracts.errors import ErrorCode, Outcome


def test_an_unplugged_reader_is_absent_and_comes_back_on_another_pty(shop: Store) -> None:
    shop.sandbox.unplug("reader-1")
    wait_for(shop, "reader-1", DeviceState.ABSENT, timeout_s=5)
    assert (device(shop, "reader-1").detail or "").startswith("sandbox/readers/reader-1: ")
    shop.sandbox.plug("reader-1")
    wait_for(shop, "reader-1")


def test_a_payment_on_an_unplugged_reader_ends_at_once_and_may_take_another(shop: Store) -> None:
    async def pay() -> None:
        async with counter_of(shop) as counter:
            lease = await counter.acquire()
            reading = asyncio.create_task(error_of(counter.read(lease)))
            await counter.hear(CardProgress)
            shop.sandbox.unplug(lease.device)
            error = await reading
            assert (ErrorCode.READER_UNAVAILABLE, Outcome.FAILED) == (error.code, error.outcome)
            late = await error_of(counter.read(lease))
            assert (ErrorCode.READER_UNAVAILABLE, Outcome.NOT_STARTED) == (late.code, late.outcome)
            assert lease.device != (await counter.acquire(avoid=(lease.device,))).device

    asyncio.run(pay())


def test_waiting_for_unplugged_readers_ends_with_a_clear_error(shop: Store) -> None:
    for name in shop.plan.reader_names:
        shop.sandbox.unplug(name)

    async def wish() -> None:
        async with counter_of(shop) as counter:
            error = await error_of(counter.acquire(ttl_s=3))
            assert (ErrorCode.READER_UNAVAILABLE, Outcome.NOT_STARTED) == (error.code, error.outcome)
            assert error.retryable

    asyncio.run(wish())


def test_readers_that_were_killed_come_back_with_their_keys_and_repeat_no_key(shop: Store) -> None:
    async def serials(times: int) -> set[bytes]:
        used = set()
        async with counter_of(shop) as counter:
            for _ in range(times):
                lease = await counter.acquire()
                used.add((await counter.read(lease)).ksn)
                await counter.release(lease)
        return used

    def all_auto() -> None:
        for name in shop.plan.reader_names:
            shop.sandbox.auto(name, "visa-tap")

    all_auto()
    before = asyncio.run(serials(6))
    shop.restart("sandbox_readers")
    shop.wait_ready("sandbox_readers")
    for name in shop.plan.reader_names:
        wait_for(shop, name)
    all_auto()
    after = asyncio.run(serials(6))
    assert (6, 6, set()) == (len(before), len(after), before & after)


def test_a_broker_that_was_killed_finds_its_readers_in_the_middle_of_things(shop: Store) -> None:
    """A reader that still waits for a card of the old payment is reset before anybody gets it."""

    async def begin() -> None:
        async with counter_of(shop) as counter:
            reading = asyncio.create_task(error_of(counter.read(await counter.acquire())))
            await counter.hear(CardProgress)
            shop.kill("device_broker")
            await reading

    asyncio.run(begin())
    shop.start("device_broker")
    for name in shop.plan.reader_names:
        wait_for(shop, name)
    assert ["idle", "idle"] == [reader.state for reader in shop.sandbox.readers().readers]
