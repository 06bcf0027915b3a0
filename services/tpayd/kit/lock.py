"""One process per service and instance: flock on run/<service>.lock, released by the kernel whatever ends the process.

A second process would steal the first one's sockets (libzmq lets a bind on an ipc path succeed twice).
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

__all__ = ["AlreadyRunningError", "ServiceLock"]


class AlreadyRunningError(Exception):
    """Another process of this service runs in this instance; the message has its pid."""


class ServiceLock:
    """Held from construction until `close`."""

    def __init__(self, path: Path) -> None:
        """Raises AlreadyRunningError, OSError."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._fd, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            text = f"{path.stem} runs already in this instance, pid {holder}; stop it first"
            raise AlreadyRunningError(text) from None
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())

    def close(self) -> None:
        """Release it. The file stays: removing it would let two processes lock two files of one name."""
        os.ftruncate(self._fd, 0)
        os.close(self._fd)
