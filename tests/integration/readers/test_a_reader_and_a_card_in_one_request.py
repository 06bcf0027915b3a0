"""card.take: a reader, and the card as soon as it is lent; nobody who goes away keeps it."""

from __future__ import annotations

import asyncio

from tests.harness import Store
from tests.integration.readers.counter import counter_of, device, error_of, track_of, wait_for
from tpayd_contracts.device import CardPrompt, DeviceState
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.payment import EntryMode
from tpayd_contracts.taking import TakeCardProgress

LONG_S = 30.0


def test_a_card_that_is_there_comes_with_its_lease(shop: Store) -> None:
    """The lease is held: the card hears the host's word under it, and the reader is given back with it."""

    async def pay() -> None:
        for name in shop.plan.reader_names:
            shop.sandbox.auto(name, "visa-ic")
        async with counter_of(shop) as counter:
            taken = await counter.take()
            assert taken.failure is None
            assert taken.card is not None
            assert taken.card.entry_mode is EntryMode.IC
            assert track_of(taken.card) == "4111111111111111D4912201"
            assert device(shop, taken.lease.device).state is DeviceState.LEASED
            assert (await counter.complete(taken.lease)).accepted
            await counter.release(taken.lease)
            wait_for(shop, taken.lease.device)

    asyncio.run(pay())


def test_a_customer_who_is_waited_for_is_told_of_with_the_lease(shop: Store) -> None:
    """The first prompt tells the lease, so that it is renewed; the answer names the same."""

    async def pay() -> None:
        async with counter_of(shop) as counter:
            taking = asyncio.create_task(counter.take(wait_s=LONG_S))
            told = await counter.hear(TakeCardProgress, LONG_S)
            assert isinstance(told, TakeCardProgress)
            assert told.lease is not None
            assert told.prompt is not None
            assert told.prompt.prompt is CardPrompt.PRESENT_CARD
            assert await counter.renew(told.lease) == ()
            shop.sandbox.present(told.lease.device, "visa-tap")
            taken = await taking
            assert taken.lease == told.lease
            assert taken.card is not None

    asyncio.run(pay())


def test_who_waits_hears_his_place_and_then_gets_reader_and_card(small_shop: Store) -> None:
    async def share() -> None:
        small_shop.sandbox.auto("reader-1", "visa-tap")
        async with counter_of(small_shop) as counter:
            first = await counter.acquire("1")
            second = asyncio.create_task(counter.take("2", reader_wait_s=LONG_S))
            told = await counter.hear(TakeCardProgress, LONG_S)
            assert isinstance(told, TakeCardProgress)
            assert told.queue is not None
            assert told.queue.position == 1
            await counter.release(first)
            taken = await second
            assert taken.card is not None
            assert taken.lease.fence > first.fence

    asyncio.run(share())


def test_the_queue_ends_sooner_than_the_request(small_shop: Store) -> None:
    """What the request's time is longer is for the reading."""

    async def share() -> None:
        async with counter_of(small_shop) as counter:
            await counter.acquire("1")
            error = await error_of(counter.take("2", reader_wait_s=1.0, ttl_s=200.0))
            assert (ErrorCode.READER_UNAVAILABLE, Outcome.NOT_STARTED) == (error.code, error.outcome)

    asyncio.run(share())


def test_a_reader_that_is_lost_is_named_and_another_one_may_be_taken(shop: Store) -> None:
    async def pay() -> None:
        async with counter_of(shop) as counter:
            taking = asyncio.create_task(counter.take(wait_s=LONG_S))
            told = await counter.hear(TakeCardProgress, LONG_S)
            assert isinstance(told, TakeCardProgress)
            assert told.lease is not None
            shop.sandbox.unplug(told.lease.device)
            lost = await taking
            assert lost.card is None
            assert lost.failure is not None
            assert (ErrorCode.READER_UNAVAILABLE, Outcome.FAILED) == (lost.failure.code, lost.failure.outcome)
            for name in shop.plan.reader_names:
                if name != lost.lease.device:
                    shop.sandbox.auto(name, "visa-tap")
            taken = await counter.take(avoid=(lost.lease.device,))
            assert taken.card is not None
            assert taken.lease.device != lost.lease.device

    asyncio.run(pay())


def test_a_card_that_does_not_come_ends_with_the_lease_held(shop: Store) -> None:
    async def pay() -> None:
        async with counter_of(shop) as counter:
            taken = await counter.take(wait_s=0.5)
            assert taken.failure is not None
            assert taken.failure.code is ErrorCode.CARD_TIMEOUT
            assert await counter.renew(taken.lease) == ()

    asyncio.run(pay())


def test_who_cancels_keeps_no_reader(small_shop: Store) -> None:
    """The lease is over although its holder releases nothing: he may never have heard of it."""

    async def share() -> None:
        async with counter_of(small_shop) as counter:
            taking = asyncio.create_task(counter.take("1", wait_s=LONG_S))
            told = await counter.hear(TakeCardProgress, LONG_S)
            assert isinstance(told, TakeCardProgress)
            assert told.lease is not None
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)
            other = await counter.acquire("2", ttl_s=LONG_S)
            assert other.fence > told.lease.fence
            assert [told.lease.fence] == [lost.fence for lost in await counter.renew(told.lease)]

    asyncio.run(share())


def test_a_caller_that_is_gone_keeps_no_reader(small_shop: Store) -> None:
    async def share() -> None:
        async with counter_of(small_shop) as counter:
            async with counter_of(small_shop) as gone:
                taking = asyncio.create_task(gone.take("1", wait_s=LONG_S))
                await gone.hear(TakeCardProgress, LONG_S)
            await asyncio.gather(taking, return_exceptions=True)
            small_shop.sandbox.auto("reader-1", "visa-tap")
            assert (await counter.take("2", reader_wait_s=LONG_S)).card is not None

    asyncio.run(share())
