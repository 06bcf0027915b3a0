"""The process that plays all POS: `python -m tests.bench.overload.load <home> <lanes> <phase>…`.

A phase is `closed:<lanes>:<seconds>` (each lane sells again as soon as it has its answer) or `open:<per s>:<seconds>`
(a timetable of random gaps, kept whether or not anybody answers; each sale takes a lane that is free). Phases follow
each other without a pause. `phase <name>` is printed as each begins, `ended` when all have ended; then, when every
answer has come, one JSON array of tallies.
"""

from __future__ import annotations

import select
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.bench.overload.tally import Sale, Tally
from tests.bench.overload.till import Till
from tests.bench.pace import Due, due_times

__all__ = ["LANES_PER_TILL", "till_name"]

LANES_PER_TILL = 8
_ANSWER_WAIT_S = 20.0
_FIRST_AMOUNT = 10_100
_AMOUNTS = 800
"""Amounts go around in a range whose last four digits steer no virtual host."""


def till_name(number: int) -> str:
    """How the bench registers its clients."""
    return f"till-{number}"


class Load:
    """All lanes of a store, and who is free."""

    def __init__(self, home: Path, lanes: int) -> None:
        names = [str(lane) for lane in range(1, lanes + 1)]
        self._free: deque[str] = deque(names)
        self._tills: dict[str, Till] = {}
        self._epoll = select.epoll()
        self._by_number: dict[int, Till] = {}
        self._again: set[str] = set()
        self._sold = 0
        self.tallies: list[Tally] = []
        for number, begin in enumerate(range(0, lanes, LANES_PER_TILL), 1):
            till = Till(home, till_name(number), names[begin : begin + LANES_PER_TILL], self._ended)
            self._epoll.register(till.wire.fileno(), select.EPOLLIN)
            self._by_number[till.wire.fileno()] = till
            self._tills |= dict.fromkeys(till.lanes, till)

    def closed(self, name: str, lanes: int, seconds: float) -> None:
        """So many lanes, each after its own answers. The others stay idle."""
        while any(till.open for till in self._by_number.values()):
            self._take(0.01)
        tally = self._begin(name, seconds)
        self._again = set(list(self._tills)[:lanes])
        for lane in [lane for lane in self._free if lane in self._again]:
            self._free.remove(lane)
            self._sell(tally, lane, time.monotonic_ns())
        while time.monotonic_ns() < tally.ended_ns:
            self._take(0.01)
        self._again = set()

    def open(self, name: str, per_s: float, seconds: float) -> None:
        """A timetable of so many sales a second."""
        tally = self._begin(name, seconds)
        due = Due(due_times(per_s), tally.began_ns, tally.ended_ns)
        while (now_ns := time.monotonic_ns()) < tally.ended_ns:
            while (due_ns := due.take(now_ns)) is not None:
                if self._free:
                    self._sell(tally, self._free.popleft(), due_ns)
                else:
                    tally.asked += 1
                    tally.no_lane += 1
            self._take(due.wait_s(time.monotonic_ns()))

    def finish(self) -> None:
        """Wait for every answer that is still out; what never comes stands in its tally without one."""
        until_s = time.monotonic() + _ANSWER_WAIT_S
        while any(till.open for till in self._by_number.values()) and time.monotonic() < until_s:
            self._take(0.1)

    def _begin(self, name: str, seconds: float) -> Tally:
        began_ns = time.monotonic_ns()
        self.tallies.append(Tally(name, began_ns, began_ns + int(seconds * 1e9), 0, 0))
        print(f"phase {name}", flush=True)
        return self.tallies[-1]

    def _sell(self, tally: Tally, lane: str, due_ns: int) -> None:
        self._sold += 1
        amount = _FIRST_AMOUNT + self._sold % _AMOUNTS
        tally.asked += 1
        tally.sales.append(self._tills[lane].send(lane, amount, due_ns))

    def _ended(self, sale: Sale) -> None:
        if sale.lane in self._again:
            self._sell(self.tallies[-1], sale.lane, time.monotonic_ns())
        else:
            self._free.append(sale.lane)

    def _take(self, wait_s: float) -> None:
        # Waiting for the epoll instead of in it: its own limit is in whole milliseconds.
        if select.select([self._epoll], [], [], wait_s)[0]:
            for number, _ in self._epoll.poll(0):
                self._by_number[number].receive()


def main(home: str, lanes: str, phases: Sequence[str]) -> None:
    """Play the phases."""
    load = Load(Path(home), int(lanes))
    for number, phase in enumerate(phases):
        kind, much, seconds = phase.split(":")
        if kind == "closed":
            load.closed(f"{number}-{kind}", int(much), float(seconds))
        else:
            load.open(f"{number}-{kind}", float(much), float(seconds))
    print("ended", flush=True)
    load.finish()
    sys.stdout.write(msgspec.json.encode(load.tallies).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
