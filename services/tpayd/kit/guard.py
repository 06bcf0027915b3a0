"""The crash-loop guard: a service that keeps dying waits before it serves again, longer each time.

Supervisor restarts at once whatever died after its startsecs. Without a pause, a fault that hits some seconds after
the start would burn the machine and flood log and host line with sign-ons.

A life is short if it served for less than 12 s (five starts a minute). Five short lives in a row are free, since an
operator or a test may cause them; then come waits of 1, 2, 4, 8, 16 and at most 30 s. A clean stop or a longer life
clears the count, as does a reboot.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
from msgspec import Struct

__all__ = ["CrashLoopGuard", "Lives", "next_lives", "wait_s"]

_SHORT_LIFE_MS = 12_000
_FREE_LIVES = 5
_WAITS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Lives(Struct, frozen=True):
    """What is remembered between two lives of a process."""

    boot_id: str
    starts: int
    """Starts in a row, this one included, each after a short life."""
    serving_from_ms: int
    """When this life begins to serve (CLOCK_BOOTTIME)."""


def wait_s(starts: int) -> float:
    """Seconds to wait before the so-manieth start in a row."""
    excess = starts - _FREE_LIVES
    return 0.0 if excess <= 0 else _WAITS_S[min(excess, len(_WAITS_S)) - 1]


def next_lives(before: Lives | None, boot_id: str, now_ms: int) -> Lives:
    """The record of a process that starts now, after the one in `before`."""
    starts = 1
    if before is not None and before.boot_id == boot_id and now_ms - before.serving_from_ms < _SHORT_LIFE_MS:
        starts = before.starts + 1
    return Lives(boot_id, starts, now_ms + int(wait_s(starts) * 1000))


class CrashLoopGuard:
    """Keeps the record in run/<service>.starts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note_start(self, now_ms: int) -> tuple[int, float]:
        """Record this start; the number of starts in a row, and the seconds to wait before serving."""
        before = None
        with contextlib.suppress(OSError, msgspec.DecodeError):
            before = msgspec.json.decode(self._path.read_bytes(), type=Lives)
        boot_id = ""
        with contextlib.suppress(OSError):
            boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
        lives = next_lives(before, boot_id, now_ms)
        with contextlib.suppress(OSError):  # a full disk must not keep a service from starting
            self._path.write_bytes(msgspec.json.encode(lives))
        return lives.starts, wait_s(lives.starts)

    def note_clean_stop(self) -> None:
        """Forget: what was asked to stop did not crash."""
        with contextlib.suppress(OSError):
            self._path.unlink()
