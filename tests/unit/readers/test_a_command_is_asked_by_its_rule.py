"""A reader is asked as the table says: in order, again after silence or NAK where that is harmless, never forever."""

from __future__ import annotations

import pytest

from tests.unit.readers.answers import (
    ACK,
    EJECT,
    EMPTY,
    INIT,
    INSERTED,
    KSN,
    NAK,
    NONCE,
    PREPARE,
    PULL,
    READER_ID,
    SELF_TEST,
    STATE,
    SWIPED,
    TAPPED,
    card,
    finished,
    framed,
    info,
    refused,
)  # fmt: skip
from tpayd.device_broker.drivers import driver_kind
from tpayd.device_broker.drivers.commands import FinishCard, InjectKey, PrepareKey, ReadCard, Recover, Start
from tpayd.device_broker.drivers.driver import CommandInvalidError, DriverBusyError
from tpayd.device_broker.drivers.events import (
    CardFinished,
    CardInside,
    CardPulled,
    CardRead,
    CardRefused,
    CardSeen,
    CardTimedOut,
    Clean,
    Down,
    Event,
    Failed,
    Failure,
    Identified,
    Identity,
    KeyInjected,
    KeyPrepared,
    Pulled,
    Trouble,
    TroubleKind,
)
from tpayd.device_broker.drivers.stx import StxDriver
from tpayd_contracts.device import TransactionType
from tpayd_contracts.payment import EntryMode

AT = "20250102030405"
READ = ReadCard(TransactionType.CREDIT, 1000, AT, NONCE, wait_us=30_000_000)
FINISH = FinishCard(approved=True, arc="00", issuer_data=b"12345678", scripts=b"", at=AT)
RESENT = Trouble(TroubleKind.RESENT)


def ready() -> StxDriver:
    driver = StxDriver()
    driver.ask(Recover(), 0)
    driver.received(ACK, 0)
    driver.received(EMPTY, 0)
    assert driver.clean
    return driver


def events(driver: StxDriver, *chunks: bytes, at_us: int = 0) -> list[Event]:
    return [event for chunk in chunks for event in driver.received(chunk, at_us).events]


def test_a_reader_is_brought_up_step_by_step() -> None:
    driver = StxDriver()
    assert INIT == driver.ask(Start(AT), 0).out
    assert framed(0x58, AT.encode()) == driver.received(ACK, 0).out
    assert SELF_TEST == driver.received(info(), 0).out
    assert STATE == driver.received(framed(0x51, b"00"), 0).out
    assert [Clean()] == driver.received(EMPTY, 0).events
    assert driver.clean


def test_a_reader_says_who_it_is() -> None:
    driver = StxDriver()
    driver.ask(Start(AT), 0)
    expected = Identity(READER_ID, "SBX0000001", "01.00", "TPAYD-SANDBOX-1", key_loaded=False)
    assert [Identified(expected)] == events(driver, ACK, info(key_flag="00"))


def test_a_broken_reader_is_not_used() -> None:
    driver = StxDriver()
    driver.ask(Start(AT), 0)
    assert Down(Failure.SELF_TEST, "07") == events(driver, ACK, info(), framed(0x51, b"07"))[-1]
    assert not driver.clean


def test_init_is_sent_twice_and_then_given_up() -> None:
    driver = StxDriver()
    driver.ask(Recover(), 0)
    assert (INIT, [RESENT]) == driver.tick(3_000_000)
    assert (b"", [Down(Failure.NO_ANSWER)]) == driver.tick(6_000_000)
    assert driver.deadline_us is None


def test_a_card_left_inside_is_let_go_and_waited_for() -> None:
    driver = StxDriver()
    driver.ask(Recover(), 0)
    driver.received(ACK, 0)
    assert (EJECT, [CardInside()]) == driver.received(INSERTED, 0)
    driver.received(INSERTED, 0)
    assert STATE == driver.tick(1_000_000).out
    assert [] == driver.received(INSERTED, 1_000_000).events
    assert [Clean()] == driver.received(EMPTY, 1_500_000).events


def test_a_chip_card_is_read_and_has_the_last_word() -> None:
    driver = ready()
    request = driver.ask(READ, 0).out
    assert framed(0x10, f"010000001000{AT}00000000000000{'0' * 15}{NONCE}".encode()) == request
    seen, read = events(driver, INSERTED, card("I"))
    assert CardSeen() == seen
    assert isinstance(read, CardRead)
    assert (EntryMode.IC, "411111******1111", KSN) == (read.entry_mode, read.masked_pan, read.ksn)
    assert not driver.clean
    driver.ask(FINISH, 0)
    assert [CardFinished(True, "APPROVED", "A1B2C3D4E5F60718")] == events(driver, finished())
    assert not driver.clean
    events(driver, EMPTY)
    assert driver.clean


def test_the_hosts_word_goes_to_the_card_as_tlv() -> None:
    driver = ready()
    driver.ask(READ, 0)
    events(driver, INSERTED, card("I"))
    request = driver.ask(FINISH, 0).out
    ard = bytes.fromhex("9108") + b"12345678" + bytes(16)
    iad = bytes.fromhex("8A02") + b"00" + bytes(8)
    assert framed(0x20, AT.encode() + ard + iad + bytes(260) + b"00") == request


def test_issuer_data_that_does_not_fit_is_refused_before_a_byte_is_sent() -> None:
    driver = ready()
    with pytest.raises(CommandInvalidError) as caught:
        driver.ask(FinishCard(True, "00", bytes(25), b"", AT), 0)
    assert caught.value.field == "issuer_data"
    assert not driver.busy


