"""Which readers are kept from payments, and why. Whoever bars readers tells all of his bars at once."""

from __future__ import annotations

from collections.abc import Container, Iterable

from tpayd_contracts.device import Bar, BarCause

__all__ = ["Bars"]


class Bars:
    """The bars of each cause."""

    def __init__(self) -> None:
        self._of: dict[BarCause, dict[str, Bar]] = {}

    def put(self, cause: BarCause, bars: Iterable[Bar]) -> frozenset[str]:
        """These are all bars of a cause from now on. Returns the readers of which something has changed."""
        before, now = self._of.get(cause, {}), {bar.device: bar for bar in bars}
        self._of[cause] = now
        return frozenset(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))

    def of(self, device: str) -> tuple[Bar, ...]:
        """Why a reader is lent to no payment; empty: it is."""
        return tuple([bars[device] for bars in self._of.values() if device in bars])

    @property
    def devices(self) -> Container[str]:
        """All readers that are barred."""
        return frozenset(name for bars in self._of.values() for name in bars)

    def count(self, cause: BarCause) -> int:
        """How many readers are barred for it."""
        return len(self._of.get(cause, ()))
