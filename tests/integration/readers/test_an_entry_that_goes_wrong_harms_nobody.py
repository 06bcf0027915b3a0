"""Customers who refuse, walk away or pull their card, readers that fall silent: a clear error; the next is served."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.harness import Store
from tests.harness.card_scan import card_numbers_in
from tests.harness.waiting import eventually
from tests.integration.readers.counter import Counter, counter_of, device, error_of, ref, wait_for
from tpayd.kit.bus import CallError
from tpayd_contracts.device import (
    CARD_STATE,
    LEASE_RELEASE,
    Ability,
    CardProgress,
    CardPrompt,
    CardStateQuery,
    DeviceState,
    Lease,
    ReleaseLeases,
    TransactionType,
)
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.sandbox import Keying, Signing

ALL = (Ability.IC, Ability.SIGN, Ability.PIN, Ability.QR)


async def at_counter(shop: Store, counter: Counter, purse: str = "") -> Lease:
    lease = await counter.acquire(abilities=ALL)
    shop.sandbox.auto(lease.device, purse)
    return lease


async def asked_for(counter: Counter, prompt: CardPrompt) -> None:
    """Until the customer is asked for that."""
    while True:
        heard = await counter.hear(CardProgress)
        if isinstance(heard, CardProgress) and heard.prompt is prompt:
            return


Entry = Callable[[Counter, Lease], Awaitable[object]]
ENTRIES: dict[str, tuple[Entry, CardPrompt]] = {
    "signature": (lambda counter, lease: counter.sign(lease), CardPrompt.SIGN),
    "number": (lambda counter, lease: counter.number(lease), CardPrompt.ENTER_NUMBER),
    "code": (lambda counter, lease: counter.code(lease), CardPrompt.SHOW_CODE),
}


def test_a_refused_signature_leaves_the_card_its_last_word(fresh_shop: Store) -> None:
    async def pay() -> CallError:
        async with counter_of(fresh_shop) as counter:
            lease = await at_counter(fresh_shop, counter, "visa-ic")
            fresh_shop.sandbox.customer(lease.device, signing=Signing.REFUSES)
            await counter.read(lease)
            error = await error_of(counter.sign(lease))
            assert (await counter.complete(lease)).accepted
            await counter.release(lease)
            assert device(fresh_shop, lease.device).state is DeviceState.READY
            return error

    error = asyncio.run(pay())
    assert (ErrorCode.CARD_FAILED, Outcome.FAILED, "91") == (error.code, error.outcome, error.detail)


def test_a_customer_who_does_not_sign_is_not_waited_for_longer(fresh_shop: Store) -> None:
    async def pay() -> CallError:
        async with counter_of(fresh_shop) as counter:
            lease = await at_counter(fresh_shop, counter, "visa-ic")
            fresh_shop.sandbox.customer(lease.device, signing=Signing.WALKS_AWAY)
            await counter.read(lease)
            error = await error_of(counter.sign(lease, wait_s=0.3))
            assert (await counter.complete(lease)).accepted
            await counter.release(lease)
            assert device(fresh_shop, lease.device).state is DeviceState.READY
            return error

    error = asyncio.run(pay())
    assert (ErrorCode.CARD_TIMEOUT, Outcome.FAILED) == (error.code, error.outcome)


def test_a_card_pulled_out_while_its_payment_is_signed_ends_it(fresh_shop: Store) -> None:
    """The card could not take the host's word any more; nothing has been sent, so nothing has to be undone."""

    async def pay() -> tuple[CallError, CallError]:
        async with counter_of(fresh_shop) as counter:
            lease = await at_counter(fresh_shop, counter, "visa-ic")
            fresh_shop.sandbox.customer(lease.device, signing=Signing.PULLS_CARD)
            await counter.read(lease)
            errors = await error_of(counter.sign(lease)), await error_of(counter.complete(lease))
            await counter.release(lease)
            await asyncio.to_thread(wait_for, fresh_shop, lease.device)
            return errors

    signing, completing = asyncio.run(pay())
    assert (ErrorCode.CARD_FAILED, Outcome.FAILED) == (signing.code, signing.outcome)
    assert (Outcome.NOT_STARTED, "$.lease") == (completing.outcome, completing.field)


@pytest.mark.parametrize("what", sorted(ENTRIES))
def test_a_cancelled_entry_ends_at_once_and_can_be_begun_again(fresh_shop: Store, what: str) -> None:
    begin, prompt = ENTRIES[what]

    async def pay() -> None:
        async with counter_of(fresh_shop) as counter:
            lease = await at_counter(fresh_shop, counter, "visa-ic,kakaopay")
            await counter.read(lease)
            fresh_shop.sandbox.customer(lease.device, delay_ms=1500)
            entering = asyncio.ensure_future(begin(counter, lease))
            await asked_for(counter, prompt)
            entering.cancel()
            await asyncio.gather(entering, return_exceptions=True)
            fresh_shop.sandbox.customer(lease.device, delay_ms=0)
            await begin(counter, lease)
            assert (await counter.complete(lease)).accepted
            await counter.release(lease)
            assert device(fresh_shop, lease.device).state is DeviceState.READY

    asyncio.run(pay())


def test_a_lease_given_back_in_the_middle_of_a_signature_frees_the_reader(fresh_shop: Store) -> None:
    async def pay() -> None:
        async with counter_of(fresh_shop) as counter, counter_of(fresh_shop) as other:
            lease = await at_counter(fresh_shop, counter, "visa-ic")
            await counter.read(lease)
            fresh_shop.sandbox.customer(lease.device, signing=Signing.WALKS_AWAY)
            signing = asyncio.create_task(error_of(counter.sign(lease)))
            await asked_for(counter, CardPrompt.SIGN)
            await other.caller.call(LEASE_RELEASE, ReleaseLeases((ref(lease),)))
            assert (await signing).code is ErrorCode.ABORTED
            await asyncio.to_thread(wait_for, fresh_shop, lease.device)

    asyncio.run(pay())


