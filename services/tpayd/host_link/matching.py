"""Which answer belongs to which request: at most one request is open per match key, on one line.

An answer that fits no open request is dropped, and counted by what it is: it must never reach another payment.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from typing import Generic, TypeVar

from msgspec import Struct

from tpayd.host_link.errors import KeyOpenError
from tpayd.hosts import MatchKey

__all__ = ["REMEMBERED", "InFlight", "Stray"]

T = TypeVar("T")

REMEMBERED = 4096
"""Closed requests that are remembered, so that a late answer is told from one to a request that never was."""


class Stray(enum.StrEnum):
    """An answer without an open request."""

    LATE = "late"
    """Its request was given up, or its line was lost."""
    DUPLICATE = "duplicate"
    """Its request is answered."""
    UNKNOWN = "unknown"
    """No such request is remembered, or it left on another line."""


class _Open(Struct, Generic[T]):
    line: str
    waiter: T


class InFlight(Generic[T]):
    """The open requests of one profile, each with whoever waits for its answer."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._open: dict[MatchKey, _Open[T]] = {}
        self._closed: OrderedDict[MatchKey, Stray] = OrderedDict()
        self._remembered = remembered
        self._per_line: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._open)

    def items(self) -> list[tuple[MatchKey, T]]:
        """The open requests, and who waits for each."""
        return [(key, found.waiter) for key, found in self._open.items()]

    def on(self, line: str) -> int:
        """Requests open on a line."""
        return self._per_line.get(line, 0)

    def __contains__(self, key: MatchKey) -> bool:
        return key in self._open

    def open(self, key: MatchKey, line: str, waiter: T) -> None:
        """A request leaves on a line. Raises KeyOpenError."""
        if key in self._open:
            raise KeyOpenError(f"a request of class {key.type_class}, terminal {key.terminal_id}, {key.stan} is open")
        self._open[key] = _Open(line, waiter)
        self._per_line[line] = self._per_line.get(line, 0) + 1
        self._closed.pop(key, None)

    def answered(self, key: MatchKey, line: str) -> T | Stray:
        """Who waits for this answer, now no more; or what it is instead."""
        found = self._open.get(key)
        if found is None:
            return self._closed.get(key, Stray.UNKNOWN)
        if found.line != line:
            return Stray.UNKNOWN
        self._close(key, Stray.DUPLICATE)
        return found.waiter

    def give_up(self, key: MatchKey) -> None:
        """Nobody waits for this answer any more; if it comes, it is late."""
        if key in self._open:
            self._close(key, Stray.LATE)

    def lose(self, line: str) -> list[T]:
        """The line is gone: everyone who waited on it."""
        lost = {key: found.waiter for key, found in self._open.items() if found.line == line}
        for key in lost:
            self._close(key, Stray.LATE)
        return list(lost.values())

    def _close(self, key: MatchKey, as_stray: Stray) -> None:
        line = self._open.pop(key).line
        self._per_line[line] -= 1
        self._closed[key] = as_stray
        if len(self._closed) > self._remembered:
            self._closed.popitem(last=False)
