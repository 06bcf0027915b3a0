"""The calling end: one DEALER to one service, typed calls, and an honest word on what is known after a failure.

A request is refused at once, `not_started`, while the peer is not connected, has not welcomed us, or hangs. Once it
was handed to the socket, a lost connection or a passed deadline is `unknown`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

import zmq
from msgspec import Raw, Struct

from tpayd.kit.bus import limits
from tpayd.kit.bus.answers import decode_error, decode_reply
from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.handshake import Handshake
from tpayd.kit.bus.life_signs import LifeSigns
from tpayd.kit.bus.link import watch_link
from tpayd.kit.bus.outlet import Outlet
from tpayd.kit.bus.pending import Answered, Awaited, Pending, PendingTable, Sink
from tpayd.kit.bus.pump import Pump
from tpayd.kit.bus.sockets import dealer
from tpayd.kit.bus.stats import BusStats, NoStats
from tpayd.kit.bus.turn import turn_of
from tpayd.kit.bus.wire import (
    BadMessageError,
    decode_body,
    encode_body,
    envelope,
    is_bundle,
    open_bundle,
    open_frame,
    request,
)
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd_contracts.envelope import MAX_FRAME_BYTES, UNANSWERED, Envelope, Kind
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.gateway import Hello
from tpayd_contracts.operation import Empty, Op
from tpayd_contracts.version import CONTRACT_VERSION

__all__ = ["Caller"]

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)
# Plain numbers: to look a member up in its enum takes longer than all else that is done with it.
_PROGRESS = int(Kind.PROGRESS)
_REPLY = int(Kind.REPLY)
_ERROR = int(Kind.ERROR)


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
        log: Log,
        software: str,
        incarnation: str,
        stats: BusStats | None = None,
    ) -> None:
        self.peer = peer
        self._endpoint = endpoint
        self._context = context
        self._clock = clock
        self._log = log.bind(peer=peer)
        self._stats = stats or NoStats()
        self._hello = encode_body(
            Hello(client=name, contract=str(CONTRACT_VERSION), software=software, incarnation=incarnation)
        )
        self._numbers = count(1)

    def start(self) -> None:
        """Connect; returns at once, whether or not the peer is there."""
        loop, log = asyncio.get_running_loop(), self._log
        socket = dealer(self._context)
        self._loop = loop
        self._turn = turn_of(loop)
        self._pending = PendingTable(
            self.peer, self._send_cancel, clock=self._clock, loop=loop, stats=self._stats, log=log
        )
        self._handshake = Handshake(self._hello, self._send, self._numbers, loop=loop, log=log)
        self._life = LifeSigns(self._send, clock=self._clock, loop=loop, log=log)
        self._watch = watch_link(socket, up=self._up, down=self._down, loop=loop, log=log)
        self._outlet = Outlet(undelivered=self._pending.refused)
        self._pump = Pump(socket, self._on_message, loop=loop, log=log)
        socket.connect(self._endpoint)

    async def close(self) -> None:
        """Disconnect; what is still open fails as `unknown`, and what comes after is refused."""
        self._watch.close()
        self._life.stop()
        self._handshake.end("this process is going down")
        self._pending.fail_all("this process is going down")
        self._pending.close()
        self._pump.close()

    @property
    def connected(self) -> bool:
        """Whether a request would be sent now."""
        return self._handshake.session is not None and not self._life.hung

    @property
    def detail(self) -> str:
        """Why it is not connected, for people."""
        return self._life.detail if self._life.hung else self._handshake.detail

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
        progress: Callable[[Raw], None] | None = None
        if on_progress is not None and op.progress is not None:
            shape, told = op.progress, on_progress

            def progress(raw: Raw) -> None:
                told(decode_body(raw, shape))

        number = self.forward(
            op.name, body, sink=Awaited(future, self._turn, progress), ttl_s=ttl_s, deadline_ms=deadline_ms, key=key,
            trace=trace, principal=principal,
        )  # fmt: skip
        try:
            raw = await future
        except asyncio.CancelledError:
            self._abandon(number, future, op, on_late)
            raise
        return decode_reply(raw, op.reply)

    def forward(
        self,
        op: str,
        body: Raw | Struct,
        *,
        sink: Answered,
        ttl_s: float = limits.DEFAULT_TTL_S,
        deadline_ms: int | None = None,
        key: str | None = None,
        trace: str | None = None,
        principal: str | None = None,
    ) -> int:
        """Send a request, whose body may be encoded already, and have its answers passed on undecoded.

        They are waited for as by `call`. Returns the number to cancel it by. Raises CallError `unavailable`, `busy`,
        `expired` or `too_large` (each `not_started`) at once.
        """
        session = self._handshake.session
        if session is None or self._life.hung:
            raise self._unavailable()
        if len(self._pending.open) >= limits.MAX_PENDING:
            text = f"{limits.MAX_PENDING} requests to {self.peer} are under way"
            raise CallError.not_started(ErrorCode.BUSY, text, retryable=True)
        now_ms = self._clock.boottime_ms()
        if deadline_ms is None:
            deadline_ms = now_ms + int(ttl_s * 1000)
        if deadline_ms <= now_ms:
            text = "the deadline had passed before anything was sent"
            raise CallError.not_started(ErrorCode.EXPIRED, text, retryable=True, field="deadline")
        number = next(self._numbers)
        frame = request(number, op, deadline_ms, key, trace, session, principal, body)
        if len(frame) > MAX_FRAME_BYTES:
            text = f"the request has {len(frame)} bytes, a frame holds at most {MAX_FRAME_BYTES}"
            raise CallError.not_started(ErrorCode.TOO_LARGE, text, field="$")
        until_ms = deadline_ms + limits.ANSWER_GRACE_MS
        self._pending.add(Pending(number, op, until_ms, self._clock.monotonic_us(), sink))
        self._pump.send(self._outlet, frame, number)
        return number

    def notify(self, op: Op[Q, Empty], body: Q, *, ttl_s: float = limits.DEFAULT_TTL_S) -> None:
        """Send a request whose answer nobody needs. Raises CallError `unavailable`: nothing was sent."""
        session = self._handshake.session
        if session is None or self._life.hung:
            raise self._unavailable()
        deadline_ms = self._clock.boottime_ms() + int(ttl_s * 1000)
        self._send(envelope(Kind.REQ, UNANSWERED, op=op.name, deadline=deadline_ms, session=session, body=body))

    def cancel(self, number: int) -> None:
        """Ask the peer to stop an open request; its answer still comes."""
        if number in self._pending.open:
            self._send_cancel(number)

    def _unavailable(self) -> CallError:
        text = f"{self.peer} does not answer: {self.detail}"
        return CallError.not_started(ErrorCode.UNAVAILABLE, text, retryable=True)

    def _abandon(
        self, number: int, future: asyncio.Future[Raw], op: Op[Q, A], on_late: Callable[[A], None] | None
    ) -> None:
        self.cancel(number)
        pending = self._pending.open.get(number)
        if on_late is None:
            self._pending.open.pop(number, None)
            return
        late = on_late
        if pending is not None:
            pending.sink = Sink(lambda raw: late(decode_reply(raw, op.reply)), lambda _: None)
        elif future.done() and not future.cancelled() and future.exception() is None:
            late(decode_reply(future.result(), op.reply))

    # Answers

    def _on_message(self, frames: Sequence[zmq.Frame]) -> None:
        self._life.heard()
        frame = frames[0].bytes
        # What came together came at one time.
        now_us = self._clock.monotonic_us()
        try:
            together = open_bundle(frame) if is_bundle(frame) else (frame,)
        except BadMessageError as fault:
            self._bad(fault)
            return
        for one in together:
            try:
                self._take(open_frame(one), now_us)
            except BadMessageError as fault:
                self._bad(fault)
            except Exception:
                # One answer's fault must not keep its neighbours from being heard.
                self._log.exception("bus.message_handler_failed")

    def _bad(self, fault: BadMessageError) -> None:
        self._stats.dropped("bad_message")
        self._log.warning("bus.bad_message", error=str(fault))

    def _take(self, message: Envelope, now_us: int) -> None:
        kind = message.kind
        if kind == _REPLY:
            pending = self._pending.open.pop(message.id, None)
            if pending is not None:
                self._stats.called(self.peer, pending.op, "ok", (now_us - pending.started_us) / 1e6)
                pending.sink.reply(message.body)
            else:
                self._unasked(message)
        elif kind == _PROGRESS:
            pending = self._pending.open.get(message.id)
            if pending is not None:
                progress = pending.sink.progress
                if progress is not None:
                    progress(message.body)
        elif kind == _ERROR:
            self._on_error(message)

    def _unasked(self, message: Envelope) -> None:
        """No request waits for this answer: HELLO's, or one that comes late."""
        if self._handshake.take(message):
            self._outlet.bundles = self._handshake.bundles
        else:
            self._stats.dropped("late_answer")

    def _on_error(self, message: Envelope) -> None:
        if self._handshake.take(message):
            return
        error = decode_error(message.body)
        if error.code == ErrorCode.HELLO_REQUIRED:
            # Between us and the peer only: whoever asked us need not say HELLO again.
            error = CallError.not_started(
                ErrorCode.UNAVAILABLE, f"{self.peer} does not know this connection any more", retryable=True
            )
            if self._handshake.session is not None:
                self._handshake.begin()
        pending = self._pending.open.pop(message.id, None)
        if pending is not None:
            self._pending.fail(pending, error)
        else:
            self._stats.dropped("late_answer")

    # The connection

    def _up(self) -> None:
        self._outlet.bundles = False  # it may be another server
        self._life.start()
        self._handshake.begin()

    def _down(self) -> None:
        self._life.stop()
        self._handshake.end("its connection was lost")
        self._pending.fail_all(f"the connection to {self.peer} was lost after the request was sent")

    def _send_cancel(self, number: int) -> None:
        if self._handshake.session is not None:
            self._send(envelope(Kind.CANCEL, number, session=self._handshake.session))

    def _send(self, frame: bytes) -> None:
        self._pump.send(self._outlet, frame)
