"""Which process has died by a fault: read from what supervisor writes about those it runs.

`exited: gateway (terminated by SIGSEGV; not expected)` is a fault; `stopped: gateway (terminated by SIGTERM)` and
`exited: gateway (exit status 0; expected)` are orders. A process that was killed can write nothing itself.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tpayd.kit.durable_file import replace_file

__all__ = ["CrashWatch", "Death", "deaths_in", "may_ship"]

_DIED = re.compile(r"exited: ([A-Za-z0-9_]{1,64}) \(([^;)]{1,100}); not expected\)")
_READ_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Death:
    """One process, and how it ended, in supervisor's words."""

    process: str
    how: str


def deaths_in(text: str) -> list[Death]:
    """All that a piece of supervisor's log tells of."""
    return [Death(match[1], match[2]) for match in _DIED.finditer(text)]


def may_ship(last_ms: int | None, now_ms: int, every_min: int) -> bool:
    """Whether the last bundle after a crash is long enough ago; a clock that was set back counts as long ago."""
    return last_ms is None or not 0 <= now_ms - last_ms < every_min * 60_000


class _Seen(msgspec.Struct):
    inode: int = 0
    offset: int = 0
    last_ms: int | None = None


class CrashWatch:
    """Follows supervisor's log, across rotations and our own restarts."""

    def __init__(self, log_file: Path, record: Path) -> None:
        self._log_file = log_file
        self._record = record
        self._seen = _Seen()
        with contextlib.suppress(OSError, msgspec.DecodeError):
            self._seen = msgspec.json.decode(record.read_bytes(), type=_Seen)
        if not self._seen.inode:
            self._skip_to_end()

    @property
    def last_ms(self) -> int | None:
        """When a bundle was last made after a crash."""
        return self._seen.last_ms

    def look(self) -> list[Death]:
        """Who has died since the last look. Raises OSError."""
        try:
            descriptor = os.open(self._log_file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return []
        try:
            about = os.fstat(descriptor)
            if about.st_ino != self._seen.inode or about.st_size < self._seen.offset:
                self._seen.inode, self._seen.offset = about.st_ino, 0
            data = os.pread(descriptor, _READ_MAX_BYTES, self._seen.offset)
        finally:
            os.close(descriptor)
        end = data.rfind(b"\n") + 1
        if not end:
            return []
        self._seen.offset += end
        self._save()
        return deaths_in(data[:end].decode("utf-8", "replace"))

    def shipped(self, now_ms: int) -> None:
        """A bundle was made for a crash. Raises OSError."""
        self._seen.last_ms = now_ms
        self._save()

    def _skip_to_end(self) -> None:
        """What happened before the first start of all is no news."""
        with contextlib.suppress(OSError):
            about = self._log_file.stat()
            self._seen.inode, self._seen.offset = about.st_ino, about.st_size

    def _save(self) -> None:
        replace_file(self._record, msgspec.json.encode(self._seen), 0o640)
