"""After `transaction` has said that it is full, the gateway says so in its place, for a moment (ADR 0032).

A refusal costs the process that can least spare it a message, and the sale that it would have been is one of hundreds.
So each refusal shuts the door for 25 ms. Meanwhile as many orders pass as others were answered: each answer is a place
that has come free. Whoever comes after that is handed on, and what he hears decides anew: places also come free where
the gateway does not see it, as a customer is waited for.

Request ids that were handed on lately are never stopped: `transaction` alone knows what became of them.
"""

from __future__ import annotations

from tpayd.kit.bus import CallError, Request
from tpayd.kit.clock import Clock
from tpayd_contracts.errors import OVERLOAD

__all__ = ["REST_S", "Door"]

REST_S = 0.005
"""How long the gateway takes no message after it has refused one by itself. A crowd is refused, and let in, some twenty
at a time: one by one it kept a third of a processor busy. A tenth of the time in which `busy` has to be said."""
_SHUT_US = 25_000
_REMEMBERED = 10_000
"""Request ids: at least so many, and at most twice as many."""


class Door:
    """Orders pass it; questions do not come by."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._opens_us = 0
        self._last: CallError | None = None
        self._free = 0
        """Places that have come free since the last refusal, and that nobody was let in for yet."""
        self._keys: set[str] = set()
        self._older_keys: set[str] = set()

    def check(self, key: str) -> None:
        """Raises CallError `busy` while it is shut, unless a place is free or the request id has passed before."""
        if self._last is not None:
            if self._clock.monotonic_us() >= self._opens_us:
                self._last = None
            elif key not in self._keys and key not in self._older_keys:
                if not self._free:
                    raise CallError.of(self._last.body())
                self._free -= 1
        self._keys.add(key)
        if len(self._keys) >= _REMEMBERED:
            self._keys, self._older_keys = set(), self._keys

    def answered(self) -> None:
        """An order that was handed on has its answer: one more fits."""
        self._free += 1

    def refused(self, request: Request, error: CallError) -> None:
        """An order that was handed on ended with an error: tell whoever asked, and take note if there was no room."""
        if error.detail == OVERLOAD:
            self._last, self._free = error, 0
            self._opens_us = self._clock.monotonic_us() + _SHUT_US
            # It has not begun, so the next try under its id is like any other's.
            if request.key is not None:
                self._keys.discard(request.key)
                self._older_keys.discard(request.key)
        else:
            self.answered()
        request.fail(error)
