"""How fair the pool has been: turns and waits of a bounded time, by lane and by group of readers. Pure.

**Fairness** is Jain's index (Jain, Chiu, Hawe: DEC-TR-301, 1984) over the lanes' shares. A lane's share is the turns
that it got, divided by the turns that it stood in line for: its own, and those that others got of readers that it
waited for. 1.0 is perfect; with n lanes of which one gets everything it is 1/n. A wish that is given up counts the
turns that it stood in line for, and none of its own. Lanes are compared with those of their own priority, since what a
priority gives is wanted; of several priorities the lowest index is told.

**Most overtaken** is the most often that one lane got readers that another lane waited for, during one wait of that
lane. `turns` promises that it never exceeds 1.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

__all__ = [
    "WINDOW_US",
    "Durations",
    "Figures",
    "Share",
    "Stand",
    "Waits",
    "fairness",
    "jain",
    "most_overtaken",
    "shares",
    "waits",
]

WINDOW_US = 3_600_000_000
_STANDS_KEPT = 4096
_MEAN_OVER = 50


class Stand(Struct, frozen=True, gc=False):
    """One wish, from asking to getting a reader or giving up."""

    at_us: int
    lane: str
    group: str
    """Of the reader that it got; of those given up, the one that the lane prefers."""
    waited_us: int
    passed_by: int = 0
    """Turns of others that it stood in line for."""
    passed_most: int = 0
    """Of these, those of the one lane that had most."""
    served: bool = True
    priority: int = 0


class Share(Struct, frozen=True):
    """What one lane got."""

    lane: str
    turns: int
    given_up: int
    passed_by: int
    wait_median_us: int
    wait_longest_us: int
    priority: int = 0

    @property
    def share(self) -> float:
        """Turns got of those stood in line for."""
        return self.turns / stood if (stood := self.turns + self.passed_by) else 0.0


class Waits(Struct, frozen=True):
    """How long those who were served waited, in microseconds."""

    median_us: int
    p95_us: int
    longest_us: int


class Figures:
    """The stands of the last hour, at most some thousands."""

    def __init__(self) -> None:
        self._stands: deque[Stand] = deque(maxlen=_STANDS_KEPT)

    def note(self, stand: Stand) -> None:
        """A wish has ended."""
        self._stands.append(stand)

    def stands(self, now_us: int, in_group: Callable[[str], bool] = lambda _: True) -> list[Stand]:
        """Those of the window."""
        since_us = now_us - WINDOW_US
        return [stand for stand in self._stands if stand.at_us >= since_us and in_group(stand.group)]


def shares(stands: Iterable[Stand]) -> list[Share]:
    """What each lane got."""
    by_lane: dict[str, list[Stand]] = {}
    for stand in stands:
        by_lane.setdefault(stand.lane, []).append(stand)
    return [_share(lane, by_lane[lane]) for lane in sorted(by_lane)]


def waits(stands: Iterable[Stand]) -> Waits:
    """How long those who were served waited; nobody: not at all."""
    waited = sorted(stand.waited_us for stand in stands if stand.served)
    return Waits(_percentile(waited, 50), _percentile(waited, 95), waited[-1] if waited else 0)


def jain(values: Sequence[float]) -> float | None:
    """Jain's index of fairness, from 1/n to 1; None where there is nothing to compare."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else None


def fairness(lanes: Iterable[Share]) -> float | None:
    """See the module; None where nobody has asked."""
    by_priority: dict[int, list[float]] = {}
    for lane in lanes:
        by_priority.setdefault(lane.priority, []).append(lane.share)
    found = [index for values in by_priority.values() if (index := jain(values)) is not None]
    return min(found, default=None)


def most_overtaken(stands: Iterable[Stand]) -> int:
    """See the module."""
    return max((stand.passed_most for stand in stands), default=0)


class Durations:
    """How long readers are lent, by group: a running mean that follows the day."""

    def __init__(self) -> None:
        self._means: dict[str, tuple[int, float]] = {}

    def note(self, group: str, lent_us: int) -> None:
        """A lease is over."""
        count, mean = self._means.get(group, (0, 0.0))
        count = min(count + 1, _MEAN_OVER)
        self._means[group] = (count, mean + (lent_us - mean) / count)

    def mean_us(self, group: str) -> int | None:
        """The group's mean, or that of all while it has none; None while nothing is known."""
        known = self._means.get(group)
        if known is not None:
            return round(known[1])
        means = [mean for _, mean in self._means.values()]
        return round(sum(means) / len(means)) if means else None

    def expected_us(self, position: int, present: Iterable[tuple[str, int]]) -> int | None:
        """How long who has that place waits, where so many readers of each group come free for him again and again."""
        per_us = 0.0
        for group, count in present:
            mean = self.mean_us(group)
            if mean is None:
                return None
            per_us += count / max(mean, 1)
        return round(position / per_us) if per_us else None


def _share(lane: str, stands: Sequence[Stand]) -> Share:
    waited = waits(stands)
    turns = sum(stand.served for stand in stands)
    return Share(
        lane, turns, len(stands) - turns, sum(stand.passed_by for stand in stands), waited.median_us,
        waited.longest_us, stands[-1].priority,
    )  # fmt: skip


def _percentile(ordered: Sequence[int], percent: int) -> int:
    """Nearest rank."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else 0
