"""The file behind the log: lines are handed over in the event loop and written by a thread of its own.

A write can take seconds on a stalled disk, and a payment must not wait for it. So a line goes into a bounded queue;
the thread collects what a short moment brought, redacts it and writes it at once, which also spares a wake-up per
line. When the queue is full or the disk refuses, lines are dropped and counted, never waited for.

Rotated files keep the name they got (`gateway.20260131T120000Z.jsonl`, UTC): a log shipper can resume by name.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from tpayd.kit.clock import Clock
from tpayd.kit.redaction import redact_line

__all__ = ["LogFile", "Retention"]

_QUEUE_MAX_LINES = 10_000
_COLLECT_S = 0.02
"""How long the writer waits for company before it writes. A killed process loses at most this much of its log."""
_BATCH_BYTES = 256 * 1024
"""Written at once; a file is larger than its limit by this at most."""
_CLOSE_WAIT_S = 2.0
_DAY_S = 86_400
_SWEEP_EVERY_S = 3600
"""A process that logs little rotates seldom, and its old files must go all the same."""


class Retention(Struct, frozen=True):
    """When a log file is rotated, and how long rotated ones stay."""

    file_bytes: int = 16 * 1024 * 1024
    keep_days: int = 7
    files_max: int = 32
    keep_bytes: int = 512 * 1024 * 1024
    """Of all rotated files of a process; the oldest goes first."""


class LogFile:
    """One service's log file, `<directory>/<service>.jsonl`, mode 0640."""

    def __init__(self, directory: Path, service: str, clock: Clock, retention: Retention) -> None:
        """Opens the file. Raises OSError."""
        self.retention = retention
        self.dropped_lines = 0
        """Lines lost to a full queue or a refusing disk."""
        self._directory = directory
        self._service = service
        self._path = directory / f"{service}.jsonl"
        self._clock = clock
        self._lines: deque[str | bytes] = deque()
        """Text is redacted before it is written, bytes are clean."""
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._file: BinaryIO | None = self._open()
        self._swept: tuple[Retention, float]
        self._sweep()
        self._thread = threading.Thread(target=self._write_until_closed, name="log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Queue one line of JSON, without its newline."""
        self._queue(line)

    def write_clean(self, line: str) -> None:
        """The same with a line that can hold nothing secret by the way it is made: it is not searched."""
        self._queue(line.encode())

    def _queue(self, line: str | bytes) -> None:
        if len(self._lines) >= _QUEUE_MAX_LINES:
            self.dropped_lines += 1
            return
        self._lines.append(line)
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write what is queued and close; gives up after two seconds."""
        self._closing.set()
        self._wake.set()
        self._thread.join(_CLOSE_WAIT_S)

    def _open(self) -> BinaryIO:
        file = self._path.open("ab", buffering=0)
        with contextlib.suppress(OSError):
            self._path.chmod(0o640)
        return file

    def _write_until_closed(self) -> None:
        while True:
            self._wake.wait()
            self._closing.wait(_COLLECT_S)
            self._wake.clear()
            batch = self._take()
            if batch:
                self._write(batch)
            elif self._closing.is_set():
                break
            if self._lines or self._closing.is_set():
                self._wake.set()
        if self._file is not None:
            self._file.close()

    def _take(self) -> list[bytes]:
        batch: list[bytes] = []
        size = 0
        while self._lines and size < _BATCH_BYTES:
            batch.append(_finished(self._lines.popleft()))
            size += len(batch[-1])
            if len(batch) % 16 == 0:
                time.sleep(0)  # lets the event loop have the interpreter between lines
        return batch

    def _write(self, batch: list[bytes]) -> None:
        data = memoryview(b"".join(batch))
        try:
            if self._file is None:
                self._file = self._open()
            if self._file.tell() > 0 and self._file.tell() + len(data) > self.retention.file_bytes:
                self._rotate()
            elif self._is_sweep_due():
                self._sweep()
            while data:
                data = data[self._file.write(data) or 0 :]
        except OSError:
            # Full or failing disk: these lines are lost, the next batch tries again with a fresh handle.
            self.dropped_lines += len(batch)
            if self._file is not None:
                with contextlib.suppress(OSError):
                    self._file.close()
            self._file = None

    def _rotate(self) -> None:
        assert self._file is not None  # noqa: S101  _write has opened it
        self._file.close()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock.unix_ms() / 1000))
        target = self._directory / f"{self._service}.{stamp}.jsonl"
        number = 1
        while target.exists():
            number += 1
            target = self._directory / f"{self._service}.{stamp}-{number}.jsonl"
        self._path.rename(target)
        self._file = self._open()
        self._sweep()

    def _is_sweep_due(self) -> bool:
        """Whether other limits hold now than at the last sweep, or it is a while ago."""
        retention, at_s = self._swept
        return retention != self.retention or abs(self._clock.unix_ms() / 1000 - at_s) >= _SWEEP_EVERY_S

    def _sweep(self) -> None:
        """Delete rotated files that are too old, too many or too large together."""
        retention, now_s = self.retention, self._clock.unix_ms() / 1000
        self._swept = (retention, now_s)
        oldest_s = now_s - retention.keep_days * _DAY_S
        kept_bytes = 0
        with contextlib.suppress(OSError):
            rotated = sorted(self._directory.glob(f"{self._service}.*.jsonl"), key=_modified_s, reverse=True)
            for index, path in enumerate(rotated):
                kept_bytes += path.stat().st_size
                over = index >= retention.files_max or kept_bytes > retention.keep_bytes
                if over or _modified_s(path) < oldest_s:
                    path.unlink(missing_ok=True)


def _modified_s(path: Path) -> float:
    return path.stat().st_mtime


def _finished(line: str | bytes) -> bytes:
    if isinstance(line, bytes):
        return line + b"\n"
    try:
        return redact_line(line).encode("utf-8", "replace") + b"\n"
    except Exception as error:
        # What cannot be redacted must not be written, and must not end the thread either.
        return b'{"event":"log.line_lost","level":"error","reason":"%s"}\n' % type(error).__name__.encode()
