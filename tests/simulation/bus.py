"""The bus between simulated processes: what `tpayd.kit.bus` promises, without sockets.

Kept of the real one: bodies are encoded and decoded, a request is refused `not_started` while the peer is not
connected or hangs, a lost connection or a passed deadline after the sending is `unknown`, messages of one direction
keep their order, a dead caller's requests are cancelled as `gone`, and nothing sent to one incarnation of a peer
reaches the next. Delays, losses and deaths come from the seed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct

from tpayd.kit.bus import CallError, Sink
from tpayd.kit.bus.answers import decode_reply
from tpayd.kit.bus.handlers import Handlers
from tpayd.kit.bus.wire import decode_body, encode_body
from tpayd_contracts.envelope import UNANSWERED
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.operation import Op

if TYPE_CHECKING:
    from tests.simulation.process import Process

__all__ = ["BusFaults", "SimCaller", "SimRequest", "SimServer"]

_HUNG_AFTER_US = 6_000_000
_ANSWER_GRACE_S = 0.25
_NOTICE_MAX_US = 60_000
"""How long the end of a connection may stay unnoticed."""


@dataclass
class BusFaults:
    """How the bus behaves in this run."""

    delay_most_us: int = 2_000
    slow_share: float = 0.02
    """Messages that take far longer: a busy machine."""
    slow_most_us: int = 400_000
    lost_share: float = 0.0
    """Messages that vanish on a connection that stands (a full queue)."""
    reconnect_most_us: int = 800_000


class SimRequest:
    """`tpayd.kit.bus.Request`, answered over a simulated connection."""

    def __init__(
        self, server: SimServer, link: SimCaller, number: int, op: str, body: Raw, deadline_ms: int, *,
        key: str | None, trace: str | None, principal: str | None,
    ) -> None:  # fmt: skip
        self._server = server
        self._link = link
        self.number = number
        self.op = op
        self.body = body
        self.deadline_ms = deadline_ms
        self.key = key
        self.trace = trace
        self.principal = principal
        self.cancelled = False
        self.gone = False
        self.task: asyncio.Task[None] | None = None
        self._on_cancel: Callable[[], None] | None = None

    @property
    def caller(self) -> str:
        return self._link.owner.name

    @property
    def is_open(self) -> bool:
        return self._server.open.get((id(self._link), self.number)) is self

    def remaining_s(self) -> float:
        return max(0.0, (self.deadline_ms - self._server.owner.clock.boottime_ms()) / 1000)

    def progress(self, body: Struct | Raw) -> None:
        if self.is_open:
            self._link.back(self._link.take_progress, self.number, encode_body(body))

    def on_cancel(self, callback: Callable[[], None]) -> None:
        if self.cancelled:
            callback()
        else:
            self._on_cancel = callback

    def reply(self, body: Struct | Raw) -> None:
        if self._finish():
            self._server.answered(self, body)
            self._link.back(self._link.take_reply, self.number, encode_body(body))

    def fail(self, error: CallError) -> None:
        if self._finish():
            self._link.back(self._link.take_error, self.number, CallError.of(error.body()))

    def cancel(self, *, gone: bool = False) -> None:
        self.gone = self.gone or gone
        if self.cancelled:
            return
        self.cancelled = True
        if self._on_cancel is not None:
            try:
                self._on_cancel()
            except Exception:
                self._server.owner.fault("a cancel handler failed")
        elif self.task is not None:
            self.task.cancel()

    def _finish(self) -> bool:
        """As `Server.finish`: a second answer is a fault of the handler, unless the first was the caller's going."""
        if self._server.open.pop((id(self._link), self.number), None) is None:
            if not self.cancelled:
                self._server.owner.fault(f"{self.op} was answered twice")
            return False
        return self.number != UNANSWERED


class SimServer:
    """`tpayd.kit.bus.Server`: operations by name, and the requests that are open."""

    def __init__(self, owner: Process, log: Any) -> None:
        self.owner = owner
        self.draining = False
        self.open: dict[tuple[int, int], SimRequest] = {}
        self.on_answer: Callable[[SimRequest, Any], None] | None = None
        self._routes: dict[str, tuple[Callable[[Any], None], bool]] = {}
        self._handlers = Handlers(owner.name, log)

    def handle(self, op: Op[Any, Any], handler: Any, *, while_draining: bool = False) -> None:
        self.handle_raw(op.name, self._handlers.raw(op, handler), while_draining=while_draining)

    def handle_raw(self, op: str, serve: Callable[[Any], None], *, while_draining: bool = False) -> None:
        self._routes[op] = (serve, while_draining)

    def answered(self, request: SimRequest, body: Struct | Raw) -> None:
        if self.on_answer is not None:
            self.on_answer(request, body)

    def arrived(self, request: SimRequest) -> None:
        """Through the gates, in the real server's order."""
        route = self._routes.get(request.op)
        refusal = None
        if route is None:
            refusal = CallError.not_started(ErrorCode.UNAVAILABLE, f"{self.owner.name} is starting", retryable=True)
        elif self.draining and not route[1]:
            refusal = CallError.not_started(ErrorCode.DRAINING, f"{self.owner.name} is going down", retryable=True)
        elif request.deadline_ms <= self.owner.clock.boottime_ms():
            refusal = CallError.not_started(ErrorCode.EXPIRED, "the deadline had passed", retryable=True)
        self.open[id(request._link), request.number] = request
        if refusal is not None or route is None:
            assert refusal is not None
            request.fail(refusal)
            return
        self._handlers.run(route[0], request)  # type: ignore[arg-type]

    def cancel(self, link: SimCaller, number: int) -> None:
        request = self.open.get((id(link), number))
        if request is not None:
            request.cancel()

    def session_lost(self, link: SimCaller) -> None:
        """The peer is gone: nobody is there to hear an answer."""
        for place, request in list(self.open.items()):
            if place[0] == id(link):
                request.cancel(gone=True)
                self.open.pop(place, None)


