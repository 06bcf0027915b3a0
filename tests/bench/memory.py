"""`python -m tests.bench.memory [--minutes 60] [--lanes 8] [--per-s 60] [--json FILE]`: is memory flat under load?

A store with the virtual host and readers sells all the time: so much a second, on a timetable of random gaps, or with
`--per-s 0` as fast as it can. Each process's private memory (`RssAnon` of /proc/<pid>/status: what it cannot give back)
is noted every 10 s. A process fills its caches first (the payments that it remembers, SQLite's pages), so growth is
counted over the second half: the least-squares slope, times its length. It is flat if that is below `GROWTH_MAX_MIB` or
`GROWTH_MAX` of what it had. The file holds each look at each process; the exit status is 1 where one grows.

The last line of the output is for scripts:
`bench-memory: sales=… minutes=… flat=… worst=… worst_growth_mib=… transaction_mib=…`
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import chain

__all__ = ["Course", "main", "measure"]

GROWTH_MAX_MIB = 4.0
"""The allocator's own coming and going."""
GROWTH_MAX = 0.05
_EVERY_S = 10.0
_TOLD_EVERY = 30
"""Looks between two lines of output: an hour should not be silent."""
_RESULT = Path("var/bench-memory.json")
_RSS_ANON = re.compile(r"^RssAnon:\s+(\d+) kB$", re.MULTILINE)
_KIB_PER_MIB = 1024


@dataclass(frozen=True)
class Course:
    """What one process had, at equal intervals, in MiB."""

    mib: Sequence[float]

    @property
    def growth_mib(self) -> float:
        """Over the second half."""
        half = self.mib[len(self.mib) // 2 :]
        if len(half) < 2:
            return 0.0
        return statistics.linear_regression(range(len(half)), half).slope * (len(half) - 1)

    @property
    def is_flat(self) -> bool:
        return self.growth_mib <= max(GROWTH_MAX_MIB, GROWTH_MAX * self.mib[len(self.mib) // 2])


def private_mib(pid: int) -> float:
    """A process's private memory. Raises OSError where it is gone."""
    found = _RSS_ANON.search(Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / _KIB_PER_MIB if found else 0.0


def measure(
    directory: Path, lanes: int, seconds: float, per_s: float = 0.0, every_s: float = _EVERY_S
) -> tuple[Mapping[str, Course], int]:
    """The course of each process of a store that sells for so long, and how many sales it made.

    Raises RuntimeError where the load ends early: a sale was not paid, or had no answer.
    """
    with chain.started(directory, lanes) as store:
        pids = {**store.daemon, **store.sandbox}
        courses: dict[str, list[float]] = {name: [] for name in pids}
        pace = [str(per_s)] if per_s else []
        load = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load", "chain", str(lanes), str(seconds), str(store.home), *pace],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        began = time.monotonic()
        for look in range(1, int(seconds / every_s) + 1):
            time.sleep(max(0.0, began + every_s * look - time.monotonic()))
            if load.poll() is not None:
                raise RuntimeError(f"the load ended after {time.monotonic() - began:.0f} of {seconds:.0f} s")
            for name, pid in pids.items():
                courses[name].append(private_mib(pid))
            if look % _TOLD_EVERY == 0:
                now = ", ".join(f"{name} {course[-1]:.1f}" for name, course in courses.items())
                print(f"after {every_s * look / 60:.0f} minutes, MiB: {now}", flush=True)
        told, _ = load.communicate()
        if load.returncode:
            raise RuntimeError("the load ended in the middle")
    sales = len(json.loads(told.splitlines()[-1])["times_ms"])
    return {name: Course(mib) for name, mib in courses.items()}, sales


def main() -> int:
    """Measure and print; exit status 1 where something grows."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--per-s", type=float, default=60.0, help="sales a second; 0: as many as the lanes make")
    parser.add_argument("--json", type=Path, default=_RESULT, help="result file (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tpayd-memory-") as name:
        courses, sales = measure(Path(name), options.lanes, options.minutes * 60, options.per_s)
    for process, course in courses.items():
        quarters = [course.mib[len(course.mib) * at // 4] for at in range(4)] + [course.mib[-1]]
        verdict = "flat" if course.is_flat else "GROWS"
        print(f"{process:16}{' '.join(f'{mib:7.1f}' for mib in quarters)} MiB  {course.growth_mib:+.2f} MiB  {verdict}")
    result = {
        "minutes": options.minutes, "lanes": options.lanes, "asked_per_s": options.per_s, "sales": sales,
        "every_s": _EVERY_S, "growth_max_mib": GROWTH_MAX_MIB, "growth_max": GROWTH_MAX,
        "processes": {
            process: {"flat": course.is_flat, "growth_mib": round(course.growth_mib, 3), "private_mib": course.mib}
            for process, course in courses.items()
        },
    }  # fmt: skip
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    worst = max(courses, key=lambda process: courses[process].growth_mib)
    flat = all(course.is_flat for course in courses.values())
    print(
        f"bench-memory: sales={sales} minutes={options.minutes:g} flat={str(flat).lower()} worst={worst} "
        f"worst_growth_mib={courses[worst].growth_mib:.2f} transaction_mib={courses['transaction'].mib[-1]:.0f}"
    )
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
