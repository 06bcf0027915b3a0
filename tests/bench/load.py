"""The process that plays the POS: one lane after its own answers, many at once, or sales at a given pace.

`python -m tests.bench.load <chain> <lanes> <seconds> <target> [<sales per second>]` prints `started` when the warm-up
is over, `ended` when the counted time is, and then one JSON object with what it counted. Sales under way at the end are
waited for. With a pace the loop is open (`tests.bench.pace`).
"""

from __future__ import annotations

import json
import select
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from tests.bench.chain_lane import ChainLane
from tests.bench.floor import FloorLane
from tests.bench.pace import Due, due_times
from tests.bench.plain import PlainLane

_WARM_UP_SALES = 30
_WARM_UP_S = 0.5
_ANSWER_WAIT_S = 15.0
_NS_PER_MS = 1e6
_NS_PER_S = 1e9


class Waited(Protocol):
    """What can be waited for."""

    def fileno(self) -> int: ...


class Lane(Protocol):
    """A till on a wire of its own."""

    @property
    def wire(self) -> Waited: ...

    def send(self) -> None: ...
    def receive(self) -> bool: ...


class Counter:
    """Says when the counted time begins and ends, and keeps the times of the sales that count."""

    def __init__(self, seconds: float) -> None:
        self.begins_ns = time.perf_counter_ns()
        self._start_ns = self.begins_ns + int(_WARM_UP_S * _NS_PER_S)
        self.ends_ns = self._start_ns + int(seconds * _NS_PER_S)
        self.times_ms: list[float] = []
        self._counting = False

    def look(self, now_ns: int) -> None:
        """Say what is to be said by now."""
        if not self._counting and self._start_ns <= now_ns < self.ends_ns:
            self._counting = True
            print("started", flush=True)
        elif self._counting and now_ns >= self.ends_ns:
            self._counting = False
            print("ended", flush=True)

    def ended(self, began_ns: int, now_ns: int) -> None:
        """A sale that counts if it ends in the counted time."""
        if self._counting:
            self.times_ms.append((now_ns - began_ns) / _NS_PER_MS)

    def answered(self, due_ns: int, now_ns: int) -> None:
        """A sale that counts if it was due in the counted time, however late it ends."""
        if self._start_ns <= due_ns < self.ends_ns:
            self.times_ms.append((now_ns - due_ns) / _NS_PER_MS)


def one_lane(sell: Callable[[], None], seconds: float) -> list[float]:
    """Sales one after the other; their times in ms."""
    for _ in range(_WARM_UP_SALES):
        sell()
    print("started", flush=True)
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter_ns()
        sell()
        times.append((time.perf_counter_ns() - began) / _NS_PER_MS)
    print("ended", flush=True)
    return times


def many_lanes(lanes: Sequence[Lane], seconds: float) -> list[float]:
    """Each lane sells again as soon as it has its answer; times in ms of the sales that ended in the counted time."""
    epoll, by_number = _watched(lanes)
    clock = time.perf_counter_ns
    counter = Counter(seconds)
    began = {}
    for number, lane in by_number.items():
        began[number] = clock()
        lane.send()
    while began:
        events = epoll.poll(_ANSWER_WAIT_S)
        if not events:
            raise TimeoutError(f"{len(began)} sales without an answer for {_ANSWER_WAIT_S:.0f} s")
        counter.look(clock())
        for number, _ in events:
            lane = by_number[number]
            if not lane.receive():
                continue
            now = clock()
            counter.ended(began[number], now)
            if now < counter.ends_ns:
                began[number] = now
                lane.send()
            else:
                del began[number]
    counter.look(clock())
    return counter.times_ms


def paced(lanes: Sequence[Lane], seconds: float, per_s: float) -> list[float]:
    """Sales come when they come, whether the chain keeps up or not; a sale's time counts from when it was due.

    A lane sells one thing at a time: with no lane free, sales wait, and their time runs.
    """
    epoll, by_number = _watched(lanes)
    clock = time.perf_counter_ns
    counter = Counter(seconds)
    due = Due(due_times(per_s), counter.begins_ns, counter.ends_ns)
    free = list(by_number)
    began: dict[int, int] = {}
    while True:
        now = clock()
        counter.look(now)
        while free and (next_ns := due.take(now)) is not None:
            number = free.pop()
            began[number] = next_ns
            by_number[number].send()
        if not began and now >= counter.ends_ns:
            return counter.times_ms
        wait_s = due.wait_s(clock()) if free and now < counter.ends_ns else _ANSWER_WAIT_S
        # Waiting for the epoll instead of in it: its own limit is in whole milliseconds.
        if not select.select([epoll], [], [], wait_s)[0]:
            if wait_s == _ANSWER_WAIT_S:
                raise TimeoutError(f"{len(began)} sales without an answer for {_ANSWER_WAIT_S:.0f} s")
            continue
        for number, _ in epoll.poll(0):
            if by_number[number].receive():
                counter.answered(began.pop(number), clock())
                free.append(number)


def _watched(lanes: Sequence[Lane]) -> tuple[select.epoll, dict[int, Lane]]:
    """All wires under one epoll, and the lanes by the number under which it tells of them."""
    epoll = select.epoll()
    by_number = {lane.wire.fileno(): lane for lane in lanes}
    for number in by_number:
        epoll.register(number, select.EPOLLIN)
    return epoll, by_number


def main(chain: str, count: str, seconds: str, target: str, per_s: str = "") -> None:
    """Drive `count` lanes of a chain."""
    directory = Path(target)
    if chain == "floor":
        times = one_lane(FloorLane(directory).sell, float(seconds))
    else:
        kind = PlainLane if chain == "plain" else ChainLane
        lanes: list[Lane] = [kind(directory, lane) for lane in range(1, int(count) + 1)]
        if per_s:
            times = paced(lanes, float(seconds), float(per_s))
        elif len(lanes) == 1:
            times = one_lane(lambda: _sell(lanes[0]), float(seconds))
        else:
            times = many_lanes(lanes, float(seconds))
    print(json.dumps({"times_ms": times}), flush=True)


def _sell(lane: Lane) -> None:
    lane.send()
    while not lane.receive():
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
