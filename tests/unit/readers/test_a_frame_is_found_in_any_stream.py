"""Whatever a serial line does to the bytes, whole frames come out once each and garbage ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.readers.answers import ACK, INIT, SELF_TEST, framed
from tpayd.device_broker.drivers.frames import FRAME_WAIT_US, Damage, Frame, FrameReader
from tpayd.device_broker.drivers.stx_frame import MAX_LEN, STX_FORM, frame, lrc

CARD = framed(0x11, bytes([0x02, 0x03, 0x00, 0x02]) * 80)


def test_the_published_examples_are_built_byte_for_byte() -> None:
    assert [SELF_TEST, INIT, ACK] == [frame(0x50), frame(0xA0, b"99"), frame(0x06)]


@given(st.binary(max_size=600))
def test_lrc_is_the_xor_of_all_bytes(data: bytes) -> None:
    expected = 0
    for byte in data:
        expected ^= byte
    assert expected == lrc(data)


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5), st.data())
def test_fragmented_and_glued_frames_come_out_whole_and_in_order(payloads: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(framed(0x11, payload) for payload in payloads)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reader = FrameReader(STX_FORM)
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += reader.feed(stream[start:end], now_us=0)
    assert [Frame(0x11, payload) for payload in payloads] == found
    assert reader.empty


@given(st.binary(max_size=40), st.integers(0, len(CARD) - 1), st.integers(1, 255))
def test_after_garbage_and_a_damaged_frame_the_next_one_is_found(noise: bytes, place: int, flip: int) -> None:
    """However the damage reads, the next whole frame is found, at once or when the false one's time is over."""
    damaged = bytearray(CARD)
    damaged[place] ^= flip
    reader = FrameReader(STX_FORM)
    found = reader.feed(noise + bytes(damaged) + ACK, now_us=0) + reader.expire(FRAME_WAIT_US)
    assert Frame(0x06, b"") == [item for item in found if isinstance(item, Frame)][-1]


@pytest.mark.parametrize("length", [0, 1, MAX_LEN + 1, 0xFFFF])
def test_an_impossible_length_is_not_waited_for(length: int) -> None:
    reader = FrameReader(STX_FORM)
    assert [Damage(3), Frame(0x06, b"")] == reader.feed(b"\x02" + length.to_bytes(2, "big") + ACK, now_us=0)


def test_a_drip_of_bytes_ends_in_time() -> None:
    """One byte now and then does not keep a frame alive: the time runs from its first byte."""
    reader = FrameReader(STX_FORM)
    for second in range(2):
        assert reader.feed(CARD[second : second + 1], second * 1_000_000) == []
    assert FRAME_WAIT_US == reader.deadline_us
    assert [Damage(2)] == reader.expire(FRAME_WAIT_US)
    assert reader.empty


def test_an_answer_swallowed_by_a_false_length_is_found_when_the_time_is_over() -> None:
    reader = FrameReader(STX_FORM)
    assert reader.feed(b"\x02\x0f\x00" + ACK, now_us=0) == []
    assert [Damage(3), Frame(0x06, b"")] == reader.expire(FRAME_WAIT_US)


def test_data_that_no_frame_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="4094 bytes"):
        frame(0x10, bytes(MAX_LEN - 1))
