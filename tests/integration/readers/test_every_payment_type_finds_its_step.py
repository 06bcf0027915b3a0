"""Cards of every type, PINs, signatures, codes and numbers go over a real line: encrypted, masked, and as prompted."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness import Store
from tests.integration.readers.counter import Counter, counter_of, device, error_of, pin_of, ref, track_of
from tpayd_contracts.device import (
    Ability,
    CardProgress,
    CardPrompt,
    DeviceState,
    Lease,
    ReadCardResult,
    TransactionType,
)
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.pad import MESSAGE_SHOW, ShowMessage
from tpayd_contracts.payment import EntryMode
from tpayd_contracts.sandbox import Keying

WALLETS = {
    "kakaopay": "281006000123456789012345",
    "zeropay-barcode": "800088000123456789012345",
    "zeropay-qr": "3-ZEROPAY0001234567890123456789",
    "emv-qr": "hQVDUFYwMWEVTwegAAAAAxAQUApWSVNBIERFQklU",
    "wechat": "130123456789012345",
    "alipay": "280123456789012345",
    "app-card": "901234567890123456789",
}


def prompts(counter: Counter) -> list[CardPrompt]:
    return [body.prompt for body in counter.told if isinstance(body, CardProgress)]


async def customer(shop: Store, counter: Counter, purse: str, *abilities: Ability) -> Lease:
    """A reader, and before it a customer with these cards."""
    lease = await counter.acquire(abilities=abilities or (Ability.IC,))
    shop.sandbox.auto(lease.device, purse)
    return lease


def test_unionpay_asks_for_the_pin(fresh_shop: Store) -> None:
    async def pay() -> tuple[ReadCardResult, list[CardPrompt]]:
        async with counter_of(fresh_shop) as counter:
            lease = await customer(fresh_shop, counter, "visa-ic,unionpay-ic", Ability.IC, Ability.PIN)
            fresh_shop.sandbox.customer(lease.device, delay_ms=300)
            read = await counter.read(lease, type_=TransactionType.UNIONPAY)
            assert (await counter.complete(lease)).accepted
            await counter.release(lease)
            assert device(fresh_shop, lease.device).state is DeviceState.READY
            return read, prompts(counter)

    read, told = asyncio.run(pay())
    assert (EntryMode.IC, "620000******0005") == (read.entry_mode, read.masked_pan)
    assert pin_of(read.pin_ksn, read.pin_block, "6200000000000005") == "1234"
    assert read.pin_ksn != read.ksn
    assert [CardPrompt.PRESENT_CARD, CardPrompt.ENTER_PIN] == told
    assert read.emv
    assert read.customer_us >= 600_000


def test_a_unionpay_chip_that_fails_is_swiped_and_keeps_its_pin(fresh_shop: Store) -> None:
    async def pay() -> ReadCardResult:
        async with counter_of(fresh_shop) as counter:
            lease = await customer(fresh_shop, counter, "unionpay-broken-ic", Ability.IC, Ability.PIN)
            return await counter.read(lease, type_=TransactionType.UNIONPAY)

    read = asyncio.run(pay())
    assert (EntryMode.FALLBACK, "02") == (read.entry_mode, read.fallback_code)
    assert pin_of(read.pin_ksn, read.pin_block, "6250940000000001") == "123456"


@pytest.mark.parametrize("type_", [TransactionType.CASH_IC, TransactionType.CASH_IC_INQUIRY])
def test_cash_ic_brings_account_and_pin(fresh_shop: Store, type_: TransactionType) -> None:
    async def pay() -> tuple[ReadCardResult, list[CardPrompt]]:
        async with counter_of(fresh_shop) as counter:
            lease = await customer(fresh_shop, counter, "visa-ic,cash-ic", Ability.IC, Ability.PIN)
            fresh_shop.sandbox.customer(lease.device, delay_ms=300)
            read = await counter.read(lease, type_=type_, choose=True)
            await counter.release(lease)
            assert device(fresh_shop, lease.device).state is DeviceState.READY
            return read, prompts(counter)

    read, told = asyncio.run(pay())
    assert track_of(read) == "9490120000000004D49122012200000000002"
    assert pin_of(read.pin_ksn, read.pin_block, "9490120000000004") == "1234"
    assert [CardPrompt.PRESENT_CARD, CardPrompt.CHOOSE, CardPrompt.ENTER_PIN] == told


def test_without_a_choice_the_first_account_is_taken(fresh_shop: Store) -> None:
    async def pay() -> ReadCardResult:
        async with counter_of(fresh_shop) as counter:
            lease = await customer(fresh_shop, counter, "cash-ic", Ability.PIN)
            return await counter.read(lease, type_=TransactionType.CASH_IC)

    assert track_of(asyncio.run(pay())).endswith("11000000001")


def test_the_customer_may_choose_the_cards_application(fresh_shop: Store) -> None:
    async def pay() -> ReadCardResult:
        async with counter_of(fresh_shop) as counter:
            lease = await customer(fresh_shop, counter, "two-application-ic")
            return await counter.read(lease, choose=True)

    assert asyncio.run(pay()).label == "DEBIT MASTERCARD"


def test_a_membership_number_comes_in_clear_and_nothing_else(fresh_shop: Store) -> None:
    async def read() -> ReadCardResult:
        async with counter_of(fresh_shop) as counter:
            lease = await customer(fresh_shop, counter, "visa-ic,member")
            return await counter.read(lease, type_=TransactionType.MEMBERSHIP)

    card = asyncio.run(read())
    assert card.membership_number == "8800123456789010"
    assert ("", b"", b"", b"") == (card.masked_pan, card.ksn, card.cipher, card.emv)


def test_a_receipt_card_is_encrypted_like_any_other(fresh_shop: Store) -> None:
    async def read(purse: str) -> ReadCardResult:
        async with counter_of(fresh_shop) as counter:
            lease = await customer(fresh_shop, counter, purse)
            card = await counter.read(lease, type_=TransactionType.CASH_RECEIPT)
            await counter.release(lease)
            return card

    assert track_of(asyncio.run(read("receipt-card"))).startswith("1544202000000003D")
    assert track_of(asyncio.run(read("visa-ic"))).startswith("4111111111111111D")


@pytest.mark.parametrize(
    ("card", "type_"),
    [
        ("visa-ic", TransactionType.MEMBERSHIP),
        ("visa-ic", TransactionType.CASH_IC),
        ("visa-tap", TransactionType.UNIONPAY),
        ("member", TransactionType.CREDIT),
        ("cash-ic", TransactionType.CREDIT),
        ("receipt-card", TransactionType.CREDIT),
    ],
)
def test_a_card_of_another_kind_is_refused(fresh_shop: Store, card: str, type_: TransactionType) -> None:
    async def read() -> tuple[ErrorCode, str | None]:
        async with counter_of(fresh_shop) as counter:
            error = await error_of(counter.read(await customer(fresh_shop, counter, card), type_=type_))
            return error.code, error.detail

    assert (ErrorCode.CARD_FAILED, "10") == asyncio.run(read())


def test_a_chip_payment_is_signed_between_the_card_and_its_last_word(fresh_shop: Store) -> None:
    async def pay() -> None:
        async with counter_of(fresh_shop) as counter:
            lease = await customer(fresh_shop, counter, "visa-ic", Ability.IC, Ability.SIGN)
            fresh_shop.sandbox.customer(lease.device, delay_ms=300)
            await counter.read(lease)
            signed = await counter.sign(lease, "Please sign", "서명해 주세요")
            assert (1086, b"BM", 38) == (len(signed.image), signed.image[:2], signed.points)
            assert signed.customer_us >= 300_000
            assert signed.reader_us < 100_000
            assert prompts(counter)[-1] is CardPrompt.SIGN
            assert (await counter.complete(lease)).accepted
            await counter.release(lease)
            assert device(fresh_shop, lease.device).state is DeviceState.READY

    asyncio.run(pay())


@pytest.mark.parametrize("wallet", sorted(WALLETS))
def test_a_wallets_code_is_read(fresh_shop: Store, wallet: str) -> None:
    async def read() -> str:
        async with counter_of(fresh_shop) as counter:
            lease = await customer(fresh_shop, counter, f"visa-ic,{wallet}", Ability.QR)
            return (await counter.code(lease)).code

    assert WALLETS[wallet] == asyncio.run(read())


def test_a_card_may_be_put_in_instead_of_a_code(fresh_shop: Store) -> None:
    """Unified simple pay (T28): what the customer puts in is read as the card that it is."""

    async def pay() -> EntryMode:
        async with counter_of(fresh_shop) as counter:
            lease = await counter.acquire(abilities=(Ability.IC, Ability.QR))
            waiting = asyncio.create_task(counter.code(lease, or_card=True))
            await counter.hear(CardProgress)
            fresh_shop.sandbox.present(lease.device, "visa-ic")
            assert (await waiting).card
            read = await counter.read(lease)
            assert (await counter.complete(lease)).accepted
            return read.entry_mode

    assert EntryMode.IC is asyncio.run(pay())


def test_a_number_is_keyed_and_a_text_shown(fresh_shop: Store) -> None:
    async def pay() -> str:
        async with counter_of(fresh_shop) as counter:
            lease = await counter.acquire(abilities=(Ability.PIN,))
            fresh_shop.sandbox.customer(lease.device, number="01000009876", delay_ms=0)
            number = (await counter.number(lease)).number
            await counter.caller.call(MESSAGE_SHOW, ShowMessage(ref(lease), ("Thank you", "감사합니다")))
            await counter.release(lease)
            assert device(fresh_shop, lease.device).state is DeviceState.READY
            return number

    assert asyncio.run(pay()) == "01000009876"


def test_a_wrong_pin_can_be_keyed_again(fresh_shop: Store) -> None:
    async def pay() -> tuple[str, str]:
        async with counter_of(fresh_shop) as counter:
            lease = await customer(fresh_shop, counter, "cash-ic", Ability.PIN)
            fresh_shop.sandbox.customer(lease.device, keying=Keying.WRONG)
            read = await counter.read(lease, type_=TransactionType.CASH_IC)
            fresh_shop.sandbox.customer(lease.device, keying=Keying.RIGHT)
            again = await counter.pin(lease)
            return (
                pin_of(read.pin_ksn, read.pin_block, "9490120000000004"),
                pin_of(again.pin_ksn, again.pin_block, "9490120000000004"),
            )

    assert ("2345", "1234") == asyncio.run(pay())
