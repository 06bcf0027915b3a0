"""Lanes that share a reader get it in turn, hold it alone, and lose it when they stop caring."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.harness import Store
from tests.integration.readers.conftest import SERVICES, open_counter
from tests.integration.readers.counter import counter_of, device, error_of
from tpayd_contracts.device import LEASE_RESET, DeviceState, LeaseProgress
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.operation import Empty


def test_a_waiting_lane_hears_its_place_and_is_next(small_shop: Store) -> None:
    """Lane 1 asks again before lane 2 asks for the first time, and lane 2 is served before."""

    async def share() -> list[str]:
        order = []
        async with counter_of(small_shop) as counter, counter_of(small_shop) as other:
            first = await counter.acquire("1")

            async def wait(lane: str) -> None:
                mine = other if lane == "2" else counter
                lease = await mine.acquire(lane)
                order.append(lane)
                await mine.release(lease)

            again = asyncio.create_task(wait("1"))
            assert LeaseProgress(1) == await counter.hear(LeaseProgress)
            second = asyncio.create_task(wait("2"))
            assert LeaseProgress(1) == await other.hear(LeaseProgress)
            assert LeaseProgress(2) == await counter.hear(LeaseProgress)
            await counter.release(first)
            await asyncio.gather(again, second)
        return order

    assert ["2", "1"] == asyncio.run(share())


def test_a_wait_that_is_cancelled_leaves_the_queue(small_shop: Store) -> None:
    async def share() -> None:
        async with counter_of(small_shop) as counter:
            first = await counter.acquire("1")
            waiting = asyncio.create_task(counter.acquire("2"))
            await counter.hear(LeaseProgress)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await counter.release(first)
            await counter.release(await counter.acquire("1"))
            assert device(small_shop, "reader-1").state is DeviceState.READY

    asyncio.run(share())


def test_a_caller_that_is_gone_leaves_the_queue(small_shop: Store) -> None:
    async def share() -> None:
        async with counter_of(small_shop) as counter:
            first = await counter.acquire("1")
            async with counter_of(small_shop) as gone:
                waiting = asyncio.create_task(gone.acquire("2"))
                await gone.hear(LeaseProgress)
            await asyncio.gather(waiting, return_exceptions=True)
            third = asyncio.create_task(counter.acquire("2"))
            await counter.hear(LeaseProgress)
            while counter.told:
                counter.told.clear()
                await asyncio.sleep(0.2)
            await counter.release(first)
            await third

    asyncio.run(share())


def test_a_lease_that_nobody_renews_ends(tmp_path: Path) -> None:
    settings = {"device_broker": {"lease_ttl_s": 2.0}}
    with Store(tmp_path, services=SERVICES, readers=1, settings=settings) as store:
        open_counter(store)

        async def share() -> None:
            async with counter_of(store) as counter:
                first = await counter.acquire("1")
                for _ in range(3):
                    await asyncio.sleep(1.0)
                    assert await counter.renew(first) == ()
                second = await counter.acquire("2", ttl_s=10)
                assert second.fence > first.fence
                assert [first.fence] == [lost.fence for lost in await counter.renew(first)]
                error = await error_of(counter.read(first))
                assert (ErrorCode.LEASE_LOST, Outcome.NOT_STARTED) == (error.code, error.outcome)

        asyncio.run(share())


def test_a_reset_gives_every_reader_back(small_shop: Store) -> None:
    async def share() -> None:
        async with counter_of(small_shop) as counter:
            lost = await counter.acquire("1")
            await counter.caller.call(LEASE_RESET, Empty())
            await counter.acquire("2", ttl_s=5)
            error = await error_of(counter.read(lost))
            assert error.code is ErrorCode.LEASE_LOST

    asyncio.run(share())


def test_a_broker_that_is_told_to_stop_lets_a_payment_finish(small_shop: Store) -> None:
    """New wishes are refused; a lease under way can still be used and given back."""

    async def share() -> None:
        small_shop.sandbox.auto("reader-1", "visa-ic")
        async with counter_of(small_shop) as counter:
            lease = await counter.acquire("1")
            waiting = asyncio.create_task(error_of(counter.acquire("2")))
            await counter.hear(LeaseProgress)
            stopping = asyncio.create_task(asyncio.to_thread(small_shop["device_broker"].stop))
            assert (await waiting).code is ErrorCode.DRAINING
            await counter.read(lease)
            assert (await counter.complete(lease)).accepted
            await counter.release(lease)
            assert await stopping == 0

    asyncio.run(share())
