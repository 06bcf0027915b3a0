"""The host's time, out of answers whose MAC was right: one answer a round is read, the others cost a comparison."""

from __future__ import annotations

from typing import Protocol

from tpayd.hosts import HostFormatError
from tpayd.kit.clock import Clock

__all__ = ["HostTimes", "TellsTime"]


class TellsTime(Protocol):
    """What is needed of a host adapter."""

    def host_time_ms(self, covered: bytes) -> int | None:
        """See `tpayd.hosts.HostAdapter`."""


class HostTimes:
    """See the module. Between `verified` and `taken` nothing is changed: that is the sweep's, which may write."""

    def __init__(self, adapter: TellsTime, clock: Clock) -> None:
        self._adapter = adapter
        self._clock = clock
        self._wanted = True
        self._said: tuple[int, int] | None = None

    def verified(self, covered: bytes) -> None:
        """An answer's MAC was right, and this is what it covers."""
        if not self._wanted:
            return
        self._wanted = False
        try:
            host_ms = self._adapter.host_time_ms(covered)
        except HostFormatError:
            # The transaction service reads the same bytes, and says what is wrong with them.
            return
        if host_ms is not None:
            self._said = host_ms, self._clock.boottime_ms()

    def taken(self) -> tuple[int, int] | None:
        """What a host said since this was asked last, and when by the time since boot, both in milliseconds."""
        said, self._said, self._wanted = self._said, None, True
        return said
