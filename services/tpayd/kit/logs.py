"""Logs: structlog events as JSON lines in log/<service>.jsonl.

    house.log.info("line.signed_on", profile="live", line="a")

The event's name is `subject.what_happened`; everything else is a field. Times are ISO 8601 in UTC. Durations carry
their unit in the name. The standard library's loggers (asyncio, sqlalchemy) end in the same file.

An event below the level in force costs one comparison. Bytes and Structs are never written out: they may hold card
data. What text remains is redacted (`tpayd.kit.redaction`) before it reaches the disk.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from enum import Enum
from pathlib import PurePath
from typing import Protocol, cast
from uuid import UUID

from msgspec import Struct

from tpayd.kit.clock import Clock
from tpayd.kit.settings import LogLevel

# Where rich can be imported structlog does so, for consoles: 80 modules and 50 ms of each process's start.
_rich = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402
from structlog.typing import EventDict, FilteringBoundLogger  # noqa: E402

if _rich is None:
    del sys.modules["rich"]
else:
    sys.modules["rich"] = _rich

__all__ = ["LEVELS", "Log", "LogTarget", "Sink", "bridge_standard_logging", "iso_time", "make_log"]

Log = FilteringBoundLogger
"""The type of a logger."""

LEVELS: dict[LogLevel, int] = {
    "debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR,
}  # fmt: skip
"""Severities, by the names that settings give them."""
_LINE_MAX_CHARS = 32 * 1024


class Sink(Protocol):
    """Where finished lines go."""

    def write(self, line: str) -> None:
        """Take one JSON line; must not block."""

    def write_clean(self, line: str) -> None:
        """Take one JSON line that can hold nothing secret, and need not be searched."""


class LogTarget:
    """The end of every logger of a process: the sink and the level in force, both of which can change at run time."""

    def __init__(self, service: str, clock: Clock, sink: Sink, level: LogLevel = "info") -> None:
        self.service = service
        self.clock = clock
        self.sink = sink
        self.threshold = LEVELS[level]

    def set_level(self, level: LogLevel) -> None:
        """Write events of this severity and above from now on."""
        self.threshold = LEVELS[level]

    def write(self, line: str) -> None:
        """Pass on a finished line."""
        self.sink.write(line)

    def write_clean(self, line: str) -> None:
        """Pass on a line that can hold nothing secret."""
        self.sink.write_clean(line)

    # structlog calls the method that is named after the event's level.
    debug = info = warning = error = critical = write


def make_log(target: LogTarget, **context: object) -> Log:
    """A logger that writes to `target`, with fields that every event carries."""
    return cast("Log", _Leveled(target, (_line,), context))


def bridge_standard_logging(target: LogTarget) -> None:
    """Send what libraries log by the standard library to `target`, warnings and above."""
    root = logging.getLogger()
    root.handlers[:] = [_Bridge(target)]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False


class _Leveled(structlog.BoundLoggerBase):
    """What services use of structlog's filtering logger, with a level that can change while it runs."""

    _logger: LogTarget

    def debug(self, event: str, *args: object, **fields: object) -> None:
        if self._logger.threshold <= logging.DEBUG:
            self._proxy_to_logger("debug", event % args if args else event, **fields)

    def info(self, event: str, *args: object, **fields: object) -> None:
        if self._logger.threshold <= logging.INFO:
            self._proxy_to_logger("info", event % args if args else event, **fields)

    def warning(self, event: str, *args: object, **fields: object) -> None:
        if self._logger.threshold <= logging.WARNING:
            self._proxy_to_logger("warning", event % args if args else event, **fields)

    def error(self, event: str, *args: object, **fields: object) -> None:
        self._proxy_to_logger("error", event % args if args else event, **fields)

    def critical(self, event: str, *args: object, **fields: object) -> None:
        self._proxy_to_logger("critical", event % args if args else event, **fields)

    def exception(self, event: str, *args: object, **fields: object) -> None:
        self.error(event, *args, **{"exc_info": True, **fields})

    def is_enabled_for(self, level: int) -> bool:
        return self._logger.threshold <= level

    def get_effective_level(self) -> int:
        return self._logger.threshold


class _Bridge(logging.Handler):
    """The standard library's way into our file."""

    def __init__(self, target: LogTarget) -> None:
        super().__init__()
        self._target = target

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= self._target.threshold:
            fields: EventDict = {"event": record.getMessage(), "logger": record.name}
            if record.exc_info:
                fields["exc_info"] = record.exc_info
            self._target.write(_line(self._target, record.levelname.lower(), fields))


_format_exception = structlog.processors.ExceptionRenderer()


def _line(target: LogTarget, level: str, fields: EventDict) -> str:
    """One event as one line of JSON. Never raises: a log line is not worth a payment."""
    if fields.get("exc_info"):
        fields = _format_exception(target, level, fields)
    head = {"time": iso_time(target.clock.unix_ms()), "level": level, "service": target.service}
    event = fields.pop("event", "")
    try:
        text = _encode({**head, "event": event, **fields})
    except (TypeError, ValueError, RecursionError) as error:
        text = _encode({**head, "event": str(event), "unencodable": f"{type(error).__name__}: {error}"})
    if len(text) > _LINE_MAX_CHARS:
        text = _encode({**head, "event": str(event)[:256], "cut": text[:_LINE_MAX_CHARS]})
    return text


def iso_time(unix_ms: int) -> str:
    """A moment as it stands in a line: ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: object) -> object:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if isinstance(value, Struct):
        return f"<{type(value).__name__}>"
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(str(one) for one in value)
    if isinstance(value, (UUID, PurePath, datetime, BaseException)):
        return str(value)
    return f"<{type(value).__name__}>"


_encode = json.JSONEncoder(default=_plain, ensure_ascii=False, separators=(",", ":"), skipkeys=True).encode
