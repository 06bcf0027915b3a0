"""Time for a virtual reader: what is done after a while, unless it has been called off meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Deed", "Later", "Rounds"]

Deed: TypeAlias = Callable[[], bytes]
"""What happens, and what the reader says then."""
Later: TypeAlias = Callable[[int, Deed], None]
"""Have a deed done after so many milliseconds, and what it returns sent."""


class Rounds:
    """One thing after another: what was meant for an earlier round finds it over."""

    def __init__(self, later: Later) -> None:
        self._later = later
        self._round = 0

    def end(self) -> None:
        """Whatever is still to come is called off."""
        self._round += 1

    def after(self, delay_ms: int, deed: Deed) -> bytes:
        """Do it after a while, at once for none."""
        if delay_ms == 0:
            return deed()
        round_ = self._round
        self._later(delay_ms, lambda: deed() if round_ == self._round else b"")
        return b""
