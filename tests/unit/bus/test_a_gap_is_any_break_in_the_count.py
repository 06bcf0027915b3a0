"""What a subscriber takes for a loss."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tpayd.kit.bus.events import GapDetector


@given(st.integers(0, 2**40), st.lists(st.booleans(), max_size=30))
def test_an_unbroken_count_is_no_gap(first: int, heartbeats: list[bool]) -> None:
    """From any first number on: each event one more, each heartbeat the last one again."""
    gaps, sequence = GapDetector(), first
    assert not gaps.missed("a", first, heartbeat=False)
    for heartbeat in heartbeats:
        sequence += not heartbeat
        assert not gaps.missed("a", sequence, heartbeat=heartbeat)


@given(st.integers(1, 2**40), st.integers(-5, 5), st.booleans())
def test_anything_else_is(last: int, jump: int, heartbeat: bool) -> None:
    """Forwards, backwards or twice, and a gap is told once."""
    gaps = GapDetector()
    gaps.missed("a", last, heartbeat=False)
    expected = 0 if heartbeat else 1
    assert (jump != expected) == gaps.missed("a", last + jump, heartbeat=heartbeat)
    assert not gaps.missed("a", last + jump + 1, heartbeat=False)


def test_another_life_of_the_publisher_is() -> None:
    """Even where the number fits."""
    gaps = GapDetector()
    gaps.missed("a", 5, heartbeat=False)
    assert gaps.missed("b", 6, heartbeat=False)
