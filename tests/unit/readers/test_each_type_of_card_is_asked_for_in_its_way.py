"""UnionPay, cash-IC, membership, cash receipt and fallback: what the reader is told, and what its answers mean."""

from __future__ import annotations

import pytest
from msgspec import structs

from tests.unit.readers.answers import (
    ACK,
    CHOICE_ASKED,
    CIPHER,
    EJECT,
    EMPTY,
    EMV,
    ENTERED,
    INIT,
    INSERTED,
    KSN,
    NONCE,
    OTHER_NONCE,
    PIN,
    PIN_ASKED,
    STATE,
    SWIPED,
    card,
    finished,
    framed,
    refused,
)
from tests.unit.readers.test_a_command_is_asked_by_its_rule import AT, FINISH, READ, events, ready
from tpayd.device_broker.drivers.commands import ReadCard, Recover
from tpayd.device_broker.drivers.driver import CommandInvalidError
from tpayd.device_broker.drivers.events import (
    CardFinished,
    CardPulled,
    CardRead,
    CardRefused,
    CardSeen,
    CardTimedOut,
    ChoiceAsked,
    Clean,
    EntryTimedOut,
    Failed,
    Failure,
    PinAsked,
    Pulled,
    Trouble,
    TroubleKind,
)
from tpayd.device_broker.drivers.stx_card_messages import card_frame, may_be_payment_card, stripe_frame
from tpayd_contracts.device import TransactionType
from tpayd_contracts.payment import EntryMode

AGAIN = "A" * 32
ASKED = structs.replace(READ, pin=True, nonce_again=AGAIN)
UNIONPAY, CASH_IC, INQUIRY, MEMBERSHIP, RECEIPT = (
    structs.replace(ASKED, type=type_)
    for type_ in (
        TransactionType.UNIONPAY, TransactionType.CASH_IC, TransactionType.CASH_IC_INQUIRY,
        TransactionType.MEMBERSHIP, TransactionType.CASH_RECEIPT,
    )
)  # fmt: skip


def request(type_: str, amount: int, flags: str, lengths: str, nonce: str = NONCE) -> bytes:
    return framed(0x10, f"{type_}{amount:010d}{AT}{flags}00000{lengths}{'0' * 18}{nonce}".encode())


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (ASKED, request("01", 1000, "00", "0000")),
        (UNIONPAY, request("02", 1000, "10", "0406")),
        (structs.replace(UNIONPAY, pin=False), request("02", 1000, "00", "0000")),
        (CASH_IC, request("03", 1000, "10", "0406")),
        (structs.replace(CASH_IC, choose=True), request("03", 1000, "11", "0406")),
        (INQUIRY, request("11", 0, "10", "0406")),
        (MEMBERSHIP, request("04", 1000, "00", "0000")),
        (RECEIPT, request("06", 1000, "00", "0000")),
    ],
)
def test_the_reader_is_told_what_the_card_is_for(command: ReadCard, expected: bytes) -> None:
    assert expected == card_frame(command)


def test_only_credit_and_unionpay_may_fall_back_to_the_stripe() -> None:
    assert request("07", 1000, "00", "0000", AGAIN) == stripe_frame(ASKED)
    assert request("10", 1000, "10", "0406", AGAIN) == stripe_frame(UNIONPAY)
    assert [None] * 4 == [stripe_frame(command) for command in (CASH_IC, INQUIRY, MEMBERSHIP, RECEIPT)]


def test_a_pin_is_prompted_and_comes_encrypted() -> None:
    driver = ready()
    driver.ask(UNIONPAY, 0)
    *told, read = events(driver, INSERTED, PIN_ASKED, ENTERED, card("I", pin=PIN))
    assert [CardSeen(), PinAsked(), CardSeen()] == told
    assert isinstance(read, CardRead)
    assert (PIN[:12], PIN[12:], EMV) == (read.pin_ksn, read.pin_block, read.emv)
    driver.ask(FINISH, 0)
    assert isinstance(events(driver, finished())[-1], CardFinished)


