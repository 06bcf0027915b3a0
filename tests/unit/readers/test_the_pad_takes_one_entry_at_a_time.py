"""Signature, number, PIN, code and text: asked for, taken, ended in time, and never at the cost of the card before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.unit.readers.answers import (
    ACK,
    CANCEL,
    CANCELLED,
    EMPTY,
    INIT,
    INSERTED,
    NAK,
    NONCE,
    OTHER_NONCE,
    PIN,
    STATE,
    TAPPED,
    card,
    entry,
    finished,
    framed,
    strokes,
)
from tests.unit.readers.test_a_command_is_asked_by_its_rule import FINISH, READ, RESENT, events, ready
from tpayd.device_broker.drivers.commands import (
    Cancel,
    Check,
    EnterNumber,
    EnterPin,
    PadCommand,
    ReadCode,
    ShowMessage,
    Sign,
)
from tpayd.device_broker.drivers.driver import CommandInvalidError
from tpayd.device_broker.drivers.events import (
    Cancelled,
    CardFinished,
    CardInstead,
    CardTaken,
    Clean,
    CodeRead,
    EntryRefused,
    EntryTimedOut,
    Failed,
    Failure,
    MessageShown,
    NumberEntered,
    PadShown,
    PinEntered,
    SignatureGiven,
    Trouble,
    TroubleKind,
)
from tpayd.device_broker.drivers.stx import StxDriver

WAIT_US = 20_000_000
SIGN = Sign(55_000, ("서명해 주세요",), NONCE, WAIT_US)
NUMBER = EnterNumber(("Phone number",), 10, 11, NONCE, WAIT_US)
PIN_ENTRY = EnterPin((), 4, 6, NONCE, WAIT_US)
CODE = ReadCode(False, NONCE, WAIT_US)
B7 = entry(0xB7)
FETCH = framed(0xA2, NONCE.encode())
CORRUPT, LATE = Trouble(TroubleKind.CORRUPT), Trouble(TroubleKind.LATE)
DIGITS = entry(0xB3, b"1101000001234")
SHOWN = entry(0x67, b"0081234ABCD")

ENTRIES = [(SIGN, strokes((10, 20))), (NUMBER, DIGITS), (CODE, SHOWN)]
"""Each with an answer to it."""


def begun(command: PadCommand, *, driver: StxDriver | None = None) -> StxDriver:
    """A reader at which the customer is at it."""
    driver = driver or ready()
    driver.ask(command, 0)
    if isinstance(command, Sign):
        events(driver, B7)
    return driver


def with_chip() -> StxDriver:
    """A reader whose chip card waits for the host's word."""
    driver = ready()
    driver.ask(READ, 0)
    events(driver, INSERTED, card("I"))
    return driver


# What is sent


def text(*lines: str) -> bytes:
    return b"".join(line.encode("euc_kr").ljust(16) for line in lines).ljust(64)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (SIGN, framed(0xA7, f"{NONCE}0000055000".encode() + text("서명해 주세요"))),
        (structs.replace(SIGN, amount_minor=0), framed(0xA1, NONCE.encode() + text("서명해 주세요"))),
        (NUMBER, framed(0xA3, f"{NONCE}1011".encode() + text("Phone number"))),
        (CODE, framed(0x66, NONCE.encode())),
        (ShowMessage(("a", "b", "c", "여덟글자까지된다")), framed(0xA5, text("a", "b", "c", "여덟글자까지된다"))),
    ],
)
def test_the_pad_is_asked_in_its_own_words(command: PadCommand, expected: bytes) -> None:
    assert expected == ready().ask(command, 0).out


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (structs.replace(SIGN, lines=("",) * 5), "lines"),
        (structs.replace(SIGN, lines=("", "아홉글자는안들어간다")), "lines[1]"),
        (structs.replace(NUMBER, prompt=("x" * 17,)), "prompt[0]"),
        (structs.replace(NUMBER, prompt=("Größe",)), "prompt[0]"),
        (ShowMessage(("tab\there",)), "lines[0]"),
        (PIN_ENTRY, "lease"),
    ],
)
def test_what_no_pad_can_be_told_is_refused_with_its_field(command: PadCommand, field: str) -> None:
    driver = ready()
    with pytest.raises(CommandInvalidError) as caught:
        driver.ask(command, 0)
    assert (field, False) == (caught.value.field, driver.busy)


# What comes back


def test_a_signature_is_fetched_when_the_pad_has_begun() -> None:
    driver = ready()
    driver.ask(SIGN, 0)
    assert (FETCH, [PadShown()]) == driver.received(B7, 500_000)
    assert 500_000 + WAIT_US == driver.deadline_us
    assert [SignatureGiven((((1, 2), (3, 4)), ((5, 6),)))] == events(
        driver, strokes((1, 2), (3, 4), (255, 255), (255, 255), (5, 6))
    )
    assert driver.clean


def test_a_number_a_pin_and_a_code_come_whole() -> None:
    assert [NumberEntered("01000001234")] == events(begun(NUMBER), DIGITS)
    assert [CodeRead("1234ABCD")] == events(begun(CODE), SHOWN)
    driver = with_chip()
    assert [PinEntered(PIN[:12], PIN[12:])] == events(begun(PIN_ENTRY, driver=driver), entry(0xB4, PIN))


