"""The envelope is an array of exactly ten typed elements; anything else is refused, and never crashes the decoder."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd_contracts.envelope import EMPTY_BODY, MAX_FRAME_BYTES, PROTOCOL, Envelope, Kind
from tpayd_contracts.host import Exchange
from tpayd_contracts.schema.golden import golden_frames

_ELEMENTS: list[Any] = [PROTOCOL, Kind.REQ.value, 7, "payment.sale", 1_000, None, None, None, None, {}]
_decoder = msgspec.msgpack.Decoder(Envelope)


def decode(elements: list[Any]) -> Envelope:
    return _decoder.decode(msgspec.msgpack.encode(elements))


def test_ten_elements_are_an_envelope() -> None:
    """The example of the module's table decodes, and its body stays bytes."""
    envelope = decode(_ELEMENTS)
    assert (PROTOCOL, Kind.REQ, "payment.sale", bytes(EMPTY_BODY)) == (
        envelope.protocol,
        envelope.kind,
        envelope.op,
        bytes(envelope.body),
    )


@pytest.mark.parametrize("count", [0, 1, 9, 11, 20])
def test_another_number_of_elements_is_refused(count: int) -> None:
    """A missing element is not filled in; an unknown one is not dropped."""
    with pytest.raises(msgspec.ValidationError, match="length 10"):
        decode((_ELEMENTS * 2)[:count])


@pytest.mark.parametrize(
    ("index", "value"),
    [(0, 1), (0, None), (1, "2"), (1, 2.0), (1, True), (2, None), (2, 7.5), (3, None), (3, 4), (4, "60"), (4, 1.0),
     (5, 5), (6, {}), (7, []), (8, 1)],
)  # fmt: skip
def test_an_element_of_another_type_is_refused_by_its_place(index: int, value: object) -> None:
    """The error names the element's index."""
    elements = [*_ELEMENTS]
    elements[index] = value
    with pytest.raises(msgspec.ValidationError, match=rf"\$\[{index}\]"):
        decode(elements)


@pytest.mark.parametrize("value", [None, 1, "tpayd1", {"protocol": "tpayd1"}, b""])
def test_what_is_no_array_is_refused(value: object) -> None:
    """A map, a number or a text is no envelope."""
    with pytest.raises(msgspec.ValidationError, match=r"Expected `array`"):
        _decoder.decode(msgspec.msgpack.encode(value))


def test_deep_nesting_raises_recursion_error_which_is_no_decode_error() -> None:
    """Whoever drains a socket must catch RecursionError beside DecodeError: 60,000 levels fit into one frame."""
    frame = msgspec.msgpack.encode(_ELEMENTS)[:-1] + b"\x91" * 60_000 + b"\xc0"
    assert len(frame) <= MAX_FRAME_BYTES
    with pytest.raises(RecursionError):
        _decoder.decode(frame)
    assert not issubclass(RecursionError, msgspec.MsgspecError)


@given(st.binary(max_size=300))
def test_random_bytes_raise_what_the_drain_catches(frame: bytes) -> None:
    """Whatever comes, decoding ends in an envelope, DecodeError, UnicodeDecodeError or RecursionError."""
    try:
        _decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return


@given(st.data())
def test_a_cut_frame_is_refused(data: st.DataObject) -> None:
    """A message that lost its end is never taken for a shorter one."""
    frame = data.draw(st.sampled_from([*golden_frames().values()]))
    cut = data.draw(st.integers(0, len(frame) - 1))
    with pytest.raises(msgspec.DecodeError):
        _decoder.decode(frame[:cut])


def test_the_largest_message_to_a_host_fits_into_a_frame() -> None:
    """The limits of a field and of a frame agree: the largest allowed exchange leaves room to spare."""
    body = msgspec.msgpack.encode(Exchange(profile="p" * 64, message=bytes(8192), answer_wait_s=10.0))
    frame = msgspec.msgpack.encode(Envelope(PROTOCOL, Kind.REQ, 2**63, "host.exchange", 2**53, None, None, None, None,
                                            msgspec.Raw(body)))  # fmt: skip
    assert len(frame) < MAX_FRAME_BYTES // 4


def test_every_example_is_far_below_the_limit() -> None:
    """An honest message is small."""
    assert [] == [stem for stem, frame in golden_frames().items() if len(frame) > 4096]
