"""A signature from a screen of any size becomes a picture of a pad's size: whole, undistorted, nothing outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd.device_broker.signature import HEIGHT, WIDTH, bitmap, scaled

SIZES = st.tuples(st.integers(16, 4096), st.integers(8, 4096))


@pytest.mark.parametrize(
    ("size", "corner", "at"),
    [
        ((128, 64), (127, 63), (127, 63)),
        ((256, 128), (255, 127), (127, 63)),
        ((64, 32), (63, 31), (126, 62)),
        ((128, 128), (0, 0), (32, 0)),
        ((256, 64), (0, 0), (0, 16)),
    ],
)
def test_a_canvas_fits_as_large_as_it_can(size: tuple[int, int], corner: tuple[int, int], at: tuple[int, int]) -> None:
    """One of another shape is centred."""
    assert ((at,),) == scaled([corner], *size)


@given(SIZES, st.data())
def test_no_point_is_lost_or_falls_outside(size: tuple[int, int], data: st.DataObject) -> None:
    """Whatever is drawn on whatever canvas."""
    width, height = size
    point = st.tuples(st.integers(0, width - 1), st.integers(0, height - 1))
    strokes = data.draw(st.lists(st.lists(point, min_size=1, max_size=8), max_size=4))
    drawn = scaled([[part for point in stroke for part in point] for stroke in strokes], width, height)
    assert [len(stroke) for stroke in strokes] == [len(stroke) for stroke in drawn]
    assert all(0 <= x < WIDTH and 0 <= y < HEIGHT for stroke in drawn for x, y in stroke)
    assert 1_086 == len(bitmap(drawn))
