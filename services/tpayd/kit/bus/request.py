"""A request being served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Raw, Struct

from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.session import Session
from tpayd.kit.bus.wire import envelope
from tpayd_contracts.envelope import MAX_FRAME_BYTES, Kind
from tpayd_contracts.errors import ErrorCode

if TYPE_CHECKING:
    from tpayd.kit.bus.server import Server

__all__ = ["Request"]


class Request:
    """What a handler knows of a request, and its way to answer.

    Handlers registered with `Server.handle` return the reply or raise CallError. Raw handlers answer by `reply` or
    `fail`, exactly once, at any later time.
    """

    __slots__ = (
        "_on_cancel",
        "_server",
        "body",
        "cancelled",
        "deadline_ms",
        "gone",
        "key",
        "number",
        "op",
        "parent",
        "principal",
        "session",
        "started_us",
        "task",
        "trace",
    )

    def __init__(
        self,
        server: Server,
        session: Session,
        *,
        number: int,
        op: str,
        deadline_ms: int,
        key: str | None,
        trace: str | None,
        principal: str | None,
        body: Raw,
        started_us: int,
    ) -> None:
        self._server = server
        self.session = session
        self.number = number
        self.op = op
        self.deadline_ms = deadline_ms
        """CLOCK_BOOTTIME; after it nobody waits for the answer."""
        self.key = key
        self.trace = trace
        """The traceparent under which it is served."""
        self.parent: str | None = None
        """The traceparent that a POS gave, where the gateway has begun a span of it."""
        self.principal = principal
        self.body = body
        self.started_us = started_us
        self.cancelled = False
        self.gone = False
        """The caller's connection ended: there is nobody to tell."""
        self.task: asyncio.Task[None] | None = None
        self._on_cancel: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<Request {self.op} #{self.number} of {self.session.name}>"

    @property
    def caller(self) -> str:
        """Name of the service or client that sent it."""
        return self.session.name

    def remaining_s(self) -> float:
        """Time until the deadline; never negative."""
        return max(0.0, (self.deadline_ms - self._server.clock.boottime_ms()) / 1000)

    @property
    def is_open(self) -> bool:
        """Whether it still wants an answer: not answered yet, and the caller is there."""
        return self.session.open.get(self.number) is self

    def progress(self, body: Struct | Raw) -> None:
        """Tell the caller how far it is. Ignored once answered."""
        if self.is_open:
            frame = envelope(Kind.PROGRESS, self.number, op=self.op, body=body)
            self._server.send(self.session, frame, self.number)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once if the caller cancels or its connection ends; at once if it did already."""
        if self.cancelled:
            callback()
        else:
            self._on_cancel = callback

    def reply(self, body: Struct | Raw) -> None:
        """Answer; ends the request. An answer over the frame limit becomes an error: it would end the connection."""
        frame = envelope(Kind.REPLY, self.number, op=self.op, body=body)
        if len(frame) > MAX_FRAME_BYTES:
            text = f"it was done, but its answer of {len(frame)} bytes is over the limit of {MAX_FRAME_BYTES}"
            self.fail(CallError.unknown(ErrorCode.TOO_LARGE, text))
            return
        self._server.finish(self, "ok", frame)

    def fail(self, error: CallError) -> None:
        """Answer with an error; ends the request."""
        frame = envelope(Kind.ERROR, self.number, op=self.op, body=error.body())
        self._server.finish(self, str(error.code), frame)

    def cancel(self, *, gone: bool = False) -> None:
        """Called by the server when CANCEL arrives or the connection ends."""
        self.gone = self.gone or gone
        if self.cancelled:
            return
        self.cancelled = True
        if self._on_cancel is not None:
            try:
                self._on_cancel()
            except Exception:
                self._server.note_fault(self)
        elif self.task is not None:
            self.task.cancel()