def test_a_text_is_shown() -> None:
    driver = ready()
    driver.ask(ShowMessage(("Thank you",)), 0)
    assert [MessageShown()] == events(driver, framed(0xB5, b"00"))
    assert driver.clean


@pytest.mark.parametrize(("command", "answer"), ENTRIES)
def test_an_answer_is_taken_however_it_is_cut_glued_or_damaged(command: PadCommand, answer: bytes) -> None:
    driver = begun(command)
    driver.received(b"\x02\xff" + answer[:-1] + b"\x00" + answer[:9], 0)
    driver.received(answer[:7], 0)
    for place in range(7, len(answer)):
        told = driver.received(answer[place : place + 1], 0).events
    late = driver.received(answer, 0).events
    assert (1, [LATE]) == (len(told), list(late))
    assert not driver.busy


@pytest.mark.parametrize(("command", "answer"), ENTRIES)
def test_a_damaged_answer_is_asked_for_again_and_nothing_done_twice(command: PadCommand, answer: bytes) -> None:
    driver = begun(command)
    assert (NAK, [CORRUPT]) == driver.received(answer[:-1] + b"\x00", 0)
    assert len(events(driver, answer)) == 1


@pytest.mark.parametrize(("command", "answer"), ENTRIES)
def test_an_answer_to_an_earlier_customer_is_late(command: PadCommand, answer: bytes) -> None:
    others = framed(answer[3], answer[4:-2].replace(NONCE.encode(), OTHER_NONCE.encode()))
    driver = begun(command)
    assert [LATE] == events(driver, others)
    assert driver.busy
    assert len(events(driver, answer)) == 1


def test_a_pad_that_begins_for_an_earlier_customer_is_not_believed() -> None:
    driver = ready()
    driver.ask(SIGN, 0)
    assert (b"", [LATE]) == driver.received(entry(0xB7, nonce=OTHER_NONCE), 0)
    assert FETCH == driver.received(B7, 0).out


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (SIGN, entry(0xB2, b"0002\x01\x02")),
        (SIGN, entry(0xB2, b"xxxx")),
        (SIGN, strokes((128, 0))),
        (SIGN, strokes((0, 64))),
        (NUMBER, entry(0xB3, b"09010000123")),
        (NUMBER, entry(0xB3, b"1201000001234")),
        (NUMBER, entry(0xB3, b"1001000A1234")),
        (CODE, entry(0x67, b"0091234ABCD")),
        (CODE, framed(0x67, b"00")),
        (CODE, framed(0x67)),
    ],
)
def test_an_answer_of_another_layout_is_not_understood_and_not_quoted(command: PadCommand, answer: bytes) -> None:
    driver = begun(command)
    turn = driver.received(answer, 0)
    [told] = turn.events
    assert isinstance(told, Failed)
    assert (INIT, Failure.BAD_ANSWER) == (turn.out, told.why)
    assert "010000" not in repr(told)
    assert "1234" not in repr(told)


@pytest.mark.parametrize("code", [b"", b"\xea\xb0\x80\xeb\x82\x98", b"line\nfeed", b"x" * 513])
def test_what_is_no_payment_code_is_refused_and_harms_nothing(code: bytes) -> None:
    driver = begun(CODE)
    assert [EntryRefused("94")] == events(driver, entry(0x67, b"%03d" % len(code) + code))
    assert driver.clean


@pytest.mark.parametrize(("command", "command_byte"), [(SIGN, 0xB2), (NUMBER, 0xB3), (CODE, 0x67), (PIN_ENTRY, 0xB4)])
@pytest.mark.parametrize(("code", "expected"), [("91", EntryRefused("91")), ("92", EntryTimedOut())])
def test_a_customer_who_says_no_costs_the_card_nothing(
    command: PadCommand, command_byte: int, code: str, expected: object
) -> None:
    driver = begun(command, driver=with_chip())
    assert [expected] == events(driver, entry(command_byte, result=code))
    driver.ask(FINISH, 0)
    assert isinstance(events(driver, finished())[0], CardFinished)


def test_a_pad_that_cannot_sign_says_so_at_once() -> None:
    driver = ready()
    driver.ask(SIGN, 0)
    assert [EntryRefused("93")] == events(driver, entry(0xB7, result="93"))
    assert driver.clean


def test_a_reader_that_knows_no_pad_is_reset() -> None:
    driver = ready()
    driver.ask(SIGN, 0)
    events(driver, NAK, NAK)
    assert (INIT, [Failed(Failure.REFUSED)]) == driver.received(NAK, 0)


def test_a_pad_that_does_not_begin_is_asked_twice() -> None:
    driver = ready()
    driver.ask(SIGN, 0)
    assert [RESENT] == driver.tick(1_000_000).events
    assert (INIT, [Failed(Failure.NO_ANSWER)]) == driver.tick(2_000_000)


# Its end