@pytest.mark.parametrize(
    ("keying", "code", "detail"),
    [(Keying.REFUSES, ErrorCode.CARD_FAILED, "91"), (Keying.WALKS_AWAY, ErrorCode.CARD_TIMEOUT, None)],
)
def test_a_pin_that_is_not_keyed_ends_the_reading(
    fresh_shop: Store, keying: Keying, code: ErrorCode, detail: str | None
) -> None:
    async def pay() -> CallError:
        async with counter_of(fresh_shop) as counter:
            lease = await at_counter(fresh_shop, counter, "cash-ic")
            fresh_shop.sandbox.customer(lease.device, keying=keying)
            error = await error_of(counter.read(lease, type_=TransactionType.CASH_IC, wait_s=0.5))
            await counter.release(lease)
            await asyncio.to_thread(wait_for, fresh_shop, lease.device)
            return error

    error = asyncio.run(pay())
    assert (code, Outcome.FAILED, detail) == (error.code, error.outcome, error.detail)


def test_a_pin_is_asked_for_the_card_of_this_payment_only(fresh_shop: Store) -> None:
    async def pay() -> CallError:
        async with counter_of(fresh_shop) as counter:
            lease = await at_counter(fresh_shop, counter, "cash-ic")
            await counter.read(lease, type_=TransactionType.CASH_IC)
            await counter.release(lease)
            following = await counter.acquire("2", abilities=ALL)
            while following.device != lease.device:
                following = await counter.acquire("2", abilities=ALL)
            return await error_of(counter.pin(following))

    error = asyncio.run(pay())
    assert (ErrorCode.INVALID_BODY, Outcome.NOT_STARTED, "$.lease") == (error.code, error.outcome, error.field)


def test_a_reader_that_falls_silent_in_the_middle_of_a_signature_is_given_up(fresh_shop: Store) -> None:
    async def pay() -> CallError:
        async with counter_of(fresh_shop) as counter:
            lease = await at_counter(fresh_shop, counter, "visa-tap")
            await counter.read(lease)
            fresh_shop.sandbox.customer(lease.device, signing=Signing.WALKS_AWAY)
            signing = asyncio.create_task(error_of(counter.sign(lease, wait_s=0.5)))
            await asked_for(counter, CardPrompt.SIGN)
            fresh_shop.sandbox.mute(lease.device)
            error = await signing
            fresh_shop.sandbox.mute(lease.device, mute=False)
            await counter.release(lease)
            await asyncio.to_thread(wait_for, fresh_shop, lease.device)
            return error

    error = asyncio.run(pay())
    assert (ErrorCode.READER_UNAVAILABLE, Outcome.FAILED) == (error.code, error.outcome)


@pytest.mark.parametrize("what", sorted(ENTRIES))
def test_a_reader_unplugged_in_the_middle_is_told_at_once(fresh_shop: Store, what: str) -> None:
    begin, prompt = ENTRIES[what]

    async def pay() -> CallError:
        async with counter_of(fresh_shop) as counter:
            lease = await at_counter(fresh_shop, counter)
            fresh_shop.sandbox.customer(lease.device, delay_ms=5000)
            entering = asyncio.create_task(error_of(begin(counter, lease)))
            await asked_for(counter, prompt)
            fresh_shop.sandbox.unplug(lease.device)
            error = await entering
            fresh_shop.sandbox.plug(lease.device)
            return error

    error = asyncio.run(pay())
    assert (ErrorCode.READER_UNAVAILABLE, Outcome.FAILED) == (error.code, error.outcome)


def test_whether_a_card_is_inside_is_known_without_asking(fresh_shop: Store) -> None:
    def inside(name: str) -> bool | None:
        return fresh_shop.ask("device_broker", CARD_STATE, CardStateQuery(name), name="gateway").inside

    async def pay() -> None:
        async with counter_of(fresh_shop) as counter:
            lease = await at_counter(fresh_shop, counter, "visa-ic")
            name = lease.device
            assert await asyncio.to_thread(inside, name) is False
            await counter.read(lease)
            assert await asyncio.to_thread(inside, name) is True
            await counter.complete(lease)
            await asyncio.to_thread(eventually, lambda: inside(name) is False, timeout_s=5, what="no card inside")
            fresh_shop.sandbox.unplug(name)
            await asyncio.to_thread(wait_for, fresh_shop, name, DeviceState.ABSENT)
            assert await asyncio.to_thread(inside, name) is None
            fresh_shop.sandbox.plug(name)

    asyncio.run(pay())


def test_what_was_entered_is_in_no_file(fresh_shop: Store) -> None:
    """Codes, numbers and members, told and refused: not one is in a log or any other file of the instance."""

    async def pay() -> None:
        async with counter_of(fresh_shop) as counter:
            lease = await at_counter(fresh_shop, counter, "member,cash-ic,unionpay-ic,kakaopay")
            fresh_shop.sandbox.customer(lease.device, number="01000007531", delay_ms=0)
            await counter.code(lease)
            await counter.number(lease)
            await error_of(counter.number(lease, digits=(1, 3)))
            await counter.read(lease, type_=TransactionType.MEMBERSHIP)
            await counter.read(lease, type_=TransactionType.CASH_IC)
            await error_of(counter.read(lease))

    asyncio.run(pay())
    secrets = {"01000007531", "8800123456789010", "281006000123456789012345", *fresh_shop.card_numbers()}
    assert [] == card_numbers_in(fresh_shop.instance.home, secrets)