def test_a_tapped_card_leaves_a_clean_reader() -> None:
    driver = ready()
    driver.ask(READ, 0)
    events(driver, TAPPED, card("C"))
    assert driver.clean


def test_a_failed_chip_leads_to_the_stripe_with_its_code() -> None:
    driver = ready()
    driver.ask(READ, 0)
    told = events(driver, INSERTED, PULL, EMPTY, SWIPED, card("F", fallback="01"))
    read = told.pop()
    assert [CardSeen(), CardPulled(), Pulled(), CardSeen()] == told
    assert isinstance(read, CardRead)
    assert (EntryMode.FALLBACK, "01") == (read.entry_mode, read.fallback_code)
    assert driver.clean


def test_no_card_in_time_ends_with_an_init() -> None:
    driver = ready()
    driver.ask(READ, 0)
    assert ([CardTimedOut()], INIT) == (driver.tick(30_000_000).events, INIT)
    assert [Clean()] == events(driver, ACK, EMPTY, at_us=30_000_000)


def test_a_card_in_time_gets_the_time_that_it_needs() -> None:
    driver = ready()
    driver.ask(READ, 0)
    driver.received(INSERTED, 29_000_000)
    assert [] == driver.tick(31_000_000).events
    out, told = driver.tick(44_000_000)
    assert ([Failed(Failure.NO_ANSWER)], INIT) == (told, out)


@pytest.mark.parametrize("code", ["09", "10", "90"])
def test_a_refused_card_is_told_with_its_code(code: str) -> None:
    driver = ready()
    driver.ask(READ, 0)
    out, told = driver.received(refused(code), 0)
    assert ([CardRefused(code)], INIT) == (told, out)


def test_a_nak_has_the_command_sent_again_twice() -> None:
    driver = ready()
    request = driver.ask(READ, 0).out
    assert [(request, [RESENT])] * 2 == [driver.received(NAK, 0) for _ in range(2)]
    assert (INIT, [Failed(Failure.REFUSED)]) == driver.received(NAK, 0)


def test_a_damaged_answer_is_asked_for_again_twice() -> None:
    """The reader repeats its last answer; the transaction is not done a second time."""
    driver = ready()
    driver.ask(READ, 0)
    broken = card("C")[:-1] + b"\x00"
    corrupt = Trouble(TroubleKind.CORRUPT)
    assert [(NAK, [corrupt]), (NAK, [corrupt]), (b"", [corrupt])] == [driver.received(broken, 0) for _ in range(3)]
    assert isinstance(driver.received(card("C"), 0).events[0], CardRead)


def test_the_cards_last_word_is_never_asked_for_twice_after_silence() -> None:
    driver = ready()
    driver.ask(READ, 0)
    events(driver, INSERTED, card("I"))
    driver.ask(FINISH, 0)
    out, told = driver.tick(10_000_000)
    assert ([Failed(Failure.NO_ANSWER)], INIT) == (told, out)


def test_a_whole_answer_with_a_wrong_layout_ends_the_step() -> None:
    driver = ready()
    driver.ask(READ, 0)
    assert Failed(Failure.BAD_ANSWER, "11: 3 bytes, at least 35") == events(driver, framed(0x11, b"001"))[0]


def test_a_card_number_in_clear_is_masked_at_the_door() -> None:
    """A reader that masks less than BIN6 and last 4 does not get its way."""
    driver = ready()
    driver.ask(READ, 0)
    clear = card("C").replace(b"411111******1111", b"4111111111111111")
    read = events(driver, framed(0x11, clear[4:-2]))[0]
    assert isinstance(read, CardRead)
    assert read.masked_pan == "411111******1111"


def test_a_key_exchange_carries_both_halves() -> None:
    driver = ready()
    assert PREPARE == driver.ask(PrepareKey(), 0).out
    assert [KeyPrepared(READER_ID, b"R" * 128)] == events(driver, framed(0x41, READER_ID.encode() + b"R" * 128 + b"00"))
    assert framed(0x40, AT.encode() + b"H" * 48) == driver.ask(InjectKey(AT, b"H" * 48), 0).out
    assert [KeyInjected(True, "08D7B4A1C2")] == events(driver, framed(0x06, b"08d7b4a1c2"))


def test_a_reader_not_ready_for_a_key_is_asked_once_more() -> None:
    driver = ready()
    driver.ask(PrepareKey(), 0)
    again = framed(0x41, READER_ID.encode() + bytes(128) + b"01")
    assert PREPARE == driver.received(again, 0).out
    assert [Failed(Failure.REFUSED, "01")] == driver.received(again, 0).events


def test_a_nak_to_a_key_is_the_readers_answer() -> None:
    driver = ready()
    driver.ask(InjectKey(AT, b"H" * 48), 0)
    assert (b"", [KeyInjected(False, None)]) == driver.received(NAK, 0)


def test_one_command_may_wait_and_a_second_is_refused() -> None:
    driver = ready()
    driver.ask(PrepareKey(), 0)
    driver.ask(READ, 0)
    with pytest.raises(DriverBusyError):
        driver.ask(READ, 0)
    out = driver.received(framed(0x41, READER_ID.encode() + b"R" * 128 + b"00"), 0).out
    assert out[3] == 0x10


def test_the_driver_is_found_by_its_entry_point() -> None:
    assert isinstance(driver_kind("stx").create(), StxDriver)
