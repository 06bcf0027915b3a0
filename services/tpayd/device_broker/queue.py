"""Those who wait for a reader: who is next, who has no hope left, and what each is told of his place. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tpayd.device_broker.figures import Durations, Figures, Stand
from tpayd.device_broker.leases import Hopeless, Moved, Ticket
from tpayd.device_broker.seats import Seat, Seats
from tpayd.device_broker.turns import Turns, Waiting

__all__ = ["Queue"]

_RETOLD_US = 5_000_000
"""An expected wait is told anew, without a new place, if it has changed by this and by a quarter."""


class Queue:
    """See the module. What becomes of each wish is noted in `figures`."""

    def __init__(self, seats: Seats, turns: Turns, durations: Durations, figures: Figures) -> None:
        self._seats = seats
        self._turns = turns
        self._durations = durations
        self._figures = figures
        self._waiting: dict[int, Waiting] = {}
        self.changed = False
        """Whether places or expected waits may have changed since they were told."""

    def __len__(self) -> int:
        return len(self._waiting)

    def for_any(self, readers: int) -> list[Waiting]:
        """Those who wait for one of these readers, in the order of their coming."""
        return [waiting for waiting in self._waiting.values() if waiting.reach & readers]

    # Coming and going

    def join(self, ticket: Ticket, reach: int, now_us: int) -> None:
        """Somebody has to wait for one of these readers."""
        self._waiting[ticket.number] = Waiting(ticket, now_us, self._turns.number, reach)
        self.changed = True

    def give_up(self, number: int, now_us: int) -> bool:
        """A wish is taken back; False if it is not waiting (any more)."""
        waiting = self._leave(number)
        if waiting is None:
            return False
        self._note(waiting, self._seats.preferred(waiting.ticket), now_us, served=False)
        return True

    def next(self, seat: Seat, now_us: int) -> Waiting | None:
        """Who gets this reader, if anybody waits for it; he leaves the queue."""
        if not self._waiting:
            return None
        fitting = self.for_any(seat.bit)
        served = self._turns.next(fitting)
        if served is not None:
            self._leave(served.ticket.number)
            for waiting in fitting:
                waiting.passed(served.ticket.lane)
            self._note(served, seat.group, now_us, served=True)
        return served

    def passed_by_nobody(self, ticket: Ticket, group: str, now_us: int) -> None:
        """Somebody got a reader without waiting."""
        if ticket.only is None:
            priority = self._seats.rules_of(ticket.lane).priority
            self._figures.note(Stand(now_us, ticket.lane, group, 0, priority=priority))

    # Hope

    def look_again(self) -> None:
        """The readers, the rules or the bars have changed."""
        for waiting in self._waiting.values():
            waiting.reach = self._seats.open(waiting.ticket)
        self.changed = True

    def out_of_reach(self) -> Iterator[Hopeless]:
        """Take out those for whom no reader is left."""
        for waiting in [waiting for waiting in self._waiting.values() if not waiting.reach]:
            self._leave(waiting.ticket.number)
            barred = self._seats.names(self._seats.reach(waiting.ticket))
            yield Hopeless(waiting.ticket, barred, gone=not barred)

    def hopeless(self, now_us: int, grace_us: int) -> Iterator[Hopeless]:
        """Take out those for whom every reader has been absent for so long."""
        for waiting in [waiting for waiting in self._waiting.values() if self._seats.all_absent(waiting.reach)]:
            since_us = max(seat.since_us for seat in self._seats.named(waiting.reach))
            if now_us - max(since_us, waiting.since_us) >= grace_us:
                self._leave(waiting.ticket.number)
                yield Hopeless(waiting.ticket)

    # Places

    def moved(self) -> Iterator[Moved]:
        """What is new of each place: before him is who is served earlier by a reader that both could use."""
        if not self.changed:
            return
        self.changed = False
        before: Counter[int] = Counter()
        for waiting in self._turns.in_turn(self._waiting.values()):
            position = 1 + sum(count for reach, count in before.items() if reach & waiting.reach)
            before[waiting.reach] += 1
            expected_us = self._durations.expected_us(position, self._seats.present(waiting.reach))
            moved = Moved(waiting.ticket, position, expected_us)
            if _is_news(waiting.told, moved):
                waiting.told = moved
                yield moved

    def _leave(self, number: int) -> Waiting | None:
        self.changed = True
        return self._waiting.pop(number, None)

    def _note(self, waiting: Waiting, group: str, now_us: int, *, served: bool) -> None:
        ticket = waiting.ticket
        if ticket.only is None:
            stand = Stand(
                now_us, ticket.lane, group, now_us - waiting.since_us, waiting.stood, waiting.passed_most, served,
                self._seats.rules_of(ticket.lane).priority,
            )  # fmt: skip
            self._figures.note(stand)


def _is_news(told: Moved | None, now: Moved) -> bool:
    if told is None or told.position != now.position:
        return True
    before_us, now_us = told.expected_wait_us, now.expected_wait_us
    if before_us is None or now_us is None:
        return before_us is not now_us
    return abs(now_us - before_us) >= max(_RETOLD_US, before_us // 4)
