"""Whether a try still gets on: a total deadline, an answer in time, and a least speed. Pure: the caller has the clock.

A drip of a few bytes a second passes every timeout of a single read or write, and would hold a bundle for days.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tpayd.log_shipper.delivery.errors import DeliveryError, Reason

__all__ = ["Limits", "Pace"]

_SAMPLES = 64
"""Of the window that the speed is taken over."""


@dataclass(frozen=True)
class Limits:
    """As `DestinationSettings` has them."""

    deadline_s: float
    answer_s: float
    least_bytes_per_s: int


class Pace:
    """One try, as seen by its watch. Times are seconds of one clock that never goes back."""

    def __init__(self, limits: Limits, now_s: float) -> None:
        self._limits = limits
        self._end_s = now_s + limits.deadline_s
        self._alive_s = now_s
        self._moved_bytes = 0
        self._window: deque[tuple[float, int]] = deque([(now_s, 0)])
        self._bytes_due = False

    def heard(self, now_s: float) -> None:
        """The server has answered something."""
        self._alive_s = now_s

    def moved(self, count: int, now_s: float) -> None:
        """So many bytes went through."""
        self._alive_s = now_s
        self._moved_bytes += count
        if now_s - self._window[-1][0] >= self._limits.answer_s / _SAMPLES:
            self._window.append((now_s, self._moved_bytes))
            self._forget(now_s)

    def expect_bytes(self, due: bool, now_s: float) -> None:
        """Whether bytes are to flow from now on, so that speed means something."""
        self._alive_s = now_s
        self._bytes_due = due
        self._window = deque([(now_s, self._moved_bytes)])

    def verdict(self, now_s: float) -> DeliveryError | None:
        """Why the try shall end now; None: it gets on."""
        limits = self._limits
        if now_s >= self._end_s:
            return DeliveryError(
                Reason.TOO_SLOW,
                f"not done within {limits.deadline_s:g} s (deadline_s); what has arrived is kept for the next try",
            )
        if now_s - self._alive_s >= limits.answer_s:
            return DeliveryError(
                Reason.CUT,
                f"nothing has come or gone for {limits.answer_s:g} s (answer_s): the line or the server hangs",
            )
        since_s, before = self._window[0]
        moved, spent_s = self._moved_bytes - before, now_s - since_s
        if self._bytes_due and spent_s >= limits.answer_s and moved < limits.least_bytes_per_s * spent_s:
            return DeliveryError(
                Reason.TOO_SLOW,
                f"{moved / spent_s:.0f} bytes/s, and least_bytes_per_s is {limits.least_bytes_per_s}; what has arrived "
                "is kept for the next try",
            )
        return None

    def _forget(self, now_s: float) -> None:
        while len(self._window) > 1 and self._window[1][0] <= now_s - self._limits.answer_s:
            self._window.popleft()
