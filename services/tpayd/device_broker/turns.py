"""Whose turn it is. Pure.

A lane *waits since* its own last turn, or since it asked, whichever is later. Of those who wait for a reader:

* the lane that was served longest ago is next; within a lane, who came first;
* a lane of higher priority goes before it, unless it has had a turn since any of the others waits.

So while a lane waits, no other lane is served more than once before it by readers that it could use, whatever the
priorities: a lane with a priority wins one turn over each that waits, and never a second one. There is always somebody
whom this lets go first: who was served longest ago.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tpayd.device_broker.leases import Moved, Ticket

__all__ = ["Turns", "Waiting"]


@dataclass(slots=True, eq=False)
class Waiting:
    """One who waits."""

    ticket: Ticket
    since_us: int
    since_turn: int
    reach: int
    """The readers that it may have (`seats`)."""
    told: Moved | None = None
    stood: int = 0
    """Readers that it waits for and others got."""
    passed_most: int = 0
    """The most that one lane got of these between two turns of this one's lane."""
    _passed_by: dict[str, int] = field(default_factory=dict)

    def passed(self, lane: str) -> None:
        """A lane got a reader that this one waits for."""
        if lane == self.ticket.lane:
            self._passed_by.clear()
            return
        self.stood += 1
        times = self._passed_by[lane] = self._passed_by.get(lane, 0) + 1
        self.passed_most = max(self.passed_most, times)


class Turns:
    """Counts turns, and knows each lane's last."""

    def __init__(self, priority_of: Callable[[str], int]) -> None:
        self.number = 0
        self._last: dict[str, int] = {}
        self._priority_of = priority_of

    def take(self, lane: str) -> int:
        """A lane is served. Returns the turn's number."""
        self.number += 1
        self._last[lane] = self.number
        return self.number

    def next(self, waiting: Sequence[Waiting]) -> Waiting | None:
        """Who of these gets the reader that all of them could use; they are in the order of their coming."""
        if not waiting:
            return None
        last = self._last
        longest = min(self._waits_since(one) for one in waiting)
        candidates = [one for one in waiting if last.get(one.ticket.lane, 0) <= longest]
        return min(candidates, key=lambda one: (-self._priority_of(one.ticket.lane), last.get(one.ticket.lane, 0)))

    def in_turn(self, waiting: Iterable[Waiting]) -> list[Waiting]:
        """All of these as they would be served if every reader suited everybody."""
        rounds: list[dict[str, Waiting]] = []
        nth: dict[str, int] = {}
        for one in waiting:
            lane = one.ticket.lane
            place = nth[lane] = nth.get(lane, -1) + 1
            if place == len(rounds):
                rounds.append({})
            rounds[place][lane] = one
        if not rounds:
            return []
        lanes = self._first_round(rounds[0])
        return [served[lane] for served in rounds for lane in lanes if lane in served]

    def _first_round(self, first: dict[str, Waiting]) -> list[str]:
        by_wait = sorted(first, key=lambda lane: self._waits_since(first[lane]))
        arrivals = {lane: number for number, lane in enumerate(first)}
        # With each that goes, those who wait longest are fewer, and lanes that were held back for them may go.
        held_back = sorted(first, key=lambda lane: self._last.get(lane, 0), reverse=True)
        candidates: list[tuple[int, int, int, str]] = []
        order: list[str] = []
        gone: set[str] = set()
        for lane in by_wait:
            while lane not in gone:
                longest = self._waits_since(first[lane])
                while held_back and self._last.get(held_back[-1], 0) <= longest:
                    free = held_back.pop()
                    entry = (-self._priority_of(free), self._last.get(free, 0), arrivals[free], free)
                    heapq.heappush(candidates, entry)
                served = heapq.heappop(candidates)[-1]
                order.append(served)
                gone.add(served)
        return order

    def _waits_since(self, one: Waiting) -> int:
        return max(one.since_turn, self._last.get(one.ticket.lane, 0))
