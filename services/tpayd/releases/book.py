"""The apply journal on disk: one file, one writer at a time, each line synced before it counts."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tpayd.releases.journal import Attempt, Event, OutOfTurnError, Record, after, decode, encode, fold
from tpayd.releases.layout import Layout, sync_directory

__all__ = ["Book", "DamagedError", "boot_id", "boottime_ms"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SIZE_MAX_BYTES = 1024 * 1024
"""Some thousands of attempts."""


class DamagedError(Exception):
    """The journal cannot be read as it stands. The message says what to do."""


def boot_id() -> str:
    """The kernel's name for the time since it started; a limit of an earlier boot says nothing any more."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def boottime_ms() -> int:
    """Since the machine's start, its sleep included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class Book:
    """The journal of one instance."""

    def __init__(self, layout: Layout) -> None:
        self._path = layout.journal
        self._seen: tuple[int, int] = (-1, -1)
        self._last = Attempt()

    def records(self) -> list[Record]:
        """All that is on disk; what a power cut tore off is left aside. Raises DamagedError, OSError."""
        try:
            return self._decoded(self._path.read_bytes())[0]
        except FileNotFoundError:
            return []

    def attempt(self) -> Attempt:
        """The last attempt; reads the file only where it has changed. Raises DamagedError, OSError."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return Attempt()
        seen = found.st_ino, found.st_size
        if seen != self._seen:
            self._last = self._folded(self.records())
            self._seen = seen
        return self._last

    def write(
        self, event: Event, version: str, *, before: str = "", by: str = "", text: str = "", ready_limit_ms: int = 0,
        trial_ms: int = 0, ready: tuple[str, ...] = (), took_ms: int = 0,
    ) -> Attempt:  # fmt: skip
        """Add an event, synced; the attempt as it is then.

        Raises OutOfTurnError where another event came first, DamagedError, OSError (nothing counts then).
        """
        record = Record(
            event, version, time.time_ns() // 1_000_000, boottime_ms(), boot_id(), before, by, text, ready_limit_ms,
            trial_ms, ready, took_ms,
        )  # fmt: skip
        with self._locked() as descriptor:
            content = _whole(descriptor)
            records, good = self._decoded(content)
            attempt = after(self._folded(records), record)
            line = encode(record)
            os.ftruncate(descriptor, good)
            if good > _SIZE_MAX_BYTES and event is Event.STAGED:
                os.ftruncate(descriptor, good := 0)
            if os.pwrite(descriptor, line, good) != len(line):
                os.ftruncate(descriptor, good)
                raise OSError(f"{self._path} did not take a whole line")
            os.fsync(descriptor)
        sync_directory(self._path.parent)
        return attempt

    def _decoded(self, content: bytes) -> tuple[list[Record], int]:
        try:
            return decode(content)
        except ValueError as error:
            raise DamagedError(f"{self._path}: {error}; {_WAY_OUT}") from error

    def _folded(self, records: list[Record]) -> Attempt:
        try:
            return fold(records)
        except OutOfTurnError as error:
            raise DamagedError(f"{self._path}: {error}; {_WAY_OUT}") from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        self._path.parent.mkdir(mode=0o750, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


_WAY_OUT = "move it away (it is history, and `releases/current` says what runs), then try again"


def _whole(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
