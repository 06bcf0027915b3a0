"""Releases are applied by themselves in the window only, and told of at most once a day."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tpayd.updater.occasions import Told, Window, notice_due

TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("window", "at", "expected"),
    [
        ("02:00-05:00", "01:59:59", False), ("02:00-05:00", "02:00:00", True), ("02:00-05:00", "04:59:59", True),
        ("02:00-05:00", "05:00:00", False), ("22:00-04:00", "23:30:00", True), ("22:00-04:00", "03:59:00", True),
        ("22:00-04:00", "12:00:00", False), ("", "03:00:00", False),
    ],
)  # fmt: skip
def test_a_window_is_a_span_of_the_day(window: str, at: str, expected: bool) -> None:
    """Also over midnight; none is never open."""
    now = datetime.combine(TODAY, datetime.strptime(at, "%H:%M:%S").replace(tzinfo=UTC).time())
    assert expected is Window.parse(window).holds(now)


@pytest.mark.parametrize(
    ("told", "newest", "enabled", "expected"),
    [
        (Told(), "0.2.0", True, True), (Told("2026-03-01", "0.2.0"), "0.2.0", True, True),
        (Told("2026-03-02", "0.2.0"), "0.2.0", True, False), (Told("2026-03-02", "0.2.0"), "0.3.0", True, False),
        (Told(), "", True, False), (Told(), "0.2.0", False, False),
    ],
)  # fmt: skip
def test_a_notice_comes_once_a_day(told: Told, newest: str, enabled: bool, expected: bool) -> None:
    """If there is something new, and notices are on."""
    assert expected is notice_due(told, TODAY, newest, enabled=enabled)
