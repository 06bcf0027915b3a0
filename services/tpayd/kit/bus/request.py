"""A request being served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from msgspec import Raw, Struct

from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.session import Session
from tpayd.kit.bus.wire import answer
from tpayd.kit.clock import Clock
from tpayd_contracts.envelope import MAX_FRAME_BYTES, Kind
from tpayd_contracts.errors import ErrorCode

__all__ = ["Request", "Serving"]

# Plain numbers: to look a member up in its enum, and to encode one, takes longer than all else that is done with it.
_PROGRESS = int(Kind.PROGRESS)
_REPLY = int(Kind.REPLY)
_ERROR = int(Kind.ERROR)


class Serving(Protocol):
    """What a request needs of the server that it came to."""

    clock: Clock

    def send(self, session: Session, frame: bytes, number: int = 0) -> None:
        """Send a frame to a session's connection."""

    def finish(self, request: Request, code: str, frame: bytes) -> None:
        """Send a request's last message."""

    def note_fault(self, request: Request) -> None:
        """Log the exception that is being handled."""

    def rest(self, seconds: float) -> None:
        """Take no more messages for so long."""


class Request(Struct, eq=False):
    """What a handler knows of a request, and its way to answer.

    Handlers registered with `Server.handle` return the reply or raise CallError. Raw handlers answer by `reply` or
    `fail`, exactly once, at any later time.
    """

    server: Serving
    session: Session
    number: int
    op: str
    deadline_ms: int
    """CLOCK_BOOTTIME; after it nobody waits for the answer."""
    key: str | None
    trace: str | None
    """The traceparent under which it is served."""
    principal: str | None
    body: Raw
    started_us: int
    parent: str | None = None
    """The traceparent that a POS gave, where the gateway has begun a span of it."""
    cancelled: bool = False
    gone: bool = False
    """The caller's connection ended: there is nobody to tell."""
    task: asyncio.Task[None] | None = None
    cancelled_by: Callable[[], None] | None = None
    """What `on_cancel` was given, until the request is answered or cancelled."""

    def __repr__(self) -> str:
        return f"<Request {self.op} #{self.number} of {self.session.name}>"

    @property
    def caller(self) -> str:
        """Name of the service or client that sent it."""
        return self.session.name

    def remaining_s(self) -> float:
        """Time until the deadline; never negative."""
        return max(0.0, (self.deadline_ms - self.server.clock.boottime_ms()) / 1000)

    @property
    def is_open(self) -> bool:
        """Whether it still wants an answer: not answered yet, and the caller is there."""
        return self.session.open.get(self.number) is self

    def progress(self, body: Struct | Raw) -> None:
        """Tell the caller how far it is. Ignored once answered."""
        if self.is_open:
            frame = answer(_PROGRESS, self.number, self.op, body)
            self.server.send(self.session, frame, self.number)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once if the caller cancels or its connection ends; at once if it did already."""
        if self.cancelled:
            callback()
        else:
            self.cancelled_by = callback

    def reply(self, body: Struct | Raw) -> None:
        """Answer; ends the request. An answer over the frame limit becomes an error: it would end the connection."""
        frame = answer(_REPLY, self.number, self.op, body)
        if len(frame) > MAX_FRAME_BYTES:
            text = f"it was done, but its answer of {len(frame)} bytes is over the limit of {MAX_FRAME_BYTES}"
            self.fail(CallError.unknown(ErrorCode.TOO_LARGE, text))
            return
        self.server.finish(self, "ok", frame)

    def fail(self, error: CallError) -> None:
        """Answer with an error; ends the request."""
        frame = answer(_ERROR, self.number, self.op, error.body())
        self.server.finish(self, str(error.code), frame)

    def cancel(self, *, gone: bool = False) -> None:
        """Called by the server when CANCEL arrives or the connection ends."""
        self.gone = self.gone or gone
        if self.cancelled:
            return
        self.cancelled = True
        callback, self.cancelled_by = self.cancelled_by, None
        if callback is not None:
            try:
                callback()
            except Exception:
                self.server.note_fault(self)
        elif self.task is not None:
            self.task.cancel()
