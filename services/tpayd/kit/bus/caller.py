"""The calling end: one DEALER to one service, typed calls, and an honest word on what is known after a failure.

A request is refused at once, `not_started`, while the peer is not connected, has not welcomed us, or hangs. Once it
was handed to the socket, a lost connection or a passed deadline is `unknown`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

import structlog
import zmq
from msgspec import Raw, Struct

from tpayd.kit.bus import limits
from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.link import watch_link
from tpayd.kit.bus.pending import Pending, PendingTable, Sink
from tpayd.kit.bus.pump import Pump
from tpayd.kit.bus.sockets import dealer
from tpayd.kit.bus.stats import BusStats, NoStats
from tpayd.kit.bus.wire import BadMessageError, decode_body, encode_body, envelope, open_frame
from tpayd.kit.clock import Clock
from tpayd_contracts.envelope import Envelope, Kind
from tpayd_contracts.errors import ErrorBody, ErrorCode
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.operation import Op
from tpayd_contracts.version import CONTRACT_VERSION

__all__ = ["Caller"]

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


class Caller:
    """Calls one service. Reconnects by itself; each connection begins with HELLO."""

    def __init__(
        self,
        name: str,
        peer: str,
        endpoint: str,
        *,
        context: zmq.Context[zmq.Socket[bytes]],
        clock: Clock,
        log: structlog.typing.FilteringBoundLogger,
        software: str,
        incarnation: str,
        stats: BusStats | None = None,
    ) -> None:
        self.peer = peer
        self.detail = "not connected yet"
        """Why it is not connected, for people."""
        self._endpoint = endpoint
        self._context = context
        self._clock = clock
        self._log = log.bind(peer=peer)
        self._stats = stats or NoStats()
        self._hello = encode_body(
            Hello(client=name, contract=str(CONTRACT_VERSION), software=software, incarnation=incarnation)
        )
        self._numbers = count(1)
        self._hello_number = 0
        self._session: str | None = None
        self._linked = False
        self._hung = False
        self._heard_ms = 0
        self._timers: list[asyncio.TimerHandle] = []

    def start(self) -> None:
        """Connect; returns at once, whether or not the peer is there."""
        self._loop = asyncio.get_running_loop()
        socket = dealer(self._context)
        self._pending = PendingTable(self._clock, self._loop, self._expire)
        self._monitor = watch_link(socket, up=self._up, down=self._down, loop=self._loop, log=self._log)
        socket.connect(self._endpoint)
        self._socket = socket
        self._pump = Pump(socket, self._on_message, loop=self._loop, log=self._log)
        self._ping_timer = self._loop.call_later(limits.PING_EVERY_S, self._ping)
        self._hello_timer: asyncio.TimerHandle | None = None

    async def close(self) -> None:
        """Disconnect; what is still open fails as `unknown`."""
        self._ping_timer.cancel()
        if self._hello_timer is not None:
            self._hello_timer.cancel()
        self._pending.close()
        self._pending.fail_all("this process is going down")
        self._socket.disable_monitor()
        self._monitor.close()
        self._pump.close()

    @property
    def connected(self) -> bool:
        """Whether a request would be sent now."""
        return self._session is not None and not self._hung

    async def call(
        self,
        op: Op[Q, A],
        body: Q,
        *,
        ttl_s: float = limits.DEFAULT_TTL_S,
        deadline_ms: int | None = None,
        key: str | None = None,
        trace: str | None = None,
        principal: str | None = None,
        on_progress: Callable[[Struct], None] | None = None,
        on_late: Callable[[A], None] | None = None,
    ) -> A:
        """Send one request and wait for its answer, at most `ttl_s` (or until `deadline_ms`, CLOCK_BOOTTIME).

        Raises CallError. Cancelling the wait sends CANCEL; `on_late` then gets the answer if it was on its way
        already, such as a lease that has to be given back.
        """
        future: asyncio.Future[Raw] = self._loop.create_future()

        def reply(raw: Raw) -> None:
            if not future.done():
                future.set_result(raw)

        def error(problem: CallError) -> None:
            if not future.done():
                future.set_exception(problem)

        progress: Callable[[Raw], None] | None = None
        if on_progress is not None and op.progress is not None:
            shape, told = op.progress, on_progress

            def progress(raw: Raw) -> None:
                told(decode_body(raw, shape))

        number = self.forward(
            op.name,
            encode_body(body),
            deadline_ms=deadline_ms or self._clock.boottime_ms() + int(ttl_s * 1000),
            key=key, trace=trace, principal=principal, sink=Sink(reply, error, progress),
        )  # fmt: skip
        try:
            raw = await future
        except asyncio.CancelledError:
            self._abandon(number, future, op, on_late)
            raise
        return decode_body(raw, op.reply)

    def forward(
        self,
        op: str,
        body: Raw,
        *,
        deadline_ms: int,
        sink: Sink,
        key: str | None = None,
        trace: str | None = None,
        principal: str | None = None,
    ) -> int:
        """Send a request whose body is encoded already, and have its answers passed on undecoded.

        Returns the number to cancel it by. Raises CallError `unavailable` or `busy` (both not_started) at once.
        """
        if not self.connected:
            text = f"{self.peer} does not answer: {self.detail}"
            raise CallError.not_started(ErrorCode.UNAVAILABLE, text, retryable=True)
        if len(self._pending) >= limits.MAX_PENDING:
            text = f"{limits.MAX_PENDING} requests to {self.peer} are under way"
            raise CallError.not_started(ErrorCode.BUSY, text, retryable=True)
        number = next(self._numbers)
        self._pending.add(Pending(number, op, deadline_ms, self._clock.monotonic_us(), sink))
        frame = envelope(
            Kind.REQ, number, op=op, deadline=deadline_ms, key=key, trace=trace, session=self._session,
            principal=principal, body=body,
        )  # fmt: skip
        self._pump.send((frame,), lambda _: self._refused(number))
        return number

    def cancel(self, number: int) -> None:
        """Ask the peer to stop an open request; its answer still comes."""
        if self._session is not None and self._pending.get(number) is not None:
            self._pump.send((envelope(Kind.CANCEL, number, session=self._session),))

    def _abandon(
        self, number: int, future: asyncio.Future[Raw], op: Op[Q, A], on_late: Callable[[A], None] | None
    ) -> None:
        self.cancel(number)
        pending = self._pending.get(number)
        if on_late is None:
            self._pending.take(number)
            return
        late = on_late
        if pending is not None:
            pending.sink = Sink(lambda raw: late(decode_body(raw, op.reply)), lambda _: None)
        elif future.done() and not future.cancelled() and future.exception() is None:
            late(decode_body(future.result(), op.reply))

    # Answers

    def _on_message(self, frames: Sequence[zmq.Frame]) -> None:
        self._heard_ms = self._clock.boottime_ms()
        if self._hung:
            self._hung = False
            self._log.info("bus.peer_answers_again")
        try:
            message = open_frame(frames[0].bytes)
        except BadMessageError as fault:
            self._stats.dropped("bad_message")
            self._log.warning("bus.bad_message", error=str(fault))
            return
        kind = message.kind
        if message.id == self._hello_number and self._session is None and kind in (Kind.REPLY, Kind.ERROR):
            self._on_welcome(message)
        elif kind == Kind.PROGRESS:
            pending = self._pending.get(message.id)
            if pending is not None and pending.sink.progress is not None:
                pending.sink.progress(message.body)
        elif kind == Kind.REPLY:
            pending = self._ended(message, "ok")
            if pending is not None:
                pending.sink.reply(message.body)
        elif kind == Kind.ERROR:
            self._on_error(message)

    def _on_error(self, message: Envelope) -> None:
        error = CallError.of(decode_body(message.body, ErrorBody))
        if error.code == ErrorCode.HELLO_REQUIRED:
            self._say_hello()
        pending = self._ended(message, str(error.code))
        if pending is not None:
            pending.sink.error(error)

    def _ended(self, message: Envelope, code: str) -> Pending | None:
        pending = self._pending.take(message.id)
        if pending is None:
            self._stats.dropped("late_answer")
            return None
        self._stats.called(self.peer, pending.op, code, (self._clock.monotonic_us() - pending.started_us) / 1e6)
        return pending

    def _expire(self, pending: Pending) -> None:
        self._stats.called(self.peer, pending.op, str(ErrorCode.TIMEOUT), 0.0)
        if self._session is not None:
            self._pump.send((envelope(Kind.CANCEL, pending.number, session=self._session),))
        text = f"{self.peer} did not answer {pending.op} in time"
        pending.sink.error(CallError.unknown(ErrorCode.TIMEOUT, text))

    def _refused(self, number: int) -> None:
        """The socket took nothing: no connection, or a peer too slow to read."""
        pending = self._pending.take(number)
        if pending is not None:
            text = f"{self.peer} takes no messages now; nothing was sent"
            pending.sink.error(CallError.not_started(ErrorCode.UNAVAILABLE, text, retryable=True))

    # The connection

    def _up(self) -> None:
        self._linked = True
        self._heard_ms = self._clock.boottime_ms()
        self._say_hello()

    def _down(self) -> None:
        self._linked = False
        self._session = None
        self._hung = False
        self.detail = "its connection was lost"
        self._pending.fail_all(f"the connection to {self.peer} was lost after the request was sent")

    def _say_hello(self) -> None:
        """Repeated until welcomed: right after a handshake the socket may not take a message yet."""
        self._session = None
        if self._hello_timer is not None:
            self._hello_timer.cancel()
        if not self._linked:
            self._hello_timer = None
            return
        self._hello_number = next(self._numbers)
        self._pump.send((envelope(Kind.HELLO, self._hello_number, body=self._hello),), lambda _: None)
        self._hello_timer = self._loop.call_later(limits.HELLO_RETRY_S, self._say_hello)

    def _on_welcome(self, message: Envelope) -> None:
        if self._hello_timer is not None:
            self._hello_timer.cancel()
            self._hello_timer = None
        if message.kind == Kind.REPLY:
            self._session = decode_body(message.body, Welcome).session
            self.detail = "connected"
            self._log.info("bus.connected")
            return
        self.detail = decode_body(message.body, ErrorBody).message
        self._log.error("bus.hello_refused", why=self.detail)
        self._hello_timer = self._loop.call_later(limits.PING_EVERY_S, self._say_hello)

    def _ping(self) -> None:
        """ZMTP heartbeats are answered by libzmq's thread even while the peer's own loop hangs; this is not."""
        self._ping_timer = self._loop.call_later(limits.PING_EVERY_S, self._ping)
        if not self._linked:
            return
        silent_s = (self._clock.boottime_ms() - self._heard_ms) / 1000
        if silent_s > limits.HUNG_AFTER_S and not self._hung:
            self._hung = True
            self.detail = f"it has not answered for {silent_s:.0f} s"
            self._log.error("bus.peer_hangs", silent_s=silent_s)
        self._pump.send((envelope(Kind.PING, 0),), lambda _: None)
