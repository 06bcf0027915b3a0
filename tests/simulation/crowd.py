"""Many seeds and all planted bugs on all cores."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.planting import Bug, bugs

__all__ = ["Failure", "Find", "hunt_all", "run_all"]

_ROOT = Path(__file__).parents[2]
_CHUNK = 50
BUG_SEEDS_MAX = 1_500
"""A planted bug that so many seeds don't find counts as not found."""


@dataclass(frozen=True)
class Failure:
    """A seed that broke a promise."""

    seed: int
    violations: tuple[str, ...]


@dataclass(frozen=True)
class Find:
    """What became of a planted bug: the seed that found it, or None."""

    bug: Bug
    seed: int | None
    violation: str


def run_all(first: int, count: int, workers: int | None = None) -> Iterator[tuple[int, list[Failure]]]:
    """Run seeds; gives how many are done, and those that failed, as it goes."""
    chunks = [range(at, min(at + _CHUNK, first + count)) for at in range(first, first + count, _CHUNK)]
    done = 0
    # Not forked from whoever asks: a process of the tests has threads.
    apart = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=apart) as pool:
        for chunk, failures in zip(chunks, pool.map(_run_chunk, chunks), strict=True):
            done += len(chunk)
            yield done, failures


def _run_chunk(seeds: range) -> list[Failure]:
    # Imported here, so that whoever only hunts imports nothing of the product.
    from tests.simulation.plan import plan_of
    from tests.simulation.world import run

    outcomes = (run(plan_of(seed)) for seed in seeds)
    return [Failure(outcome.seed, outcome.violations) for outcome in outcomes if outcome.violations]


def hunt_all(workers: int | None = None) -> Iterator[Find]:
    """Look for every planted bug, each in a process of its own."""
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        yield from pool.map(_hunt, bugs())


def _hunt(bug: Bug) -> Find:
    command = [sys.executable, "-W", "ignore", "-m", "tests.simulation.hunt", bug.name, "0", str(BUG_SEEDS_MAX)]
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    try:
        told = json.loads(ended.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return Find(bug, None, ended.stderr.strip()[-2000:])
    return Find(bug, told["seed"], told["violation"] or "")
