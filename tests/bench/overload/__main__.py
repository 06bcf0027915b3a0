"""`python -m tests.bench.overload [--times 3] [--lanes 200] [--readers 64] [--seconds 8] [--json FILE]`.

First what a whole store can do (64 lanes that each sell again at once); then, in one run, half of that, so many times
as much, and half again. Every request is accounted for, and the three books are compared at the end. The last line of
the output is for scripts; the exit code says whether the promises of docs/performance.md, 'Overload', were kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.bench.machine import CpuClock, cpu_s
from tests.bench.overload.books import disagreements
from tests.bench.overload.load import LANES_PER_TILL, till_name
from tests.bench.overload.report import Report
from tests.bench.overload.tally import Tally
from tests.harness import Store
from tpayd.gateway.clients import ClientRegistry
from tpayd_contracts.operation import Right

_CARD = "visa-tap"
_GENTLE_PER_S = 200
_RESULT = Path("var/bench-overload.json")


@contextmanager
def started(directory: Path, lanes: int, readers: int, settings: dict[str, dict[str, object]]) -> Iterator[Store]:
    """A store that sells, and a client for each eight lanes."""
    with Store(directory, lanes=lanes, readers=readers, settings=settings) as store:
        registry = ClientRegistry.open(store.instance)
        names = [str(lane) for lane in range(1, lanes + 1)]
        for number, begin in enumerate(range(0, lanes, LANES_PER_TILL), 1):
            own = tuple(names[begin : begin + LANES_PER_TILL])
            registry.add(till_name(number), own, Right.POS, local_uid=os.getuid())
        store.open_shop(card=_CARD)
        yield store


class Played(NamedTuple):
    """What a load process counted, and what the machine did meanwhile."""

    tallies: list[Tally]
    used: list[dict[str, float]]
    """CPU seconds of each process, in each phase."""
    foreign: float
    """Part of the machine that others used, 0 to 1."""


def play(store: Store, lanes: int, *phases: str) -> Played:
    """Run a load process."""
    command = [sys.executable, "-m", "tests.bench.overload.load", str(store.instance.home), str(lanes), *phases]
    used: list[dict[str, float]] = []
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as load:
        pids = {name: store[name].pid for name in store.running()} | {"load": load.pid}
        before: dict[str, float] | None = None
        clock, foreign = CpuClock.read(pids.values()), 0.0
        assert load.stdout is not None
        for line in load.stdout:
            if not line.startswith(("phase", "ended")):
                break
            now = {name: cpu_s([pid]) for name, pid in pids.items()}
            if before is None:
                clock = CpuClock.read(pids.values())
            else:
                foreign = CpuClock.read(pids.values()).foreign_share(clock)
                used.append({name: now[name] - before[name] for name in pids})
            before = now
        else:
            raise RuntimeError(f"the load process ended without a tally (exit code {load.wait()})")
    return Played(msgspec.json.decode(line, type=list[Tally]), used, foreign)


def main() -> None:
    """Measure, judge, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.overload", description=__doc__)
    parser.add_argument("--times", type=float, default=3.0, help="load in multiples of capacity (default: %(default)s)")
    parser.add_argument("--lanes", type=int, default=200)
    parser.add_argument("--readers", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each phase (default: %(default)s)")
    parser.add_argument("--in-hand", type=int, help="max_in_hand of transaction, if not the default")
    parser.add_argument("--json", type=Path, default=_RESULT, help="result file (default: %(default)s)")
    options = parser.parse_args()
    settings: dict[str, dict[str, object]] = {}
    if options.in_hand is not None:
        settings["transaction"] = {"max_in_hand": options.in_hand}
    with (
        tempfile.TemporaryDirectory(prefix="tpayd-bench-") as name,
        started(Path(name), options.lanes, options.readers, settings) as store,
    ):
        report = measure(store, options.lanes, options.times, options.seconds)
    for line in report.lines():
        print(line)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report.figures(), indent=2) + "\n")
    print(report.last_line())
    sys.exit(bool(report.broken()))


def measure(store: Store, lanes: int, times: float, seconds: float) -> Report:
    """Capacity first; then, in one run, so much more than that, and half of it."""
    # Every lane has to have sold once: a terminal's first sale takes its numbers from the disk.
    full = play(store, lanes, f"open:{_GENTLE_PER_S}:{lanes / _GENTLE_PER_S * 2}", f"closed:64:{seconds}")
    capacity = full.tallies[1].paid_per_s
    half, more = f"open:{capacity / 2}:{seconds / 2}", f"open:{capacity * times}:{seconds}"
    pressed = play(store, lanes, half, more, half)
    sales = [sale for tally in (*full.tallies, *pressed.tallies) for sale in tally.sales]
    before, overload, after = pressed.tallies
    return Report(
        times, full.tallies[1], before, overload, after, (*full.used[1:], *pressed.used), disagreements(store, sales),
        max(full.foreign, pressed.foreign),
    )  # fmt: skip


if __name__ == "__main__":
    main()
