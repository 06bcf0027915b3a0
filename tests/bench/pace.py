"""When sales are due in an open loop: at random, as customers come, the same way in each run. Pure.

A closed loop asks again when it has its answer, so a slow second is asked about less often and hardly counts
(coordinated omission). Here sales are due at times that nothing delays, and a sale's time runs from when it was due.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

__all__ = ["Due", "due_times"]

_SEED = 6
_NS_PER_S = 1e9


def due_times(per_s: float, seed: int = _SEED) -> Iterator[int]:
    """Times in ns from the beginning, without end, each after the one before: a Poisson process of that rate."""
    draw = random.Random(seed)
    at_s = 0.0
    while True:
        at_s += draw.expovariate(per_s)
        yield int(at_s * _NS_PER_S)


class Due:
    """The sales that are due between `begins_ns` and `ends_ns`, one after the other."""

    def __init__(self, times: Iterator[int], begins_ns: int, ends_ns: int) -> None:
        self._times = times
        self._begins_ns = begins_ns
        self._ends_ns = ends_ns
        self._next_ns = begins_ns + next(times)

    def take(self, now_ns: int) -> int | None:
        """When the next sale was due, if that is not in the future; it is taken then."""
        due_ns = self._next_ns
        if due_ns >= self._ends_ns or due_ns > now_ns:
            return None
        self._next_ns = self._begins_ns + next(self._times)
        return due_ns

    def wait_s(self, now_ns: int) -> float:
        """How long until the next one, or until the end; 0 if that is past."""
        return max(0.0, (min(self._next_ns, self._ends_ns) - now_ns) / _NS_PER_S)
