"""The strokes of a pen become a BMP of 128 by 64 pixels that any picture program reads."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd.device_broker.drivers.events import Strokes
from tpayd.device_broker.signature import HEIGHT, WIDTH, bitmap

BYTES = 62 + WIDTH // 8 * HEIGHT
points = st.tuples(st.integers(-300, 300), st.integers(-300, 300))


def inked(image: bytes) -> set[tuple[int, int]]:
    """The black pixels, read by the file's own headers."""
    size, start = struct.unpack_from("<I4xI", image, 2)
    head, width, height, planes, bits, packing = struct.unpack_from("<IiiHHI", image, 14)
    assert (len(image), 40, 1, 1, 0) == (size, head, planes, bits, packing)
    assert image[54:62] == bytes.fromhex("00000000 FFFFFF00")
    row = (width + 31) // 32 * 4
    return {
        (x, y)
        for y in range(height)
        for x in range(width)
        if not image[start + (height - 1 - y) * row + x // 8] & (0x80 >> x % 8)
    }


@pytest.mark.parametrize(
    ("strokes", "expected"),
    [
        ((), set()),
        ((((0, 0),),), {(0, 0)}),
        ((((127, 63),), ((0, 63),)), {(127, 63), (0, 63)}),
        ((((2, 5), (5, 5)),), {(2, 5), (3, 5), (4, 5), (5, 5)}),
        ((((3, 9), (3, 7)),), {(3, 9), (3, 8), (3, 7)}),
        ((((0, 0), (3, 3), (6, 0)),), {(0, 0), (1, 1), (2, 2), (3, 3), (4, 2), (5, 1), (6, 0)}),
        ((((126, 0), (130, 0)),), {(126, 0), (127, 0)}),
    ],
)
def test_each_stroke_is_drawn_where_the_pen_was(strokes: Strokes, expected: set[tuple[int, int]]) -> None:
    assert expected == inked(bitmap(strokes))


@given(st.lists(st.lists(points, max_size=8).map(tuple), max_size=5).map(tuple))
def test_any_strokes_give_a_picture_of_the_same_size(strokes: Strokes) -> None:
    assert BYTES == len(bitmap(strokes))
