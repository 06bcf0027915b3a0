"""A NEO reader is asked in ID TECH's words, and believed only where its answer is this customer's and encrypted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.readers import neo_answers as neo
from tests.unit.readers.test_a_command_is_asked_by_its_rule import AT, FINISH, READ
from tpayd.device_broker.drivers.commands import EnterPin, PrepareKey, ReadCard, Recover, Sign, Start
from tpayd.device_broker.drivers.driver import CommandInvalidError
from tpayd.device_broker.drivers.events import (
    CardFinished,
    CardPulled,
    CardRead,
    CardRefused,
    CardSeen,
    CardTimedOut,
    Clean,
    Down,
    EntryRefused,
    Event,
    Failed,
    Failure,
    Identified,
    Identity,
    Pulled,
    SelfTested,
    SlotChanged,
    Trouble,
    TroubleKind,
)
from tpayd.device_broker.drivers.frames import Frame, FrameReader
from tpayd.device_broker.drivers.neo import NeoDriver
from tpayd.device_broker.drivers.neo_card_messages import sequence_of
from tpayd.device_broker.drivers.neo_codes import Cmd
from tpayd.device_broker.drivers.neo_frame import HEADER, NEO_FORM, crc, frame
from tpayd.device_broker.drivers.neo_rules import RULES
from tpayd.device_broker.drivers.neo_tlv import tlv, unpacked
from tpayd.device_broker.drivers.talk import LayoutError
from tpayd_contracts.device import Ability, TransactionType
from tpayd_contracts.payment import EntryMode

NUMBER = sequence_of(READ.nonce).hex()
AGAIN = "FEDCBA9876543210" * 2
STRIPE_NUMBER = sequence_of(AGAIN).hex()
READ_TWICE = ReadCard(TransactionType.CREDIT, 1000, AT, READ.nonce, wait_us=30_000_000, nonce_again=AGAIN)
LATE, RESENT = Trouble(TroubleKind.LATE), Trouble(TroubleKind.RESENT)
TEXT = (Path(__file__).parents[3] / "docs" / "neo-protocol.md").read_text(encoding="utf-8")


def ready() -> NeoDriver:
    driver = NeoDriver()
    assert neo.CANCEL == driver.ask(Recover(), 0).out
    assert neo.PING == driver.received(neo.CANCELLED, 0).out
    assert neo.SLOT == driver.received(neo.PONG, 0).out
    assert [Clean()] == driver.received(neo.EMPTY, 0).events
    assert driver.clean
    return driver


def reading(command: ReadCard = READ) -> NeoDriver:
    driver = ready()
    driver.ask(command, 0)
    return driver


def events(driver: NeoDriver, *chunks: bytes) -> list[Event]:
    return [event for chunk in chunks for event in driver.received(chunk, 0).events]


# Frames


def printed() -> list[bytes]:
    [block] = re.findall(r"```hex\n(.*?)```", TEXT, re.DOTALL)
    return [bytes.fromhex(line.split("  ")[0]) for line in block.splitlines()]


def test_the_makers_own_examples_are_built_byte_for_byte() -> None:
    ping, _, poll, serial, _ = printed()
    assert [ping, poll, serial] == [frame(Cmd.PING), frame(Cmd.POLL_MODE, b"\1"), frame(Cmd.SERIAL_NUMBER)]


def test_the_makers_own_answers_are_read() -> None:
    _, pong, _, _, serial = printed()
    assert [Frame(0x18, b"")] == FrameReader(NEO_FORM).feed(pong, 0)
    assert [Frame(0x12, b"630Z000001".ljust(15, b"\0"))] == FrameReader(NEO_FORM).feed(serial, 0)


@pytest.mark.parametrize("data", [b"", b"123456789", HEADER * 3])
def test_the_check_is_that_of_the_standard(data: bytes) -> None:
    assert neo.crc(data) == crc(data)


def test_what_a_reader_tells_by_itself_has_its_check_the_other_way_round() -> None:
    [told] = FrameReader(NEO_FORM).feed(neo.SEATED, 0)
    assert Frame(0xF2, b"\1") == told
    swapped = neo.SEATED[:-2] + neo.SEATED[:-3:-1]
    assert Frame(0xF2, b"\1") not in FrameReader(NEO_FORM).feed(swapped, 0)


def test_a_header_cut_in_two_is_one() -> None:
    reader = FrameReader(NEO_FORM)
    for at in range(1, len(neo.PONG)):
        assert [] == reader.feed(neo.PONG[:at], 0)
        assert [Frame(0x18, b"")] == reader.feed(neo.PONG[at:], 0)


def test_data_that_no_frame_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="4096 bytes"):
        frame(Cmd.PING, bytes(4097))


def test_objects_are_read_as_they_are_written() -> None:
    values = {0x57: b"x" * 48, 0x9F41: b"1234", 0xDFEE12: b"", 0x71: b"y" * 200, 0x72: b"z" * 300}
    assert values == unpacked("", b"".join(tlv(tag, value) for tag, value in values.items()))


@pytest.mark.parametrize("data", ["57", "9F", "DFEE12", "5705AA", "5780", "57830000", "5782FF"])
def test_objects_that_are_cut_off_are_refused(data: str) -> None:
    with pytest.raises(LayoutError, match="02-40: "):
        unpacked("02-40", bytes.fromhex(data))


# Life


def test_a_reader_is_brought_up_step_by_step() -> None:
    driver = NeoDriver()
    assert neo.CANCEL == driver.ask(Start(AT), 0).out
    assert neo.PING == driver.received(neo.CANCELLED, 0).out
    assert neo.command(0x29, 0) == driver.received(neo.PONG, 0).out
    assert neo.command(0x12, 1) == driver.received(neo.VERSION, 0).out
    assert neo.command(0x01, 1, b"\1") == driver.received(neo.SERIAL, 0).out
    assert neo.command(0x01, 7, b"\1") == driver.received(neo.POLLS, 0).out
    assert neo.command(0x81, 0x0B, b"\2\0\0") == driver.received(neo.NOTIFIES, 0).out
    assert neo.command(0xE3, 0x01) == driver.received(neo.KEY, 0).out
    out, told = driver.received(neo.HELD, 0)
    abilities = (Ability.IC, Ability.STRIPE, Ability.CONTACTLESS)
    identity = Identity(
        "IDTECH-NEO------630Z000001------", "630Z000001", "v1.01.151", "VP3300", True, abilities, "08D7B4A1C2"
    )
    assert (neo.SLOT, [Identified(identity), SelfTested()]) == (out, told)
    assert [Clean()] == events(driver, neo.EMPTY)


def test_a_reader_may_know_nothing_of_check_values() -> None:
    driver = NeoDriver()
    driver.ask(Start(AT), 0)
    chunks = neo.CANCELLED, neo.PONG, neo.VERSION, neo.SERIAL, neo.POLLS, neo.NOTIFIES, neo.KEY, neo.answer(0xE3, 2)
    told = [event.identity for event in events(driver, *chunks) if isinstance(event, Identified)]
    assert [(True, None)] == [(identity.key_loaded, identity.key_check_value) for identity in told]


def test_a_reader_without_a_key_says_so() -> None:
    driver = NeoDriver()
    driver.ask(Start(AT), 0)
    told = events(
        driver, neo.CANCELLED, neo.PONG, neo.VERSION, neo.SERIAL, neo.POLLS, neo.NOTIFIES, neo.NO_KEY, neo.EMPTY
    )
    assert [False] == [event.identity.key_loaded for event in told if isinstance(event, Identified)]


def test_a_reader_that_was_tampered_with_fails_its_self_test() -> None:
    driver = NeoDriver()
    driver.ask(Start(AT), 0)
    told = events(driver, neo.answer(0x05, 0x1D))
    assert [SelfTested("1D"), Down(Failure.SELF_TEST, "tampered with")] == told


def test_another_makers_reader_is_down() -> None:
    driver = NeoDriver()
    driver.ask(Start(AT), 0)
    assert [Down(Failure.REFUSED, "status 02")] == events(driver, neo.CANCELLED, neo.PONG, neo.answer(0x29, 0x02))


def test_a_command_that_came_damaged_is_sent_again() -> None:
    driver = NeoDriver()
    driver.ask(Recover(), 0)
    assert (neo.CANCEL, [RESENT]) == driver.received(neo.answer(0x05, 0x04), 0)


def test_the_slot_is_told_by_the_reader_itself() -> None:
    driver = ready()
    assert [SlotChanged(occupied=True)] == events(driver, neo.SEATED)
    assert not driver.clean
    assert [SlotChanged(occupied=False)] == events(driver, neo.UNSEATED)
    assert driver.clean


def test_a_late_word_on_the_slot_is_heard_as_well() -> None:
    """Asked again after silence, the reader answers twice; the last word counts, whenever it comes."""
    driver = ready()
    assert [SlotChanged(occupied=True), LATE] == events(driver, neo.OCCUPIED)
    assert not driver.clean


# Cards


def test_a_card_is_asked_for_in_the_makers_words() -> None:
    out = ready().ask(READ, 0).out
    [asked] = FrameReader(NEO_FORM).feed(out[:-2] + out[:-3:-1], 0)
    assert isinstance(asked, Frame)
    told = unpacked("", asked.data[1:])
    expected = {
        0x9C: "00", 0x5F2A: "0410", 0x9F02: "000000001000", 0x9F41: NUMBER, 0xDFEF37: "07", 0xDFEF3C: "000078",
        0xDFEF1F: "0101",
    }  # fmt: skip
    assert (32, expected) == (asked.data[0], {tag: told[tag].hex() for tag in expected})


def test_a_card_that_is_held_to_the_reader_is_read() -> None:
    driver = reading()
    seen, card = events(driver, neo.BEGUN, neo.SEEN, neo.card(NUMBER))
    assert isinstance(card, CardRead)
    assert (CardSeen(), EntryMode.CONTACTLESS, "476173******0119", neo.KSN, neo.CIPHER, "VISA CREDIT") == (
        seen, card.entry_mode, card.masked_pan, card.ksn, card.cipher, card.label
    )  # fmt: skip
    assert driver.clean


def test_a_chip_card_gets_the_hosts_word() -> None:
    driver = reading()
    assert neo.SLOT == driver.received(neo.SEATED + neo.SEEN + neo.card(NUMBER, way=0, mode="05"), 0).out
    assert [EntryMode.IC] == [card.entry_mode for card in events(driver, neo.OCCUPIED) if isinstance(card, CardRead)]
    out = driver.ask(FINISH, 0).out
    [asked] = FrameReader(NEO_FORM).feed(out[:-2] + out[:-3:-1], 0)
    assert isinstance(asked, Frame)
    word = unpacked("", asked.data)
    assert (b"00", b"12345678", NUMBER) == (word[0x8A], word[0x91], word[0x9F41].hex())
    told = events(driver, neo.answer(0x60, 0x63), neo.finished(NUMBER))
    assert [CardFinished(True, "", "A1B2C3D4E5F60718")] == told
    events(driver, neo.UNSEATED)
    assert driver.clean


@pytest.mark.parametrize(("result", "status", "accepted"), [("0002", 0, True), ("0003", 0, False), ("0002", 10, False)])
def test_a_card_may_decline_after_all(result: str, status: int, accepted: bool) -> None:
    driver = reading()
    events(driver, neo.SEATED, neo.card(NUMBER, way=0, mode="05"), neo.OCCUPIED)
    driver.ask(FINISH, 0)
    [told] = events(driver, neo.finished(NUMBER, result, status))
    assert isinstance(told, CardFinished)
    assert accepted is told.accepted


def test_the_last_word_of_an_earlier_card_is_not_taken_for_this_ones() -> None:
    driver = reading()
    events(driver, neo.SEATED, neo.card(NUMBER, way=0, mode="05"), neo.OCCUPIED)
    driver.ask(FINISH, 0)
    assert [LATE] == events(driver, neo.finished(STRIPE_NUMBER))


def test_a_chip_that_fails_is_followed_by_its_stripe() -> None:
    driver = reading(READ_TWICE)
    assert neo.SLOT == driver.received(neo.SEATED + neo.refused(NUMBER, 0x30), 0).out
    out, told = driver.received(neo.OCCUPIED, 0)
    assert (neo.command(0x2C, 0x18), [CardPulled()]) == (out, told)
    assert [] == driver.received(neo.answer(0x2C), 0).events
    out, told = driver.received(neo.UNSEATED, 0)
    assert [Pulled()] == told
    assert bytes.fromhex("DFEF370101") in out
    card = events(driver, neo.card(STRIPE_NUMBER, way=8, mode="90", status=0))[-1]
    assert isinstance(card, CardRead)
    assert (EntryMode.FALLBACK, "01", b"") == (card.entry_mode, card.fallback_code, card.emv)
    assert driver.clean


@pytest.mark.parametrize(("error", "code"), [(0x20, "06"), (0x24, "08"), (0x25, "10"), (0x27, "02"), (0x99, "10")])
def test_a_refusal_has_a_code_of_ours(error: int, code: str) -> None:
    assert CardRefused(code) in events(reading(), neo.refused(NUMBER, error, way=1))


def test_an_answer_with_another_number_is_nobodys() -> None:
    assert [LATE] == events(reading(), neo.card(STRIPE_NUMBER))


def test_an_answer_without_a_number_is_none() -> None:
    told = events(reading(), neo.card(NUMBER, without="9F41"))
    assert [Failed(Failure.BAD_ANSWER, "02-40: tag 9F41 is missing")] == told


@pytest.mark.parametrize("attribution", [0x00, 0x02, 0x42, 0x82, 0xC0, 0xC4])
def test_what_comes_in_clear_or_under_another_cipher_ends_in_the_driver(attribution: int) -> None:
    """TDES, or only half of it encrypted: nothing of it is told but that a key is missing."""
    told = events(reading(), neo.card(NUMBER, attribution=attribution))
    assert [CardRefused("90")] == told


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"cipher": bytes(32)}, "02-40: a KSN of 12 bytes and a track of 32: see docs/neo-protocol.md"),
        ({"ksn": bytes(10)}, "02-40: a KSN of 10 bytes and a track of 48: see docs/neo-protocol.md"),
        ({"masked": "4761"}, "02-40: tag DFEF5B is no masked card number"),
        ({"masked": "476173CCCCCCCCCC"}, "02-40: tag DFEF5B is no masked card number"),
        ({"mode": "99"}, "02-40: tag 9F39 is no entry mode that is known here"),
        ({"without": "57"}, "02-40: tag 57 is missing"),
    ],
)
def test_an_answer_that_does_not_fit_says_where(change: dict[str, object], detail: str) -> None:
    told = events(reading(), neo.card(NUMBER, **change))  # type: ignore[arg-type]
    assert [Failed(Failure.BAD_ANSWER, detail)] == told


def test_a_number_that_shows_too_much_is_masked_here() -> None:
    card = events(reading(), neo.card(NUMBER, masked="4761739001010119"))[-1]
    assert isinstance(card, CardRead)
    assert card.masked_pan == "476173******0119"


def test_only_known_tags_go_to_the_host() -> None:
    """A reader that puts the card's number among its tags: it ends here."""
    clear = neo.objects(("5A", bytes.fromhex("4761739001010119")), ("5F24", b"491231"), ("95", bytes(5)))
    card = events(reading(), neo.card(NUMBER, emv=clear))[-1]
    assert isinstance(card, CardRead)
    assert {0x9F26, 0x95, 0x9F41} == set(unpacked("", card.emv))


