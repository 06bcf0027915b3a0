"""Who runs when. Chains take turns within each round, so that whatever the machine does meets all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import CpuClock, cpu_s

__all__ = ["LANES", "Contender", "Duration", "Phase", "one_each", "run_phase", "run_round"]

LANES = 64


@dataclass(frozen=True)
class Duration:
    """Counted seconds of each phase; each adds about two for start, warm-up and end."""

    one_lane_s: float
    many_lanes_s: float


@dataclass(frozen=True)
class Contender:
    """A chain that is up."""

    name: str
    target: Path
    pids: Mapping[str, Sequence[int]]
    """Processes whose CPU is counted, by name."""
    beside: Mapping[str, Sequence[int]]
    """Processes that are told apart: they are no part of the chain, and take from the machine all the same."""
    lanes: tuple[int, ...] = ()
    """How many lanes it is driven with in a round, one phase for each."""

    @property
    def everyone(self) -> tuple[int, ...]:
        """All its processes."""
        return tuple(pid for pids in (*self.pids.values(), *self.beside.values()) for pid in pids)


@dataclass(frozen=True)
class Phase:
    """What one chain did in one phase."""

    chain: str
    lanes: int
    times_ms: list[float]
    """Each sale's time, as its lane saw it."""
    seconds: float
    cpu_s: dict[str, float]
    """CPU of each of the chain's processes."""
    beside_cpu_s: dict[str, float]
    """CPU of each process beside it, the load's among them."""
    foreign: float
    """Part of the machine that others used, 0 to 1."""
    offered_per_s: float = 0.0
    """Sales that were asked for in an open loop; 0: the loop was closed."""


def run_round(contenders: Sequence[Contender], duration: Duration, ours: Iterable[int]) -> list[Phase]:
    """One phase for each chain and number of lanes. `ours` are all processes of the bench."""
    everyone = tuple(ours)
    phases = [(contender, lanes) for contender in contenders for lanes in contender.lanes]
    phases.sort(key=lambda phase: phase[1])
    return [
        run_phase(contender, lanes, duration.one_lane_s if lanes == 1 else duration.many_lanes_s, everyone)
        for contender, lanes in phases
    ]


def one_each(pids: Mapping[str, int]) -> dict[str, Sequence[int]]:
    """For names that stand for one process each."""
    return {name: (pid,) for name, pid in pids.items()}


def run_phase(
    contender: Contender, lanes: int, seconds: float, ours: Sequence[int], offered_per_s: float = 0.0
) -> Phase:
    """Drive one chain for so long, in a closed loop unless sales are offered at a pace of their own."""
    arguments = [contender.name, str(lanes), str(seconds), str(contender.target)]
    if offered_per_s:
        arguments.append(str(offered_per_s))
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.load", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as load:
        everyone = (*ours, load.pid)
        counted = {**contender.pids, **contender.beside, "load": (load.pid,)}
        _expect(load, "started")
        before, cpu_before = CpuClock.read(everyone), _cpu_s(counted)
        _expect(load, "ended")
        after, cpu_after = CpuClock.read(everyone), _cpu_s(counted)
        assert load.stdout is not None
        told = json.loads(load.stdout.readline())
    used = {name: cpu_after[name] - cpu_before[name] for name in counted}
    return Phase(
        contender.name,
        lanes,
        told["times_ms"],
        after.at_s - before.at_s,
        {name: used[name] for name in contender.pids},
        {name: used[name] for name in counted if name not in contender.pids},
        after.foreign_share(before),
        offered_per_s,
    )


def _cpu_s(processes: Mapping[str, Sequence[int]]) -> dict[str, float]:
    return {name: cpu_s(pids) for name, pids in processes.items()}


def _expect(load: subprocess.Popen[str], word: str) -> None:
    assert load.stdout is not None
    line = load.stdout.readline().strip()
    if line != word:
        load.wait()
        raise RuntimeError(f"the load process said {line!r} instead of {word!r} (exit code {load.returncode})")
