"""The serving end: one ROUTER, admitted sessions, bounded requests.

A message passes these gates in order, and is answered with the first that it fails: one frame of legal size, an
envelope, a session, a known and permitted operation, not draining, a bound on open requests, the deadline, the body.
Nothing has happened before the last gate, so each of these errors has the outcome `not_started`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import zmq
from msgspec import Raw, Struct

from tpayd.kit.bus import limits
from tpayd.kit.bus.bounds import ServerLimits
from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.first_gate import delimiter_of, payloads_of
from tpayd.kit.bus.handlers import Handlers, RawHandler
from tpayd.kit.bus.link import watch_peers
from tpayd.kit.bus.pump import Pump
from tpayd.kit.bus.reception import Reception
from tpayd.kit.bus.request import Request
from tpayd.kit.bus.session import Admission, Peer, Session
from tpayd.kit.bus.sockets import BoundPath, bind, router
from tpayd.kit.bus.stats import BusStats, NoStats
from tpayd.kit.bus.wire import BadMessageError, encode_body, envelope, open_frame
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.kit.trace_log import TraceLog
from tpayd.kit.traceparent import checked
from tpayd_contracts.envelope import MAX_FRAME_BYTES, UNANSWERED, Envelope, Kind
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.operation import Op

__all__ = ["RawHandler", "Server"]

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)
# Plain numbers: to look a member up in its enum takes longer than all else that is done with it.
_REQ = int(Kind.REQ)
_REPLY = int(Kind.REPLY)


class _Route(Struct, frozen=True):
    serve: RawHandler
    while_draining: bool


class Server:
    """Serves requests on one endpoint, with one ROUTER socket."""

    def __init__(
        self,
        name: str,
        endpoint: str,
        *,
        context: zmq.Context[zmq.Socket[bytes]],
        clock: Clock,
        log: Log,
        admission: Admission,
        software: str,
        stats: BusStats | None = None,
        traces: TraceLog | None = None,
        bounds: ServerLimits | None = None,
        deadline_is_ttl: bool = False,
        ipc_mode: int = 0o660,
        prepare: Callable[[zmq.Socket[bytes]], None] | None = None,
    ) -> None:
        """`prepare` sets further options (CURVE) before the bind; `deadline_is_ttl` is for callers off this machine."""
        self.name = name
        self.endpoint = endpoint
        self.clock = clock
        self.draining = False
        self._context = context
        self._log = log
        self._stats = stats or NoStats()
        self._traces = traces
        self._bounds = bounds or ServerLimits()
        self._deadline_is_ttl = deadline_is_ttl
        self._ipc_mode = ipc_mode
        self._prepare = prepare
        self._routes: dict[str, _Route] = {}
        self._handlers = Handlers(name, log)
        self._reception = Reception(
            name, admission, self._bounds, software=software, bundles=not deadline_is_ttl, send=self.send,
            cut_off=self._cut_off, stats=self._stats, log=log,
        )  # fmt: skip
        self._roster = self._reception.roster
        self._open_count = 0
        self._started = False

    def start(self) -> None:
        """Bind and serve. Raises EndpointInUseError."""
        self._loop = asyncio.get_running_loop()
        socket = router(self._context, self._bounds.max_queued)
        self._watch = watch_peers(socket, self._reception.connection_lost, loop=self._loop, log=self._log)
        try:
            if self._prepare is not None:
                self._prepare(socket)
            self._bound: BoundPath = bind(socket, self.endpoint, mode=self._ipc_mode)
        except BaseException:
            self._watch.close()
            socket.close()
            raise
        # A peer whose routing id may be another's by now must not get what was meant for it.
        self._pump = Pump(socket, self._on_message, loop=self._loop, log=self._log, before_sending=self._watch.drain)
        self._probe_timer = self._loop.call_later(limits.PROBE_EVERY_S, self._probe)
        self._started = True

    async def close(self) -> None:
        """Cancel what is open and stop listening; nothing to do for one that was never started."""
        if not self._started:
            return
        self._started = False
        self._probe_timer.cancel()
        await self._handlers.cancel()
        self._watch.close()
        self._pump.close()
        self._bound.close()

    @property
    def sessions(self) -> Mapping[bytes, Session]:
        """Who is admitted now, by routing id."""
        return self._roster.sessions

    @property
    def open_count(self) -> int:
        """Requests being served now."""
        return self._open_count

    def handle(
        self,
        op: Op[Q, A],
        handler: Callable[[Request, Q], A] | Callable[[Request, Q], Awaitable[A]],
        *,
        while_draining: bool = False,
    ) -> None:
        """Serve `op`: a plain function answers in the same loop turn, a coroutine function becomes a task."""
        self.handle_raw(op.name, self.raw(op, handler), while_draining=while_draining)

    def raw(
        self, op: Op[Q, A], handler: Callable[[Request, Q], A] | Callable[[Request, Q], Awaitable[A]]
    ) -> RawHandler:
        """What `handle` registers, for who decides request by request whether to serve it so."""
        return self._handlers.raw(op, handler)

    def handle_raw(self, op: str, serve: RawHandler, *, while_draining: bool = False) -> None:
        """Serve `op` with the body undecoded; `serve` may raise CallError, or answer at any later time."""
        if op in self._routes:
            raise ValueError(f"{op} has a handler already")
        self._routes[op] = _Route(serve, while_draining)

    def publish(self, session: Session, topic: str, body: Raw) -> None:
        """Send an EVENT to one session, numbered without a gap; one that a slow peer loses leaves a gap it can see."""
        session.sequence += 1
        self.send(session, envelope(Kind.EVENT, session.sequence, op=topic, session=session.token, body=body))

    def end_session(self, session: Session, error: CallError | None = None) -> None:
        """Forget a peer; its open requests are told `error`, or are cancelled because it is gone."""
        self._reception.end(session, error)

    # What requests use

    def rest(self, seconds: float) -> None:
        """Take no more messages for so long: a crowd that is refused costs less where it is refused together."""
        self._pump.rest(seconds)

    def send(self, session: Session, frame: bytes, number: int = 0) -> None:
        """Send a frame to a session's connection; a peer that is gone ends its session."""
        if len(frame) > MAX_FRAME_BYTES:
            self._stats.dropped("too_large")
            self._log.error("bus.frame_too_large", peer=session.admitted.name, bytes=len(frame), number=number)
            return
        self._pump.send(session.outlet, frame, number)

    def finish(self, request: Request, code: str, frame: bytes) -> None:
        """Send a request's last message. A second one is a fault of the handler."""
        session, number = request.session, request.number
        if session.open.pop(number, None) is None:
            if request.cancelled:
                return
            raise RuntimeError(f"{request!r} is answered already")
        self._open_count -= 1
        # It knows the request, as a rule: they would keep each other until the collector finds them, thousands at once.
        request.cancelled_by = None
        took_s = (self.clock.monotonic_us() - request.started_us) / 1e6
        self._stats.served(request.op, code, took_s)
        if request.trace is not None and self._traces is not None:
            self._traces.served(request, code, took_s)
        if number != UNANSWERED:
            self._pump.send(session.outlet, frame, number)

    def note_fault(self, request: Request) -> None:
        """Log the exception that is being handled."""
        self._handlers.note_fault(request)

    # The gates

    def _on_message(self, frames: Sequence[zmq.Frame]) -> None:
        routing_id = frames[0].bytes
        try:
            payloads = payloads_of(frames, self._bounds.max_frame_bytes, bundles=not self._deadline_is_ttl)
        except CallError as error:
            self._refuse(routing_id, 0, error, delimiter_of(frames))
            return
        # What came together came at one time.
        came_ms, came_us = self.clock.boottime_ms(), self.clock.monotonic_us()
        for payload in payloads:
            number = 0
            try:
                message = open_frame(payload)
                number = message.id
                if message.kind == _REQ:
                    self._serve(self._roster.find(routing_id, message.session), message, came_ms, came_us)
                else:
                    self._take(routing_id, message, frames[1])
            except CallError as error:
                self._refuse(routing_id, number, error)
            except BadMessageError as fault:
                text = f"not an envelope: {fault}"
                self._refuse(routing_id, number, CallError.not_started(ErrorCode.BAD_MESSAGE, text))
            except Exception:
                self._log.exception("bus.dispatch_failed", number=number)
                text = f"a fault in {self.name}; its log has it"
                self._refuse(routing_id, number, CallError.unknown(ErrorCode.INTERNAL, text))

    def _take(self, routing_id: bytes, message: Envelope, frame: zmq.Frame) -> None:
        """Anything but a request."""
        kind = message.kind
        if kind == Kind.PING:
            if message.session is not None:
                self._roster.find(routing_id, message.session)
            pong = envelope(Kind.PONG, message.id)
            self._pump.send_parts((routing_id, pong), self._nobody_there)
        elif kind == Kind.HELLO:
            self._watch.drain()  # before a descriptor is trusted: an ended connection may have had the same one
            self._reception.hello(routing_id, message, Peer.of(frame))
        elif kind == Kind.CANCEL:
            request = self._roster.find(routing_id, message.session).open.get(message.id)
            if request is not None:
                request.cancel()
        elif kind != Kind.PONG:
            raise CallError.not_started(ErrorCode.BAD_MESSAGE, f"kind {kind} is not for a server")

    def _serve(self, session: Session, message: Envelope, now_ms: int, now_us: int) -> None:
        number, op, open_here = message.id, message.op, session.open
        if number == UNANSWERED and self._deadline_is_ttl:
            text = "id 0 asks for no answer, which is for services only: count requests from 1"
            raise CallError.not_started(ErrorCode.BAD_MESSAGE, text)
        if number in open_here:
            raise CallError.not_started(ErrorCode.BAD_MESSAGE, f"id {number} is in use by an open request")
        route = self._routes.get(op)
        if route is None or op not in session.admitted.ops:
            raise self._not_for(session, op)
        if self.draining and not route.while_draining:
            text = f"{self.name} is going down; try again when it is back"
            raise CallError.not_started(ErrorCode.DRAINING, text, retryable=True)
        bounds = self._bounds
        # A task may go on after its caller has gone; it takes room as well.
        total = max(self._open_count, len(self._handlers.tasks))
        if len(open_here) >= bounds.max_open_per_session or total >= bounds.max_open_total:
            text = f"{len(open_here)} requests of {session.name} are open, {total} in all; try later"
            raise CallError.not_started(ErrorCode.BUSY, text, retryable=True)
        deadline_ms, trace = message.deadline, message.trace
        if self._deadline_is_ttl:
            deadline_ms, trace = bounds.deadline_of_ttl(deadline_ms, now_ms), checked(trace)
        elif deadline_ms <= now_ms:
            text = "the deadline had passed before anything was done"
            raise CallError.not_started(ErrorCode.EXPIRED, text, retryable=True, field="deadline")
        request = Request(
            self, session, number, op, deadline_ms, message.key, trace, message.principal, message.body, now_us
        )
        open_here[number] = request
        self._open_count += 1
        self._handlers.run(route.serve, request)

    def _not_for(self, session: Session, op: str) -> CallError:
        """Why an operation is not served to a peer."""
        if op in self._routes:
            return CallError.not_started(ErrorCode.NOT_PERMITTED, f"{session.name} may not call {op}", field="op")
        if op in session.admitted.ops:
            # It belongs here, and its handler is not registered yet.
            text = f"{self.name} is starting; try again shortly"
            return CallError.not_started(ErrorCode.UNAVAILABLE, text, retryable=True)
        return CallError.not_started(ErrorCode.UNKNOWN_OP, f"{self.name} has no operation {op[:64]!r}", field="op")

    def _refuse(self, routing_id: bytes, number: int, error: CallError, delimiter: tuple[bytes, ...] = ()) -> None:
        self._stats.dropped(str(error.code))
        frame = envelope(Kind.ERROR, number, body=encode_body(error.body()))
        self._pump.send_parts((routing_id, *delimiter, frame), self._nobody_there)

    def _nobody_there(self, _error: zmq.ZMQError, _numbers: list[int]) -> None:
        self._stats.dropped("peer_gone")

    def _cut_off(self, session: Session, error: CallError | None) -> None:
        """End what a session leaves open. What is cancelled may still answer; if it does not, `error` is the answer."""
        for request in list(session.open.values()):
            request.cancel(gone=True)
            if not request.is_open:
                continue
            if error is not None:
                request.fail(error)
            else:
                del session.open[request.number]
                self._open_count -= 1

    def _probe(self) -> None:
        self._probe_timer = self._loop.call_later(limits.PROBE_EVERY_S, self._probe)
        self._reception.probe()
        self._stats.open_requests(self.endpoint, self._open_count)