def test_a_customer_who_does_nothing_is_timed_out_by_either() -> None:
    assert CardTimedOut() in events(reading(), neo.BEGUN, neo.TIMED_OUT)
    assert CardTimedOut() in reading().tick(30_000_000).events


def test_a_cash_receipt_needs_no_cryptogram() -> None:
    """A chip card's transaction is ended by a cancel, and nothing of its chip is told."""
    driver = reading(ReadCard(TransactionType.CASH_RECEIPT, 0, AT, READ.nonce, wait_us=30_000_000))
    events(driver, neo.SEATED, neo.card(NUMBER, way=0, mode="05", status=0))
    assert (neo.CANCEL, []) == driver.received(neo.OCCUPIED, 0)
    [card] = events(driver, neo.CANCELLED)
    assert isinstance(card, CardRead)
    assert (EntryMode.IC, b"") == (card.entry_mode, card.emv)
    events(driver, neo.UNSEATED)
    assert driver.clean


# What it cannot


@pytest.mark.parametrize(
    "type_", [TransactionType.CASH_IC, TransactionType.CASH_IC_INQUIRY, TransactionType.MEMBERSHIP]
)
def test_cards_that_it_cannot_read_are_not_asked_for(type_: TransactionType) -> None:
    driver = ready()
    with pytest.raises(CommandInvalidError) as caught:
        driver.ask(ReadCard(type_, 1000, AT, READ.nonce, wait_us=1), 0)
    assert caught.value.field == "type"
    assert driver.clean


@pytest.mark.parametrize("command", [Sign(1, (), "0" * 32, 1), EnterPin((), 4, 6, "0" * 32, 1)])
def test_what_it_has_not_is_refused_without_a_byte(command: Sign | EnterPin) -> None:
    driver = ready()
    assert (b"", [EntryRefused("93")]) == driver.ask(command, 0)
    assert driver.clean


def test_a_factory_reader_takes_no_key_from_us() -> None:
    driver = ready()
    assert neo.command(0xE1, 0x01) == driver.ask(PrepareKey(), 0).out
    assert [Failed(Failure.REFUSED, "status 02")] == events(driver, neo.answer(0xE1, 0x02))


# The document


def test_the_table_of_waits_is_the_one_in_force() -> None:
    """Each command's row names its seconds and its tries."""
    for cmd, rule in RULES.items():
        [row] = [row for row in TEXT.splitlines() if row.startswith(f"| {cmd >> 8:02X}-{cmd & 0xFF:02X} |")]
        if cmd is Cmd.ACTIVATE:
            continue
        tries = "once" if rule.tries == 1 else f"{rule.tries} times"
        assert f"{rule.wait_us // 1_000_000} s, {tries}" in row, row
