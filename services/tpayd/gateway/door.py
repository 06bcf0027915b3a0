"""After `transaction` has said that it is full, the gateway says so in its place, for a moment (ADR 0032).

A refusal costs the process that can least spare it a message, and the sale that it would have been is one of hundreds.
So each refusal shuts the door for twice the time that it took to come: the moment grows with the crowd, and ends within
25 ms. Whoever comes next then is handed on, and what he hears decides anew.

Request ids that were handed on lately are never stopped: `transaction` alone knows what became of them.
"""

from __future__ import annotations

from tpayd.kit.bus import CallError, Request
from tpayd.kit.clock import Clock
from tpayd_contracts.errors import OVERLOAD

__all__ = ["Door"]

_TIMES = 2
_SHUT_MOST_US = 25_000
_REMEMBERED = 10_000
"""Request ids: at least so many, and at most twice as many."""


class Door:
    """Orders pass it; questions do not come by."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._opens_us = 0
        self._last: CallError | None = None
        self._keys: set[str] = set()
        self._older_keys: set[str] = set()

    def check(self, key: str) -> None:
        """Raises CallError `busy` while it is shut, unless the request id has passed before."""
        if self._last is not None:
            if self._clock.monotonic_us() >= self._opens_us:
                self._last = None
            elif key not in self._keys and key not in self._older_keys:
                raise CallError.of(self._last.body())
        self._keys.add(key)
        if len(self._keys) >= _REMEMBERED:
            self._keys, self._older_keys = set(), self._keys

    def refused(self, request: Request, error: CallError) -> None:
        """An order that was handed on ended with an error: tell whoever asked, and take note if there was no room."""
        if error.detail == OVERLOAD:
            now_us = self._clock.monotonic_us()
            self._last = error
            self._opens_us = now_us + min(_TIMES * (now_us - request.started_us), _SHUT_MOST_US)
            # It has not begun, so the next try under its id is like any other's.
            if request.key is not None:
                self._keys.discard(request.key)
                self._older_keys.discard(request.key)
        request.fail(error)
