"""When each reader is reset at night. Pure.

A reader that has to be reset once in 24 hours (PCI PTS POI) is reset at a time of the store's choosing, before it would
do so by itself in the middle of a sale. The rules:

* a round begins when the local time passes `reset_at`, once a day; one that fell into a time when the broker did not
  run is not made up for: readers that have just been started were reset by that;
* of the readers that share a pool, or a lane, one at a time is away;
* only an idle reader is reset; one that is lent is tried again until the round is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from msgspec import Struct

from tpayd_contracts.device import DeviceState

__all__ = ["AWAY_MAX_US", "ROUND_US", "Nightly", "Sight"]

ROUND_US = 4 * 3600 * 1_000_000
"""How long a round lasts at most."""
AWAY_MAX_US = 120_000_000
"""A reader that has not come back by then keeps the others of its pool from their reset no longer."""

_BACK = (DeviceState.READY, DeviceState.LEASED, DeviceState.ABSENT)


class Sight(Struct, frozen=True):
    """A reader as it stands."""

    name: str
    group: str
    state: DeviceState


class Nightly:
    """Says which readers to reset now."""

    def __init__(self, reset_at: str, now: datetime) -> None:
        self._at = time.fromisoformat(reset_at) if reset_at else None
        self._round = self._round_of(now)
        self._pending: set[str] = set()
        self._until_us = 0
        self._away: dict[str, tuple[str, int]] = {}

    def due(self, now: datetime, now_us: int, readers: Iterable[Sight]) -> list[str]:
        """To be asked every second or so; `now` is the store's local time."""
        seen = {reader.name: reader for reader in readers}
        this = self._round_of(now)
        if this > self._round:
            self._round, self._until_us = this, now_us + ROUND_US
            self._pending = set(seen)
        if not self._pending:
            return []
        # Those that are absent or starting are reset by coming back.
        reset_anyway = (DeviceState.ABSENT, DeviceState.STARTING)
        self._pending = {name for name in self._pending & seen.keys() if seen[name].state not in reset_anyway}
        self._away = {
            group: away for group, away in self._away.items() if self._is_away(seen.get(away[0]), away, now_us)
        }
        found = []
        for reader in seen.values():
            if reader.name in self._pending and reader.state is DeviceState.READY and reader.group not in self._away:
                self._pending.discard(reader.name)
                self._away[reader.group] = (reader.name, now_us)
                found.append(reader.name)
        return found

    def again(self, name: str) -> None:
        """It could not be reset just now."""
        self._pending.add(name)

    def left_over(self, now_us: int) -> tuple[str, ...]:
        """The readers that the round had no chance to reset, told once when it is over."""
        if not self._pending or now_us < self._until_us:
            return ()
        left, self._pending = tuple(sorted(self._pending)), set()
        return left

    def _is_away(self, reader: Sight | None, away: tuple[str, int], now_us: int) -> bool:
        return reader is not None and reader.state not in _BACK and now_us - away[1] < AWAY_MAX_US

    def _round_of(self, now: datetime) -> date:
        """The day whose round is the last that has begun."""
        if self._at is None:
            return date.max
        return now.date() if now.time() >= self._at else now.date() - timedelta(days=1)
