"""What the machine did meanwhile: CPU of our processes, CPU of others, and what kind of machine it is."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CpuClock", "Machine", "children_of", "cpu_s", "describe"]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_NS_PER_S = 1e9
_SYNC_TRIES = 50
_IDLE_FIELDS = (3, 4)
"""Of /proc/stat's `cpu` line: idle and iowait."""
_GUEST_FIELDS = 8
"""guest and guest_nice follow; they are counted in user and nice already."""


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds of these processes, all threads, as the scheduler counts them; a process that is gone counts 0."""
    total = 0
    for pid in pids:
        for schedstat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(schedstat.read_text().split()[0])
            except (OSError, IndexError):
                continue
    return total / _NS_PER_S


def children_of(pid: int) -> tuple[int, ...]:
    """The processes that this one has started and that run."""
    return tuple(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@dataclass(frozen=True)
class CpuClock:
    """One look at the clocks of the machine and of our processes."""

    at_s: float
    busy_s: float
    ours_s: float

    @classmethod
    def read(cls, pids: Iterable[int]) -> CpuClock:
        fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        busy = sum(value for index, value in enumerate(fields[:_GUEST_FIELDS]) if index not in _IDLE_FIELDS)
        return cls(time.monotonic(), busy / _TICKS_PER_S, cpu_s([*pids, os.getpid()]))

    def foreign_share(self, before: CpuClock) -> float:
        """Part of the machine that others used since `before`, 0 to 1; the kernel's own threads count as others."""
        capacity = (self.at_s - before.at_s) * (os.cpu_count() or 1)
        foreign = (self.busy_s - before.busy_s) - (self.ours_s - before.ours_s)
        return min(1.0, max(0.0, foreign / capacity)) if capacity > 0 else 0.0


@dataclass(frozen=True)
class Machine:
    """What a figure depends on."""

    cpu: str
    cpus: int
    kernel: str
    python: str
    file_system: str
    sync_us: float
    """Median time of a 4 KiB append with fdatasync where the journals lie."""


def describe(directory: Path) -> Machine:
    """The machine, and how fast `directory`'s disk is."""
    return Machine(
        cpu=_cpu_model(),
        cpus=os.cpu_count() or 1,
        kernel=platform.release(),
        python=platform.python_version(),
        file_system=_file_system(directory),
        sync_us=_sync_us(directory),
    )


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(directory: Path) -> str:
    """The type of the file system with the longest mount point above `directory`."""
    path = str(directory.resolve())
    best, kind = "", "unknown"
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount_point, this_kind, *_ = line.split()
        if (path + "/").startswith(mount_point.rstrip("/") + "/") and len(mount_point) >= len(best):
            best, kind = mount_point, this_kind
    return kind


def _sync_us(directory: Path) -> float:
    path = directory / "sync.probe"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    times = []
    try:
        for _ in range(_SYNC_TRIES):
            began = time.perf_counter()
            os.write(descriptor, bytes(4096))
            os.fdatasync(descriptor)
            times.append((time.perf_counter() - began) * 1e6)
    finally:
        os.close(descriptor)
        path.unlink()
    return round(statistics.median(times), 1)
