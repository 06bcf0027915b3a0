"""What only grows: the floor of time, and the numbers of key exchanges. Kept, so that no restart repeats them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct, structs

from tpayd.key_manager.trusted_time import TrustedTime
from tpayd.kit.clock import Clock

__all__ = ["KEEP_EVERY_MS", "ExchangeNumber", "Ticker", "Ticks"]

KEEP_EVERY_MS = 600_000
"""How far the floor on disk may lag behind: ten minutes, against a life of three years."""
_STANS = 999_999


class Ticks(Struct, frozen=True, array_like=True):
    """What is kept of it."""

    floor_ms: int = 0
    """See `TrustedTime`; 0: a new store."""
    sequence: int = 0
    """The last key exchange's sequence number (`tpayd.crypto.exchange`)."""
    exchanges: int = 0
    """Key exchanges begun."""
    from_host: bool = False
    """A host's time has moved the floor."""

    def joined(self, other: Ticks) -> Ticks:
        """The later of each. The first host's time may be before the floor that was counted until then."""
        floors = [
            ticks.floor_ms for ticks in (self, other) if ticks.from_host or not (self.from_host or other.from_host)
        ]
        return Ticks(
            max(floors),
            max(self.sequence, other.sequence),
            max(self.exchanges, other.exchanges),
            self.from_host or other.from_host,
        )


class ExchangeNumber(Struct, frozen=True):
    """Numbers of one key exchange, never given before."""

    sequence: int
    """For the proof: above that of all earlier ones, even of an earlier store of this terminal."""
    stan: str
    """System trace audit number of the 0800, six digits."""


class Ticker:
    """Time and numbers, and what of them is to be kept."""

    def __init__(self, clock: Clock, ticks: Ticks) -> None:
        self.time = TrustedTime(clock, ticks.floor_ms, from_host=ticks.from_host)
        self.now_ms = self.time.now_ms
        self._clock = clock
        self._ticks = ticks
        self._numbering = asyncio.Lock()

    def due(self) -> Ticks | None:
        """What to keep now; None if what is on disk is fresh enough. Call `kept` after it was written."""
        ticks = self.latest()
        fresh = ticks.floor_ms - self._ticks.floor_ms < KEEP_EVERY_MS and ticks.from_host is self._ticks.from_host
        return None if fresh else ticks

    def latest(self) -> Ticks:
        """All as it is now."""
        return structs.replace(self._ticks, floor_ms=self.time.floor_ms, from_host=self.time.from_host)

    def kept(self, ticks: Ticks) -> None:
        """These are on disk."""
        self._ticks = self._ticks.joined(ticks)

    async def next_exchange(self, keep: Callable[[Ticks], Awaitable[None]]) -> ExchangeNumber:
        """Numbers for a new exchange. `keep` returns when they are on disk, or raises; then they are not given."""
        async with self._numbering:
            latest = self.latest()
            number = latest.exchanges + 1
            # By the calendar, so that a store that was begun anew goes on above the one that was lost.
            sequence = max(self._clock.unix_ms(), latest.sequence + 1)
            ticks = structs.replace(latest, sequence=sequence, exchanges=number)
            await keep(ticks)
            self.kept(ticks)
            return ExchangeNumber(sequence, f"{(number - 1) % _STANS + 1:06d}")
