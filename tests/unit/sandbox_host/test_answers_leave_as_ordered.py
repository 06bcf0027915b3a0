"""How an answer leaves the sandbox's host."""

from __future__ import annotations

import pytest

from tests.unit.hosts.examples import KSN, MAC, SALE
from tpayd.hosts import HostFormatError, load
from tpayd.hosts.framing import Deframer, frame
from tpayd.hosts.iso8583 import host_side
from tpayd.sandbox.host.delivery import Delivery, deliveries, joined
from tpayd_contracts.sandbox import HostBehaviour, HostMode

ADAPTER = load("iso8583")
REPLY = host_side.FinancialReply(response_code="00", host_reference="SBX000000001", approval_code="000001")
ANSWER = ADAPTER.seal(host_side.reply_financial(SALE, REPLY), KSN, MAC)


def left(mode: HostMode, delay_ms: int = 0) -> tuple[Delivery, ...]:
    return deliveries(ANSWER, HostBehaviour(mode=mode, delay_ms=delay_ms), 45_000)


@pytest.mark.parametrize("mode", [HostMode.APPROVE, HostMode.DECLINE])
def test_an_honest_answer_leaves_once(mode: HostMode) -> None:
    """After the delay that was ordered."""
    assert (Delivery(after_ms=250, pieces=(frame(ANSWER),)),) == left(mode, 250)


@pytest.mark.parametrize("mode", [HostMode.SILENT, HostMode.DEAF])
def test_a_silent_host_says_nothing(mode: HostMode) -> None:
    """Not even goodbye."""
    assert () == left(mode)


def test_a_late_answer_leaves_late() -> None:
    """By the settings, or by the order."""
    assert [45_000, 700] == [left(HostMode.LATE)[0].after_ms, left(HostMode.LATE, 700)[0].after_ms]


def test_twice_is_the_same_answer_two_times() -> None:
    """Byte for byte."""
    first, second = left(HostMode.TWICE)
    assert (Delivery(pieces=(frame(ANSWER),)), first) == (first, second)


def test_a_split_answer_comes_byte_by_byte_and_whole() -> None:
    """Its frame is sound."""
    (split,) = left(HostMode.SPLIT)
    deframer = Deframer()
    found = [message.raw for piece in split.pieces for message in deframer.feed(piece, 0)]
    assert ([ANSWER], len(ANSWER) + 2) == (found, len(split.pieces))


def test_a_garbled_answer_has_a_sound_frame_and_cannot_be_read() -> None:
    """The line stays in step; the message is rubbish."""
    (garbled,) = left(HostMode.GARBLED)
    (message,) = Deframer().feed(garbled.pieces[0], 0)
    for read in (ADAPTER.match_key, ADAPTER.open):
        with pytest.raises(HostFormatError):
            read(message.raw)


def test_a_bad_mac_is_the_only_fault_of_its_answer() -> None:
    """Everything else opens as usual: only the check of the MAC finds it."""
    (delivery,) = left(HostMode.BAD_MAC)
    (message,) = Deframer().feed(delivery.pieces[0], 0)
    opened, honest = ADAPTER.open(message.raw), ADAPTER.open(ANSWER)
    assert (honest.covered, True) == (opened.covered, honest.mac != opened.mac)


def test_hanging_up_ends_the_connection() -> None:
    """Without an answer."""
    assert (Delivery(hang_up=True),) == left(HostMode.HANG_UP)


def test_answers_of_one_turn_leave_in_one_write_and_in_order() -> None:
    """Only what leaves whole and at once is joined; what a test ordered otherwise stays as ordered."""
    whole, late, split = Delivery(pieces=(b"a",)), Delivery(700, (b"b",)), Delivery(pieces=(b"c", b"d"))
    hang_up = Delivery(hang_up=True)
    assert [Delivery(pieces=(b"aa",)), late, whole, split, Delivery(pieces=(b"aa",)), hang_up] == list(
        joined([whole, whole, late, whole, split, whole, whole, hang_up])
    )
