"""Who runs when. Chains take turns within each round, so that whatever the machine does meets all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import CpuClock, cpu_s

__all__ = ["LANES", "Contender", "Duration", "Phase", "run_round"]

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
    pids: Mapping[str, int]
    """Processes whose CPU is counted, by name."""
    beside: Mapping[str, int]
    """Processes that are told apart: they are no part of the chain, and take from the machine all the same."""
    lanes: tuple[int, ...]
    """How many lanes it is driven with, one phase for each."""


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


def run_round(contenders: Sequence[Contender], duration: Duration, ours: Iterable[int]) -> list[Phase]:
    """One phase for each chain and number of lanes. `ours` are all processes of the bench."""
    everyone = tuple(ours)
    phases = [(contender, lanes) for contender in contenders for lanes in contender.lanes]
    phases.sort(key=lambda phase: phase[1])
    return [_run(contender, lanes, duration, everyone) for contender, lanes in phases]


def _run(contender: Contender, lanes: int, duration: Duration, ours: tuple[int, ...]) -> Phase:
    seconds = duration.one_lane_s if lanes == 1 else duration.many_lanes_s
    arguments = [contender.name, str(lanes), str(seconds), str(contender.target)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.load", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as load:
        everyone = (*ours, load.pid)
        counted = {**contender.pids, **contender.beside, "load": load.pid}
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
    )


def _cpu_s(processes: Mapping[str, int]) -> dict[str, float]:
    return {name: cpu_s([pid]) for name, pid in processes.items()}


def _expect(load: subprocess.Popen[str], word: str) -> None:
    assert load.stdout is not None
    line = load.stdout.readline().strip()
    if line != word:
        load.wait()
        raise RuntimeError(f"the load process said {line!r} instead of {word!r} (exit code {load.returncode})")
