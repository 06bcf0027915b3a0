"""`python -m tests.bench.memory [--minutes 60] [--lanes 8]`: whether the memory of each process is flat under load.

A store with the virtual host and readers sells all the time. Each process's private memory (`RssAnon` of
/proc/<pid>/status: what it cannot give back) is noted 120 times. A process fills its caches first (the payments that it
remembers, SQLite's pages), so growth is counted over the second half: the least-squares slope, times its length. It is
flat if that is below `GROWTH_MAX_MIB` and `GROWTH_MAX` of what it had.

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
_LOOKS = 120
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


def measure(directory: Path, lanes: int, seconds: float, looks: int = _LOOKS) -> tuple[Mapping[str, Course], int]:
    """The course of each process of a store that sells for so long, and how many sales it made."""
    with chain.started(directory, lanes) as store:
        pids = {**store.daemon, **store.sandbox}
        courses: dict[str, list[float]] = {name: [] for name in pids}
        load = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load", "chain", str(lanes), str(seconds), str(store.home)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        began = time.monotonic()
        for look in range(1, looks + 1):
            time.sleep(max(0.0, began + seconds * look / looks - time.monotonic()))
            for name, pid in pids.items():
                courses[name].append(private_mib(pid))
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
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tpayd-memory-") as name:
        courses, sales = measure(Path(name), told.lanes, told.minutes * 60)
    for process, course in courses.items():
        quarters = [course.mib[len(course.mib) * at // 4] for at in range(4)] + [course.mib[-1]]
        verdict = "flat" if course.is_flat else "GROWS"
        print(f"{process:16}{' '.join(f'{mib:7.1f}' for mib in quarters)} MiB  {course.growth_mib:+.2f} MiB  {verdict}")
    worst = max(courses, key=lambda process: courses[process].growth_mib)
    flat = all(course.is_flat for course in courses.values())
    print(
        f"bench-memory: sales={sales} minutes={told.minutes:g} flat={str(flat).lower()} worst={worst} "
        f"worst_growth_mib={courses[worst].growth_mib:.2f} transaction_mib={courses['transaction'].mib[-1]:.0f}"
    )
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
