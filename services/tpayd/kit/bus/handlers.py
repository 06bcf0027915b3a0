"""Typed handlers, run so that whatever they do the request is answered once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import TypeVar, cast

from msgspec import Struct

from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.request import Request
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.logs import Log
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.operation import Op

__all__ = ["Handlers", "RawHandler"]

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)
RawHandler = Callable[[Request], None]
_Waits = Callable[[Request, Struct], Awaitable[Struct]]
_Answers = Callable[[Request, Struct], Struct]


class Handlers:
    """Turns handlers into raw ones, and keeps the tasks of those that wait."""

    def __init__(self, server: str, log: Log) -> None:
        self._server = server
        self._log = log
        # The loop itself holds tasks weakly, and a request is forgotten when its caller goes.
        self.tasks: set[asyncio.Task[None]] = set()
        """Those that have not ended; one may go on after its caller has gone."""

    def raw(
        self, op: Op[Q, A], handler: Callable[[Request, Q], A] | Callable[[Request, Q], Awaitable[A]]
    ) -> RawHandler:
        """A plain function answers in the same loop turn, a coroutine function becomes a task."""
        if iscoroutinefunction(handler):
            waits = cast("_Waits", handler)

            def serve(request: Request) -> None:
                self._start(request, waits, decode_body(request.body, op.request))
        else:
            answers = cast("_Answers", handler)

            def serve(request: Request) -> None:
                request.reply(answers(request, decode_body(request.body, op.request)))

        return serve

    def run(self, serve: RawHandler, request: Request) -> None:
        """Serve a request; what `serve` raises becomes its answer."""
        try:
            serve(request)
        except CallError as error:
            if request.is_open:
                request.fail(error)
        except Exception:
            self._fault(request)

    def note_fault(self, request: Request) -> None:
        """Log the exception that is being handled."""
        self._log.exception("bus.handler_failed", op=request.op, caller=request.caller, trace=request.trace)

    async def cancel(self) -> None:
        """End all tasks, within a second."""
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)

    def _start(self, request: Request, handler: _Waits, body: Struct) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self.tasks.discard(task)
            if request.is_open:
                text = "cancelled before anything was done"
                request.fail(CallError.not_started(ErrorCode.ABORTED, text))

        request.task = asyncio.get_running_loop().create_task(self._wait_for(request, handler, body))
        self.tasks.add(request.task)
        request.task.add_done_callback(ended)

    async def _wait_for(self, request: Request, handler: _Waits, body: Struct) -> None:
        try:
            request.reply(await handler(request, body))
        except CallError as error:
            if request.is_open:
                request.fail(error)
        except asyncio.CancelledError:
            if request.is_open:
                request.fail(CallError(ErrorCode.ABORTED, "cancelled", outcome=Outcome.UNKNOWN))
            if not request.cancelled:
                raise
        except Exception:
            self._fault(request)

    def _fault(self, request: Request) -> None:
        self.note_fault(request)
        if request.is_open:
            text = f"a fault in {self._server}; its log has it"
            request.fail(CallError.unknown(ErrorCode.INTERNAL, text))
