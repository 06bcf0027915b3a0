"""The daily check: at its time of day, once, whatever the clock does in between."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from tpayd.key_manager.integrity.schedule import Daily

SEOUL = timezone(timedelta(hours=9))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=SEOUL)


def test_it_comes_at_its_time() -> None:
    """Not at the start, which is a check of its own; then once, and the next day again."""
    daily = Daily.of("04:30", at(2, 10))

    assert at(3, 4, 30) == daily.next(at(2, 10))
    assert [False, False, True, False, False, True] == [
        daily.due(now)
        for now in (at(2, 10), at(3, 4, 29), at(3, 4, 30), at(3, 4, 31), at(4, 4, 29), at(4, 9))
    ]  # fmt: skip
    assert at(5, 4, 30) == daily.next(at(4, 9))


def test_a_start_before_its_time() -> None:
    """It comes on the same day."""
    daily = Daily.of("04:30", at(2, 3))

    assert at(2, 4, 30) == daily.next(at(2, 3))
    assert daily.due(at(2, 4, 30))


def test_a_clock_set_back_makes_none_due_again() -> None:
    """And a clock that goes forward over days makes one due, not many."""
    daily = Daily.of("04:30", at(2, 3))

    assert [True, False, False, True, False] == [
        daily.due(now) for now in (at(2, 5), at(1, 5), at(2, 5), at(9, 5), at(9, 6))
    ]
