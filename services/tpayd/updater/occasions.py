"""When releases are applied by themselves, and when a person is told of one. Pure; times are local.

| asked                  | yes                                                                        |
|------------------------|----------------------------------------------------------------------------|
| inside the window?     | `02:00-05:00`: from two until before five; `22:00-04:00` goes over midnight |
| tell of a release? T16 | notices are on, there is one, and none was told on this day                |
| nobody answered?       | automatic updates on: the update begins; off: the notice closes            |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

__all__ = ["Told", "Window", "notice_due"]


@dataclass(frozen=True)
class Window:
    """A span of the day; none: releases are not applied by themselves."""

    begin: time | None = None
    end: time | None = None

    @classmethod
    def parse(cls, text: str) -> Window:
        """`hh:mm-hh:mm`, or an empty text for none; as the settings have checked it."""
        if not text:
            return cls()
        begin, _, end = text.partition("-")
        return cls(time.fromisoformat(begin), time.fromisoformat(end))

    def holds(self, now: datetime) -> bool:
        """Whether it is open."""
        if self.begin is None or self.end is None:
            return False
        at = now.time()
        if self.begin <= self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


@dataclass(frozen=True)
class Told:
    """The last notice."""

    day: str = ""
    version: str = ""


def notice_due(told: Told, today: date, newest: str, *, enabled: bool) -> bool:
    """Whether a person is told now: at most once a day, and only of something new."""
    return enabled and bool(newest) and told.day != today.isoformat()
