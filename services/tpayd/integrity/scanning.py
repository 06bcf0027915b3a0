"""Runs `scan` as a process of its own, within a limit of time and of output."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from tpayd.integrity import scan
from tpayd.integrity.errors import ScanError
from tpayd.integrity.manifest import MANIFEST_NAMES, FileEntry

__all__ = ["SHOWN_MAX", "Progress", "Scan", "ScanResult"]

SHOWN_MAX = 100
"""Findings that are named; the others are counted."""
_OUTPUT_MAX_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 65_536

Progress = Callable[[int, int], None]
"""Files compared, files listed."""


class ScanResult(Struct, frozen=True):
    """What came of it."""

    findings: tuple[tuple[str, str], ...]
    """(what, path): the first `SHOWN_MAX`."""
    found: int
    """All findings."""
    files: int
    """Files compared."""
    bytes: int


class Scan:
    """One comparison. `run` is for a thread of its own; `kill` ends it from another."""

    def __init__(self, root: Path, files: Mapping[str, FileEntry], links: Mapping[str, str]) -> None:
        self._task = {
            "root": str(root),
            "files": {path: (entry.size, entry.sha256) for path, entry in files.items()},
            "links": dict(links),
            "skipped": sorted(MANIFEST_NAMES.values()),
            "shown_max": SHOWN_MAX,
        }
        self._child: subprocess.Popen[bytes] | None = None
        self._killed = False

    def run(self, *, limit_s: float, nice: int = 0, on_progress: Progress | None = None) -> ScanResult:
        """Compare. Raises ScanError."""
        prefix = ("-X", f"pycache_prefix={sys.pycache_prefix}") if sys.pycache_prefix else ()
        task = json.dumps({**self._task, "nice": nice}).encode()
        deadline = time.monotonic() + limit_s
        with subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", *prefix, scan.__file__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", env={},
            start_new_session=True,
        ) as child:  # fmt: skip
            self._child = child
            try:
                if self._killed:
                    child.kill()
                return _result(_Talk(child, task, on_progress).until(deadline))
            finally:
                child.kill()
                self._child = None

    def kill(self) -> None:
        """End it; `run` raises ScanError."""
        self._killed = True
        child = self._child
        if child is not None:
            with contextlib.suppress(OSError):
                child.kill()


class _Talk:
    """Sends the task and hears the answer, both at once: each end would wait for the other on a full pipe."""

    def __init__(self, child: subprocess.Popen[bytes], task: bytes, on_progress: Progress | None) -> None:
        assert child.stdin is not None  # noqa: S101 (both are pipes)
        assert child.stdout is not None  # noqa: S101
        self._into, self._out = child.stdin, child.stdout
        self._unsent = memoryview(task)
        self._on_progress = on_progress
        self._partial = b""
        self._heard_bytes = 0
        self._last: Any = None
        self._ended = False

    def until(self, deadline: float) -> Any:
        """The last message. Raises ScanError at the deadline (of `time.monotonic`)."""
        for end in (self._into, self._out):
            os.set_blocking(end.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._into, selectors.EVENT_WRITE)
            selector.register(self._out, selectors.EVENT_READ)
            while not self._ended:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise ScanError("the files could not be compared in time")
                for key, _ in selector.select(left_s):
                    if key.fileobj is self._out:
                        self._hear()
                    elif self._send():
                        selector.unregister(self._into)
                        self._into.close()
        return self._last

    def _send(self) -> bool:
        """Whether all has been sent."""
        try:
            sent = os.write(self._into.fileno(), self._unsent[:_CHUNK_BYTES])
        except BrokenPipeError:
            return True
        self._unsent = self._unsent[sent:]
        return not self._unsent

    def _hear(self) -> None:
        chunk = os.read(self._out.fileno(), _CHUNK_BYTES)
        self._ended = not chunk
        self._heard_bytes += len(chunk)
        if self._heard_bytes > _OUTPUT_MAX_BYTES:
            raise ScanError("the comparison of the files said too much")
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        for line in lines:
            self._last = json.loads(line)
            if self._on_progress is not None and "done" in self._last:
                self._on_progress(self._last["done"], self._last["of"])


def _result(last: Any) -> ScanResult:
    if last is None or "findings" not in last:
        raise ScanError("the comparison of the files ended by itself")
    findings = tuple((what, _printable(path)) for what, path in last["findings"])
    return ScanResult(findings, last["found"], last["files"], last["bytes"])


def _printable(path: str) -> str:
    """A file's name may hold any bytes; what a person or a log reads holds none that control anything."""
    text = path.encode("utf-8", "replace").decode()
    return "".join(char if char.isprintable() else "?" for char in text)
