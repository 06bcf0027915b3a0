"""Requests that are put off until something of ours is there; each is served then, or told why not."""

from __future__ import annotations

from collections.abc import Callable

from tpayd.kit.bus import CallError, Request
from tpayd.kit.logs import Log
from tpayd_contracts.errors import ErrorCode

__all__ = ["PutOff"]

_MAX = 1_000


class PutOff:
    """A bounded row of requests. For one thread."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._row: list[tuple[Request, Callable[[], None]]] = []

    def put(self, request: Request, serve: Callable[[], None]) -> bool:
        """Have `serve` called at the next `go_on`. False: no more can wait."""
        if len(self._row) >= _MAX:
            return False
        self._row.append((request, serve))
        return True

    def go_on(self) -> None:
        """Serve those that still want an answer, in the order in which they came; one may put itself off again."""
        row, self._row = self._row, []
        for request, serve in row:
            if not request.is_open:
                continue
            # Nobody above catches what a request raises that was put off.
            try:
                serve()
            except CallError as error:
                request.fail(error)
            except Exception:
                self._log.exception("request.put_off_failed", op=request.op, trace=request.trace)
                if request.is_open:
                    request.fail(CallError.unknown(ErrorCode.INTERNAL, "a fault in key_manager; its log has it"))

    def refuse(self, error: CallError) -> None:
        """Tell all of them this."""
        row, self._row = self._row, []
        for request, _ in row:
            if request.is_open:
                request.fail(error)
