"""The file in which a client writes a payment's request id before it sends the payment.

A POS that crashes or loses power between 'send' and 'answer' finds here what it must ask about. One JSON object per
line: `{"begin": <request id>, "lane": …, "at": <unix ms>}` and, once there is a verdict, `{"end": <request id>,
"verdict": …}`. A line that was torn by a crash was never acted upon and is skipped. One process per file.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tpayd_client.errors import RequestLogError
from tpayd_client.types import ErrorBody, ErrorCode, Outcome

__all__ = ["FileRequestLog", "OpenRequest", "RequestLog", "default_request_log"]

COMPACT_ABOVE_BYTES = 256 * 1024
"""When a log is opened that is larger than this, only what is still open is kept."""


@dataclass(frozen=True)
class OpenRequest:
    """A payment that was begun and has no verdict on record."""

    lane: str
    request_id: str
    begun_at_ms: int


class RequestLog(Protocol):
    """Where request ids are kept. A POS with a database of its own may pass its own."""

    def begin(self, lane: str, request_id: str) -> None:
        """Durable when it returns. Raises RequestLogError."""

    def end(self, request_id: str, verdict: str) -> None:
        """The payment has a verdict, or certainly had no effect. Losing this line costs one status query.

        So it raises nothing: an error in the verdict's place would say that the payment was not made.
        """

    def unresolved(self) -> tuple[OpenRequest, ...]:
        """Begun and not ended, oldest first."""

    def close(self) -> None:
        """Release the file."""


def default_request_log(client: str) -> Path:
    """A place of its own for each client of each user."""
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "tpayd" / "requests" / f"{client}.jsonl"


class FileRequestLog:
    """Appends and syncs."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._torn = False
        self._open: dict[str, OpenRequest] = {}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._load()
            self._file = self._path.open("ab", buffering=0)
            # A line that a crash has torn must not swallow the next one.
            self._file.write(b"\n")
            _sync_directory(self._path.parent)
        except OSError as error:
            raise _cannot(self._path, error) from error

    def begin(self, lane: str, request_id: str) -> None:
        entry = OpenRequest(lane, request_id, time.time_ns() // 1_000_000)
        with self._lock:
            try:
                self._append({"begin": request_id, "lane": lane, "at": entry.begun_at_ms})
                os.fsync(self._file.fileno())
            except OSError as error:
                raise _cannot(self._path, error, lane, request_id) from error
            self._open[request_id] = entry

    def end(self, request_id: str, verdict: str) -> None:
        with self._lock:
            self._open.pop(request_id, None)
            with contextlib.suppress(OSError):
                self._append({"end": request_id, "verdict": verdict})

    def unresolved(self) -> tuple[OpenRequest, ...]:
        with self._lock:
            return tuple(self._open.values())

    def close(self) -> None:
        self._file.close()

    def _append(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        if self._torn:
            # What a full disk has torn must not swallow this one.
            line = b"\n" + line
        self._torn = True
        if self._file.write(line) != len(line):
            raise OSError("the disk took only a part of the line")
        self._torn = False

    def _load(self) -> None:
        if not self._path.exists():
            return
        for line in self._path.read_bytes().splitlines():
            self._apply(line)
        if self._path.stat().st_size > COMPACT_ABOVE_BYTES:
            self._compact()

    def _apply(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            if "begin" in entry:
                self._open[entry["begin"]] = OpenRequest(entry["lane"], entry["begin"], entry["at"])
            else:
                self._open.pop(entry["end"], None)
        except (ValueError, KeyError, TypeError):
            return

    def _compact(self) -> None:
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            for entry in self._open.values():
                line = {"begin": entry.request_id, "lane": entry.lane, "at": entry.begun_at_ms}
                file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def _sync_directory(path: Path) -> None:
    """Make a new file's name durable; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot(path: Path, error: OSError, lane: str | None = None, request_id: str | None = None) -> RequestLogError:
    text = (
        f"the request log {path} cannot be written ({error}); nothing was sent. "
        "Free the disk, or name another file by `request_log`"
    )
    body = ErrorBody(code=ErrorCode.STORAGE_FAILED, message=text, outcome=Outcome.NOT_STARTED, retryable=True)
    return RequestLogError(body, lane=lane, request_id=request_id)
