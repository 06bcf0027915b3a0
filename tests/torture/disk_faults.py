"""A disk that takes nothing for a while: strace makes a process's own writes fail (ENOSPC or EIO)."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["failing_disk", "why_not"]

_END_WAIT_S = 5.0


@functools.cache
def why_not() -> str:
    """Why disk faults can't be injected here; empty where they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    if os.geteuid() != 0:
        # A service forbids others of its user to look into its memory (PR_SET_DUMPABLE).
        return "only root may trace the services; try `unshare --user --map-root-user`"
    return ""


@contextlib.contextmanager
def failing_disk(pid: int, files: list[Path], error: str) -> Iterator[None]:
    """Every write and sync of these files by this process fails while the block lasts."""
    calls = "pwrite64,fdatasync,fsync,ftruncate"
    places = [part for file in files for part in ("-P", str(file))]
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid), *places]
    command += ["-e", f"trace={calls}", "-e", f"inject={calls}:error={error}"]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        try:
            tracer.wait(_END_WAIT_S)
        except subprocess.TimeoutExpired:
            tracer.kill()
            tracer.wait()
