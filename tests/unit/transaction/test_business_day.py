"""A sale belongs to the business day in which it was sent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tpayd.transaction.steps.business_day import business_day_of


@pytest.mark.parametrize(
    ("hour", "minute", "cutoff", "expected"),
    [
        (0, 0, "00:00", "20260301"),
        (23, 59, "00:00", "20260301"),
        (4, 59, "05:00", "20260228"),
        (5, 0, "05:00", "20260301"),
    ],
)
def test_the_day_begins_at_the_cutoff(hour: int, minute: int, cutoff: str, expected: str) -> None:
    """Night sales of a bar count for the evening."""
    assert expected == business_day_of(datetime(2026, 3, 1, hour, minute, tzinfo=UTC), cutoff)
