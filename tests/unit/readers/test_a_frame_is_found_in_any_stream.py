"""Whatever a serial line does to the bytes, whole frames come out once each and garbage ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.readers import neo_answers as neo
from tests.unit.readers.answers import ACK, INIT, SELF_TEST, framed
from tpayd.device_broker.drivers.frames import FRAME_WAIT_US, Damage, Form, Frame, FrameReader
from tpayd.device_broker.drivers.neo_frame import NEO_FORM
from tpayd.device_broker.drivers.stx_frame import MAX_LEN, STX_FORM, frame, lrc

INSIDE = bytes([0x02, 0x03, 0x00, 0x02]) * 80
CARD = framed(0x11, INSIDE)


def test_the_published_examples_are_built_byte_for_byte() -> None:
    assert [SELF_TEST, INIT, ACK] == [frame(0x50), frame(0xA0, b"99"), frame(0x06)]


@given(st.binary(max_size=600))
def test_lrc_is_the_xor_of_all_bytes(data: bytes) -> None:
    expected = 0
    for byte in data:
        expected ^= byte
    assert expected == lrc(data)


@dataclass(frozen=True)
class Kind:
    """One protocol's frames, built by hand."""

    form: Form
    whole: Callable[[bytes], bytes]
    """A frame with these data."""
    frame: Callable[[bytes], Frame]
    """What is found in it."""

    def __str__(self) -> str:
        return type(self.form).__name__


KINDS = [
    Kind(STX_FORM, lambda data: framed(0x11, data), lambda data: Frame(0x11, data)),
    Kind(NEO_FORM, lambda data: neo.answer(0x02, 0x23, data), lambda data: Frame(0x02, data, 0x23)),
]
both = pytest.mark.parametrize("kind", KINDS, ids=str)


@both
@given(payloads=st.lists(st.binary(max_size=60), min_size=1, max_size=5), data=st.data())
def test_fragmented_and_glued_frames_come_out_whole_and_in_order(
    kind: Kind, payloads: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(map(kind.whole, payloads))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reader = FrameReader(kind.form)
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += reader.feed(stream[start:end], now_us=0)
    assert [kind.frame(payload) for payload in payloads] == found
    assert reader.empty


@both
@given(noise=st.binary(max_size=40), place=st.integers(0, 1 << 16), flip=st.integers(1, 255))
def test_after_garbage_and_a_damaged_frame_the_next_one_is_found(
    kind: Kind, noise: bytes, place: int, flip: int
) -> None:
    """However the damage reads, the next whole frame is found, at once or when the false one's time is over."""
    damaged = bytearray(kind.whole(INSIDE))
    damaged[place % len(damaged)] ^= flip
    reader = FrameReader(kind.form)
    found = reader.feed(noise + bytes(damaged) + kind.whole(b""), now_us=0) + reader.expire(FRAME_WAIT_US)
    assert kind.frame(b"") == [item for item in found if isinstance(item, Frame)][-1]


@both
@given(stream=st.binary(max_size=300), cut=st.integers(0, 300))
def test_every_byte_is_of_a_frame_or_of_damage(kind: Kind, stream: bytes, cut: int) -> None:
    """Also where frames begin in the middle of frames."""
    stream += kind.form.start + stream + kind.whole(stream)
    reader = FrameReader(kind.form)
    found = reader.feed(stream[:cut], 0) + reader.feed(stream[cut:], 0) + reader.expire(FRAME_WAIT_US)
    around = len(kind.whole(b""))
    counted = sum(item.skipped if isinstance(item, Damage) else len(item.data) + around for item in found)
    assert (len(stream), True) == (counted, reader.empty)


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