def test_the_customer_has_his_time_anew_for_a_choice_and_for_the_pin() -> None:
    driver = ready()
    driver.ask(CASH_IC, 0)
    events(driver, INSERTED, at_us=29_000_000)
    assert [ChoiceAsked()] == events(driver, CHOICE_ASKED, at_us=30_000_000)
    assert driver.deadline_us == 60_000_000
    assert [CardSeen(), PinAsked()] == events(driver, ENTERED, PIN_ASKED, at_us=59_000_000)
    assert driver.deadline_us == 89_000_000


def test_a_reader_that_asks_again_and_again_gains_no_time() -> None:
    driver = ready()
    driver.ask(CASH_IC, 0)
    events(driver, INSERTED, PIN_ASKED)
    assert [] == events(driver, PIN_ASKED, CHOICE_ASKED, PIN_ASKED, at_us=20_000_000)
    assert driver.deadline_us == 30_000_000


def test_a_pin_that_does_not_come_ends_the_reading() -> None:
    driver = ready()
    driver.ask(CASH_IC, 0)
    events(driver, INSERTED, PIN_ASKED)
    assert (INIT, [EntryTimedOut()]) == driver.tick(30_000_000)


@pytest.mark.parametrize("pin", [PIN[:-1], PIN + b"\0", b"\0"])
def test_a_pin_block_of_another_length_is_not_understood(pin: bytes) -> None:
    driver = ready()
    driver.ask(UNIONPAY, 0)
    told = events(driver, INSERTED, card("I", pin=pin))[-1]
    assert isinstance(told, Failed)
    assert told.why is Failure.BAD_ANSWER


@pytest.mark.parametrize("command", [CASH_IC, INQUIRY, RECEIPT])
def test_a_card_that_gets_no_word_is_done_with_at_once(command: ReadCard) -> None:
    driver = ready()
    driver.ask(command, 0)
    events(driver, INSERTED, card("I"), EMPTY)
    assert driver.clean
    with pytest.raises(CommandInvalidError, match="no chip card waits"):
        driver.ask(FINISH, 0)


def test_a_word_for_a_card_that_a_reset_has_forgotten_is_refused() -> None:
    driver = ready()
    driver.ask(READ, 0)
    events(driver, INSERTED, card("I"))
    driver.ask(Recover(), 0)
    events(driver, ACK, EMPTY)
    with pytest.raises(CommandInvalidError) as caught:
        driver.ask(FINISH, 0)
    assert caught.value.field == "lease"


# Fallback that the reader has to be asked for


def test_a_chip_that_failed_is_taken_out_and_its_stripe_asked_for() -> None:
    driver = ready()
    driver.ask(UNIONPAY, 0)
    assert (EJECT, [CardSeen(), CardPulled()]) == driver.received(INSERTED + refused("02", slot="1"), 0)
    driver.received(INSERTED, 0)
    assert (stripe_frame(UNIONPAY), [Pulled()]) == driver.received(EMPTY, 5_000_000)
    assert driver.deadline_us == 35_000_000
    seen, read = events(driver, SWIPED, card("S", nonce=AGAIN, pin=PIN))
    assert CardSeen() == seen
    assert isinstance(read, CardRead)
    assert (EntryMode.FALLBACK, "02", PIN[12:]) == (read.entry_mode, read.fallback_code, read.pin_block)
    assert driver.clean


def test_a_card_that_is_out_already_is_asked_to_be_swiped_at_once() -> None:
    driver = ready()
    driver.ask(ASKED, 0)
    assert (stripe_frame(ASKED), [Pulled()]) == driver.received(refused("08", slot="0"), 0)


def test_a_stripe_read_under_the_first_nonce_is_late() -> None:
    driver = ready()
    driver.ask(ASKED, 0)
    events(driver, refused("01", slot="0"))
    assert [Trouble(TroubleKind.LATE)] == events(driver, card("S", nonce=NONCE))


