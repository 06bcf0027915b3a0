"""`python -m tests.bench.matrix [PART…] [--again] [--quick]`: times and rates by load, lanes, journal and host.

Each part is a store of its own with 256 lanes and 64 readers, on SQLite or PostgreSQL, with a host that answers at once
or after 50 ms. In each of three rounds it first sells in closed loops of 1, 8, 64 and 256 lanes; the most it does there
is its capacity. Then sales come at random at 25, 50 and 75 % of that (`tests.bench.pace`), on 256 lanes.

A part takes about three minutes. What it gave is in a JSON file of its own; parts that have one are left out, so an
interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench import chain
from tests.bench.figures import spoiled
from tests.bench.machine import children_of, describe
from tests.bench.rounds import Contender, Phase, one_each, run_phase
from tests.bench.summary import Point, capacity_per_s, point
from tests.harness.postgres import PostgresServer

__all__ = ["DIRECTORY", "PARTS", "Part"]

_LANES = (1, 8, 64, 256)
_LOADS = (0.25, 0.50, 0.75)
DIRECTORY = Path("var/bench-all")


@dataclass(frozen=True)
class Part:
    """One store of the matrix."""

    journal: str
    host_delay_ms: int

    @property
    def name(self) -> str:
        return f"{self.journal}-{self.host_delay_ms}ms"


PARTS = tuple(Part(journal, delay_ms) for delay_ms in (0, 50) for journal in ("sqlite", "postgresql"))


@dataclass(frozen=True)
class Extent:
    """How long it is driven."""

    rounds: int
    closed_s: float
    open_s: float


_FULL = Extent(rounds=3, closed_s=4.0, open_s=8.0)
_QUICK = Extent(rounds=1, closed_s=0.5, open_s=1.0)


def main() -> None:
    """Run the parts that are wanted and not there yet."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.matrix", description=__doc__)
    names = [part.name for part in PARTS]
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(names)} (default: all)")
    parser.add_argument("--again", action="store_true", help="run parts that are there too")
    parser.add_argument("--quick", action="store_true", help="one short round: a first look")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="of the result files (default: %(default)s)")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(names):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    options.directory.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        path = options.directory / f"{part.name}.json"
        if options.parts and part.name not in options.parts:
            continue
        if path.exists() and not options.again:
            print(f"{part.name}: there already ({path}); --again measures it anew")
            continue
        path.write_text(json.dumps(_measured(part, _QUICK if options.quick else _FULL), indent=2) + "\n")
        print(f"{part.name}: written to {path}", flush=True)


def _measured(part: Part, extent: Extent) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="tpayd-bench-") as name:
        machine = describe(Path(name))
        print(f"{part.name}: a store with {_LANES[-1]} lanes starts (about half a minute)", flush=True)
        with _store(part, Path(name)) as contender:
            rounds = [_round(part, contender, extent, number) for number in range(1, extent.rounds + 1)]
    by_point: dict[tuple[int, float], list[Phase]] = defaultdict(list)
    for phases in rounds:
        for load, phase in phases:
            by_point[phase.lanes, load].append(phase)
    points = [point(phases, load) for (_, load), phases in by_point.items()]
    return {
        "machine": asdict(machine),
        "part": asdict(part),
        "rounds": extent.rounds,
        "closed": [asdict(point) for point in points if not point.load],
        "open": [asdict(point) for point in points if point.load],
        "disturbed": spoiled([[phase for _, phase in phases] for phases in rounds]),
    }


@contextmanager
def _store(part: Part, directory: Path) -> Iterator[Contender]:
    """The part's store, selling, with the database server beside it if it has one."""
    if part.journal == "sqlite":
        with chain.started(directory, _LANES[-1], host_delay_ms=part.host_delay_ms) as store:
            yield Contender("chain", store.home, one_each(store.daemon), one_each(store.sandbox))
        return
    with PostgresServer() as server:
        url, delay_ms = server.database(), part.host_delay_ms
        with chain.started(directory, _LANES[-1], journal_url=url, host_delay_ms=delay_ms) as store:
            beside = {**one_each(store.sandbox), "postgresql": (server.pid, *children_of(server.pid))}
            yield Contender("chain", store.home, one_each(store.daemon), beside)


def _round(part: Part, contender: Contender, extent: Extent, number: int) -> list[tuple[float, Phase]]:
    """Closed loops, then open ones at shares of what they gave; each with its load (0: closed)."""
    phases: list[tuple[float, Phase]] = []

    def run(load: float, lanes: int, seconds: float, offered_per_s: float = 0.0) -> None:
        phase = run_phase(contender, lanes, seconds, contender.everyone, offered_per_s)
        phases.append((load, phase))
        _tell(f"{part.name}, round {number} of {extent.rounds}", point([phase], load))

    for lanes in _LANES:
        run(0.0, lanes, extent.closed_s)
    capacity = capacity_per_s([phase for _, phase in phases])
    for load in _LOADS:
        run(load, _LANES[-1], extent.open_s, capacity * load)
    return phases


def _tell(where: str, told: Point) -> None:
    what = f"{told.load:.0%} of capacity" if told.load else f"{told.lanes} lanes"
    times = told.times_ms
    print(
        f"{where}, {what}: {told.per_s.median:,.0f} a second, "
        f"p50 {times.p50:.1f} ms, p99 {times.p99:.1f} ms, p99.9 {times.p999:.1f} ms",
        flush=True,
    )


if __name__ == "__main__":
    main()
