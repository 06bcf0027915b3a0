"""What one customer leaves behind, a card inside or a late answer, never becomes another customer's."""

from __future__ import annotations

from tests.unit.readers.answers import (
    ACK,
    CIPHER,
    EMPTY,
    EMV,
    INIT,
    INSERTED,
    KSN,
    NONCE,
    OTHER_NONCE,
    STATE,
    TAPPED,
    card,
    finished,
)  # fmt: skip
from tests.unit.readers.test_a_command_is_asked_by_its_rule import FINISH, READ, events, ready
from tpayd.device_broker.drivers.commands import Recover
from tpayd.device_broker.drivers.events import CardFinished, CardRead, Clean, SlotChanged, Trouble, TroubleKind
from tpayd.device_broker.drivers.stx_card_messages import parse_card

LATE = Trouble(TroubleKind.LATE)
OTHERS = card("C", nonce=OTHER_NONCE)


def test_an_answer_after_a_cancel_is_dropped() -> None:
    driver = ready()
    driver.ask(READ, 0)
    assert INIT == driver.ask(Recover(), 0).out
    assert (b"", [LATE]) == driver.received(card("C"), 0)
    assert STATE == driver.received(ACK, 0).out
    assert [Clean()] == driver.received(EMPTY, 0).events


def test_an_answer_to_an_earlier_transaction_is_not_taken_for_this_ones() -> None:
    driver = ready()
    driver.ask(READ, 0)
    assert [LATE] == events(driver, OTHERS)
    read = events(driver, TAPPED, card("C"))[-1]
    assert isinstance(read, CardRead)


def test_the_last_word_of_an_earlier_card_is_not_taken_for_this_ones() -> None:
    driver = ready()
    driver.ask(READ, 0)
    events(driver, INSERTED, card("I"))
    driver.ask(FINISH, 0)
    told = events(driver, finished("0", nonce=OTHER_NONCE), finished("1", nonce=NONCE))
    assert [LATE, CardFinished(False, "APPROVED", "A1B2C3D4E5F60718")] == told


def test_an_answer_to_nobody_is_late() -> None:
    assert [LATE] == events(ready(), card("C"))


def test_a_card_that_was_read_and_got_no_word_makes_the_reader_unclean() -> None:
    driver = ready()
    driver.ask(READ, 0)
    events(driver, INSERTED, card("I"), EMPTY)
    assert not driver.clean


def test_a_half_read_frame_makes_the_reader_unclean() -> None:
    driver = ready()
    events(driver, card("C")[:40])
    assert not driver.clean


def test_damage_makes_the_reader_unclean_until_an_init() -> None:
    driver = ready()
    events(driver, b"\xff")
    assert not driver.clean
    driver.ask(Recover(), 0)
    events(driver, ACK, EMPTY)
    assert driver.clean


def test_a_card_put_in_unasked_is_told() -> None:
    driver = ready()
    assert [SlotChanged(occupied=True), SlotChanged(occupied=False)] == events(driver, INSERTED, EMPTY)


def test_card_data_is_in_no_repr() -> None:
    driver = ready()
    driver.ask(READ, 0)
    read = events(driver, card("C"))[-1]
    answer = parse_card(card("C")[4:-2])
    for text in (repr(read), repr(answer), str(read)):
        for secret in (CIPHER, KSN, EMV):
            assert secret.hex() not in text.lower()
            assert repr(secret)[2:-1] not in text
