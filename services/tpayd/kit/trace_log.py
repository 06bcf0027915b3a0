"""The line that a process writes for a request which it served under a trace: `request.served`.

At the gateway each request leaves one. Behind it, those that did not end well do, and at level debug all: eight lines a
payment cost a twentieth of the throughput. So a line must not cost what a logger's does either. What is served is
noted, and written a moment later, many at once. Nothing free stands in such a line: an operation and a code of the
contract, a traceparent and a UUID, both checked here. So the line need not be searched for card data, which is the
dearest part.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from tpayd.kit.clock import Clock
from tpayd.kit.logs import LEVELS, LogTarget, iso_time
from tpayd.kit.settings import LogLevel
from tpayd.kit.traceparent import checked
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.shapes import is_request_id

__all__ = ["Served", "TraceLog"]

FLUSH_AFTER_S = 0.1
_AT_ONCE = 256
"""Notes that are written without waiting for company."""


class Served(Protocol):
    """What a line tells of a request (`tpayd.kit.bus.Request`)."""

    @property
    def op(self) -> str: ...

    @property
    def trace(self) -> str | None: ...

    @property
    def parent(self) -> str | None: ...

    @property
    def key(self) -> str | None: ...


_ROUTINE = frozenset({"ok", ErrorCode.BUSY.value})
"""What says nothing about a payment but that it took place, or did not yet. Refusals come by the thousand."""


class TraceLog:
    """Notes of one process, on their way into its log."""

    def __init__(self, target: LogTarget, clock: Clock, *, at_the_door: bool = False) -> None:
        """`at_the_door`: where a trace begins, what ended well is said at level info too."""
        self._target = target
        self._routine: LogLevel = "info" if at_the_door else "debug"
        self._clock = clock
        self._notes: list[tuple[int, LogLevel, str, str, float, str, str | None, str | None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def served(self, request: Served, code: str, seconds: float) -> None:
        """A request with a trace was answered; `code` is `ok` or an error code of the contract."""
        level = self._routine if code in _ROUTINE else "info"
        if self._target.threshold > LEVELS[level] or request.trace is None:
            return
        self._notes.append(
            (self._clock.unix_ms(), level, request.op, code, seconds, request.trace, request.key, request.parent)
        )
        if len(self._notes) >= _AT_ONCE:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self.flush)

    def flush(self) -> None:
        """Hand over what was noted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        notes, self._notes = self._notes, []
        service, write = self._target.service, self._target.write_clean
        second, until_ms = -1, ""
        for unix_ms, level, op, code, seconds, trace, key, parent in notes:
            if checked(trace) is None:
                continue
            more = f',"key":"{key}"' if key is not None and is_request_id(key) else ""
            if parent is not None and checked(parent) is not None:
                more += f',"parent":"{parent}"'
            if unix_ms // 1000 != second:
                # Many lines of one flush are of the same second.
                second, until_ms = unix_ms // 1000, iso_time(unix_ms)[:-4]
            write(
                f'{{"time":"{until_ms}{unix_ms % 1000:03}Z","level":"{level}","service":"{service}",'
                f'"event":"request.served","op":"{op}","code":"{code}","ms":{seconds * 1000:.3f},'
                f'"trace":"{trace}"{more}}}'
            )
