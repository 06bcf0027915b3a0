"""When the daily check is due. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from msgspec import Struct

__all__ = ["Daily"]


class Daily(Struct):
    """Once between one such time of day and the next, whatever the clock does in between."""

    at: time
    """Local."""
    done: date
    """The last round of which nothing is due any more."""

    @classmethod
    def of(cls, text: str, now: datetime) -> Daily:
        """Due at the next `HH:MM`: a start is a check of its own."""
        at = time.fromisoformat(text)
        return cls(at, _round(at, now))

    def due(self, now: datetime) -> bool:
        """Whether one is due now; it counts as done then. A clock set back makes none due again."""
        current = _round(self.at, now)
        if current <= self.done:
            return False
        self.done = current
        return True

    def next(self, now: datetime) -> datetime:
        """When the next one comes."""
        day = max(_round(self.at, now), self.done) + timedelta(days=1)
        return datetime.combine(day, self.at, now.tzinfo)


def _round(at: time, now: datetime) -> date:
    """The day whose time `at` has come."""
    return now.date() if now.time() >= at else now.date() - timedelta(days=1)
