"""Time, injected, so that a test can hold it in its hand.

Four readings, since no single one fits every use: deadlines between processes must go on during suspend and ignore
clock steps (CLOCK_BOOTTIME, the same for all processes of one boot), records need the calendar, measurements need
microseconds, and a host message needs the store's local time.
"""

from __future__ import annotations

from datetime import datetime
from time import CLOCK_BOOTTIME, clock_gettime_ns, monotonic_ns, time, time_ns
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """What the daemon asks about time."""

    def boottime_ms(self) -> int:
        """Milliseconds since boot, suspend included. For deadlines; comparable between processes of one boot."""
        ...

    def unix_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC. For records; it may step."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds since an arbitrary point, never backwards. For durations within one process."""
        ...

    def local(self) -> datetime:
        """The store's local time to the second, with its UTC offset."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._second = 0
        self._local = datetime.fromtimestamp(0).astimezone()

    def boottime_ms(self) -> int:
        return clock_gettime_ns(CLOCK_BOOTTIME) // 1_000_000

    def unix_ms(self) -> int:
        return time_ns() // 1_000_000

    def monotonic_us(self) -> int:
        return monotonic_ns() // 1_000

    def local(self) -> datetime:
        # A look into the time zone's table costs more than all else that a sale does with time: once a second will do.
        second = int(time())
        if second != self._second:
            self._second, self._local = second, datetime.fromtimestamp(second).astimezone()
        return self._local
