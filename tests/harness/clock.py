"""A clock that a test holds in its hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

_KOREA = timezone(timedelta(hours=9), "KST")
_START = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)


class FakeClock:
    """Stands still until `advance` or `step`. Starts at noon of 2026-01-31 in Korea, 1,000 s after boot."""

    def __init__(self) -> None:
        self._now = _START
        self._since_boot_us = 1_000_000_000

    def boottime_ms(self) -> int:
        return self._since_boot_us // 1_000

    def unix_ms(self) -> int:
        return int(self._now.timestamp() * 1000)

    def monotonic_us(self) -> int:
        return self._since_boot_us

    def local(self) -> datetime:
        return self._now.astimezone(_KOREA)

    def advance(self, seconds: float) -> None:
        """Time passes, on all clocks."""
        self._now += timedelta(seconds=seconds)
        self._since_boot_us += round(seconds * 1_000_000)

    def step(self, seconds: float) -> None:
        """Somebody sets the calendar clock; durations don't notice."""
        self._now += timedelta(seconds=seconds)