def test_a_card_that_is_left_in_after_its_chip_failed_ends_the_wait() -> None:
    driver = ready()
    driver.ask(ASKED, 0)
    events(driver, INSERTED, refused("01", slot="1"), INSERTED)
    for second in range(1, 30):
        assert STATE == driver.tick(second * 1_000_000).out
        driver.received(INSERTED, second * 1_000_000)
    assert (INIT, [CardTimedOut()]) == driver.tick(30_000_000)


@pytest.mark.parametrize("code", ["09", "10", "11", "12", "90", "91"])
def test_other_codes_allow_no_stripe(code: str) -> None:
    driver = ready()
    driver.ask(ASKED, 0)
    assert (INIT, [CardRefused(code)]) == driver.received(refused(code), 0)


def test_a_second_failure_is_the_last() -> None:
    driver = ready()
    driver.ask(ASKED, 0)
    events(driver, refused("01", slot="0"))
    assert (INIT, [CardRefused("01")]) == driver.received(refused("01", nonce=AGAIN), 0)


# Membership


def test_a_membership_number_comes_in_clear_and_alone() -> None:
    driver = ready()
    driver.ask(MEMBERSHIP, 0)
    read = events(driver, SWIPED, card("S", number="8800123456789010", pin=b""))[-1]
    assert isinstance(read, CardRead)
    assert ("8800123456789010", "", b"", b"") == (read.membership_number, read.masked_pan, read.cipher, read.ksn)


@pytest.mark.parametrize("number", ["4111111111111111", "378282246310005", "9490120000000004", "6200000000000005"])
def test_a_payment_cards_number_never_passes_as_a_members(number: str) -> None:
    driver = ready()
    driver.ask(MEMBERSHIP, 0)
    assert (INIT, [CardRefused("10")]) == driver.received(card("S", number=number), 0)


@pytest.mark.parametrize("number", ["411111******1111", "123", "", "88001234567890A0"])
def test_what_is_no_number_is_no_membership(number: str) -> None:
    driver = ready()
    driver.ask(MEMBERSHIP, 0)
    told = events(driver, card("S", number=number))[0]
    assert isinstance(told, Failed)
    assert told.why is Failure.BAD_ANSWER
    assert not number or number not in repr(told)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("4111111111111111", True), ("4111111111111112", False), ("8800123456789010", False), ("123456789012", False),
        ("9490120000000004", True), ("0100001234", False),
    ],
)  # fmt: skip
def test_payment_cards_are_told_by_length_first_digit_and_check_digit(number: str, expected: bool) -> None:
    assert expected is may_be_payment_card(number)


def test_nothing_of_a_card_is_in_a_repr() -> None:
    driver = ready()
    driver.ask(UNIONPAY, 0)
    read = events(driver, INSERTED, card("I", pin=PIN))[-1]
    for secret in (CIPHER, KSN, PIN[12:]):
        assert secret.hex() not in repr(read).lower()
        assert repr(secret)[2:-1] not in repr(read)


def test_an_answer_under_another_nonce_is_late_and_the_pin_is_waited_for() -> None:
    driver = ready()
    driver.ask(UNIONPAY, 0)
    told = events(driver, INSERTED, PIN_ASKED, card("I", nonce=OTHER_NONCE, pin=PIN))
    assert [CardSeen(), PinAsked(), Trouble(TroubleKind.LATE)] == told
    assert driver.busy


def test_a_cancelled_pin_entry_leaves_the_reader_clean() -> None:
    driver = ready()
    driver.ask(UNIONPAY, 0)
    events(driver, INSERTED, PIN_ASKED)
    assert INIT == driver.ask(Recover(), 0).out
    assert [Trouble(TroubleKind.LATE), Clean()] == events(driver, card("I", pin=PIN), ENTERED, ACK, EMPTY)
    assert driver.clean
