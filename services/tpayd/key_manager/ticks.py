"""Time for the life of keys, and numbers for exchanges: both only grow, over restarts and clocks set back.

What holds now: the time is the machine's, but never earlier than the latest ever seen, which is kept on disk. So a key
that has expired stays expired when the clock is set back. A clock that was wrong and ahead makes keys expire early;
exchanging them repairs that, since their new life is counted from the same time. Who may move the floor will be
narrowed later to MACed host time and signed update metadata (DESIGN: keys).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct, structs

from tpayd.kit.clock import Clock

__all__ = ["ExchangeNumber", "Ticker", "Ticks"]

KEEP_EVERY_MS = 600_000
"""How far the floor on disk may lag behind: ten minutes, against a life of three years."""
_STANS = 999_999


class Ticks(Struct, frozen=True, array_like=True):
    """What only grows: kept so that a clock set back, or a restart, repeats nothing."""

    floor_ms: int = 0
    """The latest time seen; no later reading counts as earlier."""
    sequence: int = 0
    """The last key exchange's sequence number (`tpayd.crypto.exchange`)."""
    exchanges: int = 0
    """Key exchanges begun."""

    def joined(self, other: Ticks) -> Ticks:
        """The later of each."""
        return Ticks(
            max(self.floor_ms, other.floor_ms),
            max(self.sequence, other.sequence),
            max(self.exchanges, other.exchanges),
        )


@dataclass(frozen=True)
class ExchangeNumber:
    """Numbers of one key exchange, never given before."""

    sequence: int
    """For the proof: above that of all earlier ones, even of an earlier store of this terminal."""
    stan: str
    """System trace audit number of the 0800, six digits."""


class Ticker:
    """The current time, and numbers for exchanges."""

    def __init__(self, clock: Clock, ticks: Ticks) -> None:
        self._clock = clock
        self._floor_ms = self._kept_ms = ticks.floor_ms
        self._ticks = ticks

    def now_ms(self) -> int:
        """Milliseconds since 1970, never earlier than before."""
        now_ms = self._clock.unix_ms()
        if now_ms > self._floor_ms:
            self._floor_ms = now_ms
        return self._floor_ms

    def behind_ms(self) -> int:
        """How far the machine's clock is behind the latest time seen."""
        return max(0, self._floor_ms - self._clock.unix_ms())

    def due(self) -> Ticks | None:
        """What to keep now; None if what is on disk is fresh enough. Call `kept` after it was written."""
        now_ms = self.now_ms()
        return structs.replace(self._ticks, floor_ms=now_ms) if now_ms - self._kept_ms >= KEEP_EVERY_MS else None

    def kept(self, ticks: Ticks) -> None:
        """These are on disk."""
        self._kept_ms = max(self._kept_ms, ticks.floor_ms)

    def next_exchange(self, keep: Callable[[Ticks], None]) -> ExchangeNumber:
        """Numbers for a new exchange. `keep` returns when they are on disk, or raises; then they are not given."""
        now_ms = self.now_ms()
        number = self._ticks.exchanges + 1
        sequence = max(now_ms, self._ticks.sequence + 1)
        ticks = Ticks(now_ms, sequence, number)
        keep(ticks)
        self._ticks = ticks
        self.kept(ticks)
        return ExchangeNumber(sequence, f"{(number - 1) % _STANS + 1:06d}")
