"""Which program has a port, for the sentence that tells a person what to close. Linux only; best effort."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

__all__ = ["holder_of"]

_LOCK = re.compile(r"^\d+: FLOCK\s+ADVISORY\s+WRITE\s+(\d+)\s+([0-9a-f]+):([0-9a-f]+):(\d+)\s", re.MULTILINE)


def holder_of(path: str) -> str:
    """Name and process id of the program that has locked or opened the port; empty where it cannot be told."""
    try:
        there = Path(path).stat()
    except OSError:
        return ""
    pid = _locking(there) or _opening(there)
    return f"{_name(pid)}, process {pid}" if pid is not None else ""


def _locking(there: os.stat_result) -> int | None:
    with contextlib.suppress(OSError):
        for pid, major, minor, inode in _LOCK.findall(Path("/proc/locks").read_text(encoding="ascii")):
            if int(inode) == there.st_ino and os.makedev(int(major, 16), int(minor, 16)) == there.st_dev:
                return int(pid)
    return None


def _opening(there: os.stat_result) -> int | None:
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            for link in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if link.stat().st_rdev == there.st_rdev:
                        return int(process.name)
    return None


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return (Path("/proc") / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    return "?"
