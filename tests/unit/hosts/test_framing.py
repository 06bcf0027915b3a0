"""Messages survive any way in which TCP cuts and joins them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd.hosts import FrameTooLongError
from tpayd.hosts.framing import MAX_MESSAGE_BYTES, Deframer, Message, frame


def test_a_frame_is_two_bytes_of_length_and_the_message() -> None:
    """Most significant byte first."""
    assert b"\x01\x02" + b"x" * 258 == frame(b"x" * 258)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=6), st.data())
def test_any_cut_gives_the_same_messages(messages: list[bytes], data: st.DataObject) -> None:
    """Split in the length, in the message, byte by byte, or glued: the messages come out whole and in order."""
    stream = b"".join(frame(message) for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    deframer = Deframer()
    found: list[bytes] = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += [message.raw for message in deframer.feed(stream[begin:end], 0)]
    assert messages == found


def test_an_empty_message_is_skipped() -> None:
    """Some hosts poll with a length of zero."""
    assert [Message(b"a", 7)] == Deframer().feed(b"\x00\x00" + frame(b"a") + b"\x00\x00", 7)


def test_a_message_knows_when_its_first_byte_came() -> None:
    """The host's time ends with the first byte, however long the rest takes."""
    deframer = Deframer()
    stream = frame(b"first") + frame(b"second")
    assert [] == deframer.feed(stream[:3], 10)
    assert [Message(b"first", 10)] == deframer.feed(stream[3:9], 20)
    assert [Message(b"second", 20)] == deframer.feed(stream[9:], 30)


@pytest.mark.parametrize("head", [b"\xff\xff", b"\x20\x01", b"GET / HTTP/1.1\r\n"])
def test_a_length_over_the_limit_is_refused_at_once(head: bytes) -> None:
    """Before its bytes are waited for: nothing after it can be understood."""
    with pytest.raises(FrameTooLongError, match="the limit is 8192"):
        Deframer().feed(head, 0)


def test_the_longest_message_passes_and_one_byte_more_does_not() -> None:
    """The limit is the contract's, on both ways."""
    longest = b"x" * MAX_MESSAGE_BYTES
    assert [Message(longest, 0)] == Deframer().feed(frame(longest), 0)
    with pytest.raises(FrameTooLongError):
        frame(longest + b"x")