@dataclass
class _Pending:
    op: str
    reply: Callable[[Raw], None]
    error: Callable[[CallError], None]
    progress: Callable[[Raw], None] | None
    timer: asyncio.TimerHandle = field(init=False)


class SimCaller:
    """`tpayd.kit.bus.Caller`: one process's connection to another, made again whenever it was lost."""

    def __init__(self, owner: Process, peer: str, chance: random.Random, faults: BusFaults) -> None:
        self.owner = owner
        self.peer = peer
        self._chance = chance
        self._faults = faults
        self._up: Process | None = None
        self._pending: dict[int, _Pending] = {}
        self._numbers = count(1)
        self._out_us = 0
        self._back_us = 0
        self._dialling = False
        self.dial()

    # As the owner sees it

    @property
    def connected(self) -> bool:
        peer = self._up
        if peer is None or self.owner.dead:
            return False
        # A hung peer is noticed by its missing signs of life.
        frozen_us = peer.loop.frozen_until_us - self._now_us
        return not (frozen_us > 0 and self._now_us - peer.frozen_since_us > _HUNG_AFTER_US)

    @property
    def detail(self) -> str:
        return "" if self.connected else "not connected"

    async def call(
        self,
        op: Op[Any, Any],
        body: Struct,
        *,
        ttl_s: float = 10.0,
        deadline_ms: int | None = None,
        key: str | None = None,
        trace: str | None = None,
        principal: str | None = None,
        on_progress: Callable[[Struct], None] | None = None,
        on_late: Callable[[Any], None] | None = None,
    ) -> Any:
        future: asyncio.Future[Raw] = self.owner.loop.create_future()

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

        deadline_ms = deadline_ms or self.owner.clock.boottime_ms() + int(ttl_s * 1000)
        number = self._send(
            op.name, encode_body(body), deadline_ms, _Pending(op.name, reply, error, progress),
            key=key, trace=trace, principal=principal,
        )  # fmt: skip
        try:
            raw = await future
        except asyncio.CancelledError:
            self._abandon(number, future, op, on_late)
            raise
        return decode_reply(raw, op.reply)

    def forward(
        self, op: str, body: Raw | Struct, *, sink: Sink, ttl_s: float = 10.0, deadline_ms: int | None = None,
        key: str | None = None, trace: str | None = None, principal: str | None = None,
    ) -> int:  # fmt: skip
        deadline_ms = deadline_ms or self.owner.clock.boottime_ms() + int(ttl_s * 1000)
        pending = _Pending(op, sink.reply, sink.error, sink.progress)
        return self._send(op, encode_body(body), deadline_ms, pending, key=key, trace=trace, principal=principal)

    def cancel(self, number: int) -> None:
        if number in self._pending:
            self._cancel(number)

    def notify(self, op: Op[Any, Any], body: Struct, *, ttl_s: float = 10.0) -> None:
        if not self.connected:
            raise CallError.not_started(ErrorCode.UNAVAILABLE, f"{self.peer} does not answer", retryable=True)
        deadline_ms = self.owner.clock.boottime_ms() + int(ttl_s * 1000)
        self._forward(self._request(UNANSWERED, op.name, encode_body(body), deadline_ms))

    async def close(self) -> None:
        self.lost()

    # Sending

    @property
    def _now_us(self) -> int:
        return self.owner.world.scheduler.now_us

    def _request(self, number: int, op: str, body: Raw, deadline_ms: int, **more: str | None) -> SimRequest:
        assert self._up is not None
        more = {"key": None, "trace": None, "principal": None, **more}
        return SimRequest(self._up.server, self, number, op, body, deadline_ms, **more)

    def _send(self, op: str, body: Raw, deadline_ms: int, pending: _Pending, **more: str | None) -> int:
        now_ms = self.owner.clock.boottime_ms()
        if not self.connected:
            raise CallError.not_started(ErrorCode.UNAVAILABLE, f"{self.peer} does not answer", retryable=True)
        if deadline_ms <= now_ms:
            raise CallError.not_started(ErrorCode.EXPIRED, "the deadline had passed", retryable=True)
        number = next(self._numbers)
        wait_s = (deadline_ms - now_ms) / 1000 + _ANSWER_GRACE_S
        pending.timer = self.owner.loop.call_later(wait_s, self._expire, number)
        self._pending[number] = pending
        self._forward(self._request(number, op, body, deadline_ms, **more))
        return number

    def _forward(self, request: SimRequest) -> None:
        peer = self._up
        if peer is not None and not self._lost():
            self._out_us = max(self._out_us, self._now_us + self._delay_us())
            self.owner.world.scheduler.exactly(self._out_us, peer.loop, peer.server.arrived, request)

    def _cancel(self, number: int) -> None:
        peer = self._up
        if peer is not None:
            self._out_us = max(self._out_us, self._now_us + self._delay_us())
            self.owner.world.scheduler.exactly(self._out_us, peer.loop, peer.server.cancel, self, number)

    def back(self, take: Callable[..., None], *what: object) -> None:
        """Called by the peer: something comes back."""
        peer = self._up
        if peer is None or peer.dead or self._lost():
            return
        self._back_us = max(self._back_us, self._now_us + self._delay_us())
        self.owner.world.scheduler.exactly(self._back_us, self.owner.loop, take, *what)

    def _delay_us(self) -> int:
        faults = self._faults
        slow = self._chance.random() < faults.slow_share
        return self._chance.randrange(20, faults.slow_most_us if slow else faults.delay_most_us)

    def _lost(self) -> bool:
        return self._faults.lost_share > 0 and self._chance.random() < self._faults.lost_share

    # What comes back

    def take_progress(self, number: int, raw: Raw) -> None:
        pending = self._pending.get(number)
        if pending is not None and pending.progress is not None:
            pending.progress(raw)

    def take_reply(self, number: int, raw: Raw) -> None:
        pending = self._take(number)
        if pending is not None:
            pending.reply(raw)

    def take_error(self, number: int, error: CallError) -> None:
        pending = self._take(number)
        if pending is not None:
            pending.error(error)

    def _take(self, number: int) -> _Pending | None:
        pending = self._pending.pop(number, None)
        if pending is not None:
            pending.timer.cancel()
        return pending

    def _expire(self, number: int) -> None:
        pending = self._take(number)
        if pending is not None:
            self._cancel(number)
            self.owner.world.watch.lost_sight(pending.op)
            pending.error(CallError.unknown(ErrorCode.TIMEOUT, f"{self.peer} did not answer {pending.op} in time"))

    def _abandon(
        self, number: int, future: asyncio.Future[Raw], op: Op[Any, Any], on_late: Callable[[Any], None] | None
    ) -> None:
        pending = self._pending.get(number)
        if pending is not None:
            self._cancel(number)
        if on_late is None:
            self._take(number)
            return
        late = on_late
        if pending is not None:
            pending.reply = lambda raw: late(decode_reply(raw, op.reply))
            pending.error = lambda _: None
        elif future.done() and not future.cancelled() and future.exception() is None:
            late(decode_reply(future.result(), op.reply))

    # The connection

    def dial(self) -> None:
        """Try to connect, after a while."""
        if not self._dialling and not self.owner.dead:
            self._dialling = True
            wait_us = self._chance.randrange(500, self._faults.reconnect_most_us)
            self.owner.world.scheduler.exactly(self._now_us + wait_us, self.owner.loop, self._dialled)

    def _dialled(self) -> None:
        self._dialling = False
        peer = self.owner.world.processes.get(self.peer)
        if peer is None or peer.dead:
            self.dial()
        elif self._up is None:
            self._up = peer
            self._out_us = self._back_us = self._now_us

    def peer_died(self, peer: Process) -> None:
        """Told by the world; noticed a little later."""
        if self._up is peer:
            wait_us = self._chance.randrange(_NOTICE_MAX_US)
            self.owner.world.scheduler.exactly(self._now_us + wait_us, self.owner.loop, self._noticed, peer)

    def _noticed(self, peer: Process) -> None:
        if self._up is peer:
            self.lost()

    def lost(self) -> None:
        """The connection is gone: what is open may have happened."""
        peer, self._up = self._up, None
        if peer is not None and not peer.dead:
            # The other end hears of it as well.
            self.owner.world.scheduler.exactly(self._now_us, peer.loop, peer.server.session_lost, self)
        pending, self._pending = list(self._pending.values()), {}
        for one in pending:
            one.timer.cancel()
            self.owner.world.watch.lost_sight(one.op)
            one.error(CallError.unknown(ErrorCode.PEER_LOST, f"the connection to {self.peer} was lost"))
        self.dial()

    def owner_died(self) -> None:
        """The peer notices the end of the connection a little later."""
        peer, self._up = self._up, None
        if peer is not None and not peer.dead:
            at_us = max(self._out_us, self._now_us + self._chance.randrange(_NOTICE_MAX_US))
            self.owner.world.scheduler.exactly(at_us, peer.loop, peer.server.session_lost, self)