@pytest.mark.parametrize("command", [SIGN, NUMBER, PIN_ENTRY, CODE])
def test_an_entry_that_does_not_come_is_ended_and_the_card_is_kept(command: PadCommand) -> None:
    driver = begun(command, driver=with_chip())
    assert (CANCEL, []) == driver.tick(WAIT_US)
    assert [EntryTimedOut()] == events(driver, CANCELLED)
    driver.ask(FINISH, 0)
    assert isinstance(events(driver, finished())[0], CardFinished)


@pytest.mark.parametrize(("command", "answer"), ENTRIES)
def test_what_is_entered_in_the_moment_of_a_cancel_is_dropped(command: PadCommand, answer: bytes) -> None:
    driver = begun(command)
    assert CANCEL == driver.ask(Cancel(), 0).out
    assert [LATE, Cancelled()] == events(driver, answer + CANCELLED)
    assert [LATE] == events(driver, answer)
    assert driver.clean


def test_a_cancel_leaves_a_chip_card_its_word() -> None:
    driver = begun(SIGN, driver=with_chip())
    driver.ask(Cancel(), 0)
    assert [Cancelled()] == events(driver, CANCELLED)
    assert not driver.clean
    driver.ask(FINISH, 0)
    assert isinstance(events(driver, finished())[0], CardFinished)


def test_a_reader_deaf_to_a_cancel_is_reset() -> None:
    driver = begun(SIGN)
    driver.ask(Cancel(), 0)
    assert [[RESENT], [RESENT]] == [driver.tick(second * 1_000_000).events for second in (1, 2)]
    assert INIT == driver.tick(3_000_000).out
    assert [Clean()] == events(driver, ACK, EMPTY)


def test_a_cancel_of_nothing_is_harmless() -> None:
    driver = ready()
    assert CANCEL == driver.ask(Cancel(), 0).out
    assert [Cancelled()] == events(driver, CANCELLED)
    assert driver.clean


def test_another_command_waits_for_the_cancel_before_it() -> None:
    driver = begun(SIGN)
    driver.ask(Cancel(), 0)
    assert driver.ask(Check(), 0).out == b""
    assert STATE == driver.received(CANCELLED, 0).out


# The card meanwhile


@pytest.mark.parametrize("command", [SIGN, NUMBER, PIN_ENTRY, CODE])
def test_a_chip_card_pulled_out_meanwhile_ends_its_payment(command: PadCommand) -> None:
    driver = begun(command, driver=with_chip())
    assert (INIT, [CardTaken()]) == driver.received(EMPTY, 0)
    assert [Clean()] == events(driver, ACK, EMPTY)


@pytest.mark.parametrize("command", [SIGN, NUMBER, PIN_ENTRY, CODE])
def test_a_chip_card_pulled_out_before_is_found_out_before_anything_is_asked(command: PadCommand) -> None:
    driver = with_chip()
    events(driver, EMPTY)
    assert (INIT, [CardTaken()]) == driver.ask(command, 0)


def test_a_card_that_was_held_to_the_reader_need_not_stay() -> None:
    driver = ready()
    driver.ask(READ, 0)
    events(driver, TAPPED, card("C"))
    begun(SIGN, driver=driver)
    assert [SignatureGiven((((1, 2),),))] == events(driver, EMPTY, strokes((1, 2)))


def test_a_card_instead_of_a_code_ends_the_scan_where_it_is_wanted() -> None:
    driver = begun(structs.replace(CODE, or_card=True))
    assert (CANCEL, []) == driver.received(INSERTED, 0)
    assert [CardInstead()] == events(driver, CANCELLED)
    driver.ask(READ, 0)
    assert len(events(driver, card("I"))) == 1


def test_a_card_that_is_inside_already_needs_no_scan() -> None:
    driver = ready()
    events(driver, INSERTED)
    assert (b"", [CardInstead()]) == driver.ask(structs.replace(CODE, or_card=True), 0)


def test_a_card_put_in_where_it_is_not_wanted_changes_nothing() -> None:
    driver = begun(CODE)
    assert [] == events(driver, INSERTED)
    assert [CodeRead("1234ABCD")] == events(driver, SHOWN)
    assert not driver.clean


# Secrets


@pytest.mark.parametrize(
    "told",
    [
        SignatureGiven((((77, 55),),)), NumberEntered("01000001234"), PinEntered(PIN[:12], PIN[12:]),
        CodeRead("281006000123"),
    ],
)  # fmt: skip
def test_what_was_entered_is_in_no_repr(told: object) -> None:
    assert f"{type(told).__name__}(…)" == repr(told)


@given(st.lists(st.binary(max_size=80), max_size=12), st.sampled_from([SIGN, CODE, NUMBER]))
def test_no_bytes_whatsoever_bring_the_driver_down(chunks: list[bytes], command: PadCommand) -> None:
    """Whatever comes, as frames of the pad or without: no error, and no wait without an end."""
    driver = begun(command)
    for number, chunk in enumerate(chunks):
        for data in (chunk, framed(0xB2, chunk), framed(0xB3, chunk), framed(0x67, chunk)):
            driver.received(data, number * 1_000)
    assert driver.deadline_us is not None or not driver.busy
