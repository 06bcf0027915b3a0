"""The process that plays the POS: one lane after its own answers, or many at once.

`python -m tests.bench.load <chain> <lanes> <seconds> <target>` prints `started` when the warm-up is over, `ended` when
the counted time is, and then one JSON object with what it counted. Sales under way at the end are waited for.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import zmq

from tests.bench.chain_lane import ChainLane
from tests.bench.floor import FloorLane
from tests.bench.plain import PlainLane

_WARM_UP_SALES = 30
_WARM_UP_S = 0.5
_ANSWER_WAIT_MS = 15_000
_NS_PER_MS = 1e6


class ManyLane(Protocol):
    """A lane on a ZeroMQ socket."""

    socket: zmq.Socket[bytes]

    def send(self) -> None: ...
    def receive(self, flags: int = 0) -> bool: ...


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


def many_lanes(lanes: Sequence[ManyLane], seconds: float) -> list[float]:
    """Each lane sells again as soon as it has its answer; times in ms of the sales that ended in the counted time."""
    poller = zmq.Poller()
    by_socket = {lane.socket: lane for lane in lanes}
    began = {}
    for lane in lanes:
        poller.register(lane.socket, zmq.POLLIN)
        lane.send()
        began[lane.socket] = time.perf_counter_ns()
    times: list[float] = []
    counting = False
    now = time.monotonic()
    start, end = now + _WARM_UP_S, now + _WARM_UP_S + seconds
    while began:
        events = poller.poll(_ANSWER_WAIT_MS)
        if not events:
            raise TimeoutError(f"{len(began)} sales without an answer for {_ANSWER_WAIT_MS} ms")
        now = time.monotonic()
        if not counting and start <= now < end:
            counting = True
            print("started", flush=True)
        elif counting and now >= end:
            counting = False
            print("ended", flush=True)
        for socket, _ in events:
            if not _take(by_socket[socket]):
                continue
            ended = time.perf_counter_ns()
            if counting:
                times.append((ended - began[socket]) / _NS_PER_MS)
            if now < end:
                by_socket[socket].send()
                began[socket] = time.perf_counter_ns()
            else:
                del began[socket]
    return times


def _take(lane: ManyLane) -> bool:
    """Take all that has come; whether the sale has ended."""
    done = False
    while True:
        try:
            done = lane.receive(zmq.DONTWAIT) or done
        except zmq.Again:
            return done


def main(chain: str, count: str, seconds: str, target: str) -> None:
    """Drive `count` lanes of a chain."""
    directory = Path(target)
    context = zmq.Context()
    lanes: list[ManyLane]
    if chain == "floor":
        times = one_lane(FloorLane(directory).sell, float(seconds))
    else:
        if chain == "plain":
            lanes = [PlainLane(context, directory, lane) for lane in range(1, int(count) + 1)]
        else:
            lanes = [ChainLane(context, directory, lane) for lane in range(1, int(count) + 1)]
        if len(lanes) == 1:
            times = one_lane(lambda: _sell(lanes[0]), float(seconds))
        else:
            times = many_lanes(lanes, float(seconds))
    print(json.dumps({"times_ms": times}), flush=True)
    context.destroy(linger=0)


def _sell(lane: ManyLane) -> None:
    lane.send()
    while not lane.receive():
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
