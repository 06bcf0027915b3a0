"""Every kind of card goes from a virtual reader over a pty to the caller: masked, encrypted, and with its own way."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness import Store
from tests.integration.readers.counter import counter_of, device, error_of, track_of
from tpayd_contracts.device import CardProgress, CardPrompt, DeviceState, ReadCardResult
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.payment import EntryMode


@pytest.mark.parametrize(
    ("card", "mode", "track", "fallback"),
    [
        ("visa-ic", EntryMode.IC, "4111111111111111D4912201", None),
        ("visa-tap", EntryMode.CONTACTLESS, "4242424242424242D4912201", None),
        ("jcb-stripe", EntryMode.STRIPE, "3530111333300000D4912101", None),
        ("broken-ic", EntryMode.FALLBACK, "5105105105105100D4912201", "01"),
        ("unknown-ic", EntryMode.FALLBACK, "6011000990139424D4912201", "02"),
    ],
)
def test_a_card_arrives_encrypted_and_masked(
    shop: Store, card: str, mode: EntryMode, track: str, fallback: str | None
) -> None:
    async def pay() -> ReadCardResult:
        async with counter_of(shop) as counter:
            lease = await counter.acquire()
            shop.sandbox.auto(lease.device, card)
            read = await counter.read(lease)
            if read.entry_mode is EntryMode.IC:
                assert (await counter.complete(lease)).accepted
            await counter.release(lease)
            assert device(shop, lease.device).state is DeviceState.READY
            return read

    read = asyncio.run(pay())
    number = track.partition("D")[0]
    assert (mode, fallback, track) == (read.entry_mode, read.fallback_code, track_of(read))
    assert number[:6] + "*" * 6 + number[-4:] == read.masked_pan
    assert bool(read.emv) is (mode in (EntryMode.IC, EntryMode.CONTACTLESS))


def test_a_card_may_decline_what_the_host_approved(shop: Store) -> None:
    async def pay() -> bool:
        async with counter_of(shop) as counter:
            lease = await counter.acquire()
            shop.sandbox.auto(lease.device, "declining-ic")
            await counter.read(lease)
            return (await counter.complete(lease)).accepted

    assert asyncio.run(pay()) is False


def test_a_refused_card_is_told_with_the_readers_code(shop: Store) -> None:
    async def pay() -> tuple[ErrorCode, Outcome, str | None]:
        async with counter_of(shop) as counter:
            lease = await counter.acquire()
            shop.sandbox.auto(lease.device, "refused-ic")
            error = await error_of(counter.read(lease))
            return error.code, error.outcome, error.detail

    assert (ErrorCode.CARD_FAILED, Outcome.FAILED, "10") == asyncio.run(pay())


def test_prompts_and_times_follow_the_customer(shop: Store) -> None:
    """The customer's time is his alone; what the reader takes stands apart."""

    async def pay() -> ReadCardResult:
        async with counter_of(shop) as counter:
            lease = await counter.acquire()
            reading = asyncio.create_task(counter.read(lease, wait_s=10))
            prompt = await counter.hear(CardProgress)
            assert isinstance(prompt, CardProgress)
            assert prompt.prompt is CardPrompt.PRESENT_CARD
            assert prompt.remaining_ms is not None
            assert 9_000 < prompt.remaining_ms <= 10_000
            await asyncio.sleep(0.3)
            shop.sandbox.present(lease.device, "visa-tap")
            return await reading

    read = asyncio.run(pay())
    assert read.customer_us >= 300_000
    assert read.reader_us < read.customer_us


def test_a_failed_chip_prompts_to_take_the_card_out(shop: Store) -> None:
    async def pay() -> list[CardPrompt]:
        async with counter_of(shop) as counter:
            lease = await counter.acquire()
            shop.sandbox.auto(lease.device, "broken-ic", delay_ms=300)
            await counter.read(lease)
            return [body.prompt for body in counter.told if isinstance(body, CardProgress)]

    assert [CardPrompt.PRESENT_CARD, CardPrompt.REMOVE_CARD, CardPrompt.PRESENT_CARD] == asyncio.run(pay())


def test_no_card_in_time_is_said_so(shop: Store) -> None:
    async def pay() -> tuple[ErrorCode, Outcome]:
        async with counter_of(shop) as counter:
            error = await error_of(counter.read(await counter.acquire(), wait_s=0.3))
            return error.code, error.outcome

    assert (ErrorCode.CARD_TIMEOUT, Outcome.FAILED) == asyncio.run(pay())


def test_a_card_left_inside_keeps_the_reader_from_the_next_customer(shop: Store) -> None:
    """The reader comes back by itself once the card is out."""

    async def pay() -> None:
        async with counter_of(shop) as counter:
            lease = await counter.acquire()
            shop.sandbox.auto(lease.device, "forgotten-ic")
            await counter.read(lease)
            await counter.complete(lease)
            await counter.release(lease)
            left = device(shop, lease.device)
            assert left.state is DeviceState.QUARANTINE
            other = await counter.acquire()
            assert other.device != lease.device
            again = await counter.acquire("2", ttl_s=15)
            assert again.device == lease.device

    asyncio.run(pay())


def test_no_card_data_is_in_any_file(shop: Store) -> None:
    async def pay() -> None:
        async with counter_of(shop) as counter:
            for card in ("visa-ic", "jcb-stripe", "refused-ic"):
                lease = await counter.acquire()
                shop.sandbox.auto(lease.device, card)
                try:
                    await counter.read(lease)
                finally:
                    await counter.release(lease)

    with pytest.raises(Exception, match="card_failed"):
        asyncio.run(pay())
    assert [] == shop.card_number_leaks()
