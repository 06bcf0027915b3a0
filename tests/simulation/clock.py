"""The clocks of one simulated machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from tests.simulation.loop import Scheduler

__all__ = ["SimClock"]

_KOREA = timezone(timedelta(hours=9), "KST")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SimClock:
    """`tpayd.kit.clock.Clock` on virtual time. The calendar can be set; durations and deadlines don't notice."""

    def __init__(self, scheduler: Scheduler, start: datetime) -> None:
        self._scheduler = scheduler
        self._offset_us = round(start.timestamp() * 1e6) - scheduler.now_us

    def boottime_ms(self) -> int:
        return self._scheduler.now_us // 1000

    def unix_ms(self) -> int:
        return (self._scheduler.now_us + self._offset_us) // 1000

    def monotonic_us(self) -> int:
        return self._scheduler.now_us

    def local(self) -> datetime:
        seconds = (self._scheduler.now_us + self._offset_us) // 1_000_000
        return (_EPOCH + timedelta(seconds=seconds)).astimezone(_KOREA)

    def step(self, seconds: float) -> None:
        """Somebody sets the calendar clock."""
        self._offset_us += round(seconds * 1e6)
