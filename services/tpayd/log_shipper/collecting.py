"""The log files as they are at one moment, while others write and rotate them.

A file is held open from then on: whatever it is called later, and even if retention deletes it, its bytes stay. The
file that is being written comes before the rotated ones: should it be rotated in between, it is found twice, and
counted once. The other way round a whole file could be missed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from tpayd_contracts.logs import LogUse

__all__ = ["Slice", "cut", "found_logs", "log_use", "newest_within", "service_of"]

_BLOCK_BYTES = 1024 * 1024
_KNOWN = re.compile(r"[A-Za-z0-9_-]+(?:\.[0-9TZ-]+)?\.(?:jsonl|stderr|log)(?:\.[0-9]{1,2})?")
"""`gateway.jsonl`, `gateway.20260131T120000Z.jsonl`, `gateway.stderr`, `supervisord.log.1`."""
_TIME = slice(9, 33)
"""Where a line has its time: `{"time":"2026-01-31T12:00:00.000Z",…`."""
_TIME_HEAD = b'{"time":"'


@dataclass(frozen=True, eq=False)
class Slice:
    """A part of one log file."""

    file: BinaryIO
    name: str
    start: int
    end: int
    modified_s: float

    @property
    def service(self) -> str:
        return service_of(self.name)

    @property
    def size_bytes(self) -> int:
        return self.end - self.start

    def blocks(self) -> Iterator[bytes]:
        """Its bytes. Shorter than `size_bytes` if the file was cut meanwhile."""
        at = self.start
        while at < self.end:
            block = os.pread(self.file.fileno(), min(_BLOCK_BYTES, self.end - at), at)
            if not block:
                return
            at += len(block)
            yield block


def service_of(name: str) -> str:
    """The process that a log file is of."""
    return name.partition(".")[0]


def found_logs(directory: Path, services: Collection[str], stack: ExitStack) -> list[Slice]:
    """All log files (of `services`, if any are named), open until `stack` ends. Raises OSError."""
    slices: list[Slice] = []
    seen: set[tuple[int, int]] = set()
    for path in _listed(directory, services):
        if path.name.count(".") == 1:  # one that is being written
            _open(path, slices, seen, stack)
    opened = {one.name for one in slices}
    # Listed again: what was rotated since the first look has a new name, and its old one is another's.
    for path in _listed(directory, services):
        if path.name not in opened:
            _open(path, slices, seen, stack)
    return slices


def cut(slices: Sequence[Slice], since_ms: int | None, until_ms: int | None) -> list[Slice]:
    """Whole lines from the first that is not before `since_ms` to the last that is not after `until_ms`.

    Lines without a time belong to those around them; a file without any counts by when it was last written to.
    """
    found = [_cut(one, since_ms, until_ms) for one in slices]
    return [one for one in found if one.size_bytes]


def newest_within(slices: Sequence[Slice], limit_bytes: int) -> tuple[list[Slice], list[Slice]]:
    """Those that fit into the limit, newest first taken, and those left out; both in order of their names."""
    kept: list[Slice] = []
    left: list[Slice] = []
    total = 0
    for one in sorted(slices, key=lambda one: one.modified_s, reverse=True):
        total += one.size_bytes
        (kept if total <= limit_bytes else left).append(one)
    return sorted(kept, key=lambda one: one.name), sorted(left, key=lambda one: one.name)


def _listed(directory: Path, services: Collection[str]) -> list[Path]:
    return sorted(
        path
        for path in directory.iterdir()
        if _KNOWN.fullmatch(path.name) and (not services or service_of(path.name) in services)
    )


def _open(path: Path, slices: list[Slice], seen: set[tuple[int, int]], stack: ExitStack) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:  # retention took it, or it has another name by now
        return
    file = stack.enter_context(os.fdopen(descriptor, "rb", buffering=0))
    about = os.fstat(descriptor)
    if (about.st_dev, about.st_ino) in seen:
        return
    seen.add((about.st_dev, about.st_ino))
    whole = Slice(file, path.name, 0, about.st_size, about.st_mtime)
    slices.append(replace(whole, end=_last_line_end(whole)))


def _last_line_end(whole: Slice) -> int:
    """Behind the last whole line: what is being written now is for the next bundle."""
    end = whole.end
    while end > 0:
        start = max(0, end - _BLOCK_BYTES)
        at = os.pread(whole.file.fileno(), end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return whole.end


def _cut(whole: Slice, since_ms: int | None, until_ms: int | None) -> Slice:
    if since_ms is None and until_ms is None:
        return whole
    since, until = _stamp(since_ms), _stamp(until_ms) or b"~"
    start: int | None = None
    end = at = 0
    any_time = False
    for line in _lines(whole):
        at += len(line)
        if not line.startswith(_TIME_HEAD):
            if start is not None and end == at - len(line):
                end = at
            continue
        any_time = True
        time = line[_TIME]
        if time < since:
            continue
        if start is None and time <= until:
            start = at - len(line)
        if time <= until:
            end = at
    if not any_time:
        modified_ms = whole.modified_s * 1000
        return whole if modified_ms >= (since_ms or 0) else replace(whole, end=whole.start)
    return replace(whole, start=start or 0, end=end if start is not None else start or 0)


def _lines(whole: Slice) -> Iterator[bytes]:
    rest = b""
    for block in whole.blocks():
        lines = (rest + block).splitlines(keepends=True)
        rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        yield from lines
    if rest:
        yield rest


def _stamp(unix_ms: int | None) -> bytes:
    if unix_ms is None:
        return b""
    at = datetime.fromtimestamp(unix_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()


def log_use(directory: Path) -> list[LogUse]:
    """What is kept of each process's logs (T22)."""
    sizes: dict[str, list[tuple[int, float]]] = {}
    for path in _listed(directory, ()):
        try:
            about = path.stat()
        except FileNotFoundError:
            continue
        sizes.setdefault(service_of(path.name), []).append((about.st_size, about.st_mtime))
    return [
        LogUse(service, len(files), sum(size for size, _ in files), int(min(at for _, at in files) * 1000))
        for service, files in sorted(sizes.items())
    ]
