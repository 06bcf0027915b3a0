"""The bus in one event loop: servers, callers and raw sockets that are all closed in the end."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import structlog
import zmq
from msgspec import Raw, Struct
from structlog.testing import LogCapture

from tests.integration.bus.ops import COUNT, ECHO, HOLD, MARK, TALK, Count, OpenDoor, Step, Text, Turns
from tpayd.kit.bus import Caller, CallError, Request, Server
from tpayd.kit.bus.sockets import dealer
from tpayd.kit.bus.wire import encode_body, envelope, open_frame
from tpayd.kit.clock import SystemClock
from tpayd_contracts.envelope import EMPTY_BODY, Envelope, Kind
from tpayd_contracts.errors import ErrorBody
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.operation import Empty, Op
from tpayd_contracts.version import CONTRACT_VERSION

__all__ = ["Counts", "RawPeer", "Rig", "bench", "serve_test_ops", "until"]

T = TypeVar("T")
A = TypeVar("A", bound=Struct)
Context = zmq.Context[zmq.Socket[bytes]]


class Counts:
    """BusStats in plain counters."""

    def __init__(self) -> None:
        self.served_codes: Counter[str] = Counter()
        self.called_codes: Counter[str] = Counter()
        self.drops: Counter[str] = Counter()

    def served(self, op: str, code: str, seconds: float) -> None:
        self.served_codes[code] += 1

    def called(self, peer: str, op: str, code: str, seconds: float) -> None:
        self.called_codes[code] += 1

    def dropped(self, what: str) -> None:
        self.drops[what] += 1

    def open_requests(self, endpoint: str, count: int) -> None: ...


async def until(probe: Callable[[], T], *, timeout_s: float = 10.0, what: str = "it") -> T:
    """The first true answer of `probe`, asked between the loop's turns."""
    ends_at_s = time.monotonic() + timeout_s
    while not (answer := probe()):
        if time.monotonic() > ends_at_s:
            raise TimeoutError(f"not within {timeout_s} s: {what}")
        await asyncio.sleep(0.002)
    return answer


async def failure(awaitable: Any) -> CallError:
    """The CallError that `awaitable` ends with."""
    try:
        answer = await awaitable
    except CallError as error:
        return error
    raise AssertionError(f"it was answered: {answer}")


def serve_test_ops(server: Server) -> list[Request]:
    """Serve the test operations; the result holds the requests that HOLD keeps open."""
    marks = Counter[str]()
    held: list[Request] = []

    def mark(_request: Request, _body: Empty) -> Count:
        marks["mark"] += 1
        return Count(marks["mark"])

    async def hold(request: Request, _body: Empty) -> Empty:
        held.append(request)
        await asyncio.Event().wait()
        return Empty()

    def talk(request: Request, body: Turns) -> Count:
        for step in range(body.steps):
            request.progress(Step(step))
        return Count(body.steps)

    server.handle(ECHO, lambda _, body: Text(body.text))
    server.handle(MARK, mark)
    server.handle(COUNT, lambda _request, _body: Count(marks["mark"]))
    server.handle(HOLD, hold)
    server.handle(TALK, talk)
    return held


class Rig:
    """One test's sockets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.context: Context = zmq.Context()
        self.clock = SystemClock()
        self.logged = LogCapture()
        self.log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
            None, processors=[self.logged], wrapper_class=structlog.make_filtering_bound_logger(0)
        )
        self.counts = Counts()
        self._closing: list[Callable[[], Any]] = []

    @property
    def endpoint(self) -> str:
        return f"ipc://{self.folder / 'test.rpc'}"

    def server(self, endpoint: str | None = None, **options: Any) -> Server:
        """A server that is bound; register handlers at once."""
        options.setdefault("admission", OpenDoor())
        options.setdefault("context", self.context)
        server = Server(
            "server", endpoint or self.endpoint, clock=self.clock, log=self.log, software="0", stats=self.counts,
            **options,
        )  # fmt: skip
        server.start()
        self._closing.append(server.close)
        return server

    def caller(self, endpoint: str | None = None, name: str = "cli") -> Caller:
        """A caller that is on its way to be connected."""
        caller = Caller(
            name, "server", endpoint or self.endpoint, context=self.context, clock=self.clock, log=self.log,
            software="0", incarnation="0", stats=self.counts,
        )  # fmt: skip
        caller.start()
        self._closing.append(caller.close)
        return caller

    async def connected(self, endpoint: str | None = None, name: str = "cli") -> Caller:
        """A caller that is welcome."""
        caller = self.caller(endpoint, name)
        await until(lambda: caller.connected, what=f"{name} is connected")
        return caller

    def raw(self, endpoint: str | None = None, **options: Any) -> RawPeer:
        """A bare DEALER that may misbehave."""
        peer = RawPeer(self.context, endpoint or self.endpoint, **options)
        self._closing.append(peer.close)
        return peer

    def later(self, close: Callable[[], Any]) -> None:
        """Have something closed in the end."""
        self._closing.append(close)

    def events(self, name: str) -> list[Any]:
        """Log entries of one event."""
        return [entry for entry in self.logged.entries if entry["event"] == name]

    async def close(self) -> None:
        for close in reversed(self._closing):
            done = close()
            if done is not None:
                await done
        # Fails where a socket was left open.
        await asyncio.wait_for(asyncio.to_thread(self.context.term), 5.0)


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Rig]:
    """A rig that is taken apart in the end."""
    rig = Rig(folder)
    try:
        yield rig
    finally:
        await rig.close()


class RawPeer:
    """A DEALER without manners: each message as its test wants it."""

    def __init__(
        self,
        context: Context,
        endpoint: str,
        *,
        routing_id: bytes | None = None,
        prepare: Callable[[zmq.Socket[bytes]], None] | None = None,
    ) -> None:
        self.socket = dealer(context)
        if routing_id is not None:
            self.socket.setsockopt(zmq.ROUTING_ID, routing_id)
        if prepare is not None:
            prepare(self.socket)
        self.socket.connect(endpoint)
        self.session: str | None = None

    def close(self) -> None:
        self.socket.close()

    async def send(self, *parts: bytes) -> None:
        """Send as soon as there is a connection."""
        await until(lambda: self.socket.poll(0, zmq.POLLOUT), what="a connection")
        self.socket.send_multipart(parts, zmq.NOBLOCK)

    async def receive(self, timeout_s: float = 5.0) -> Envelope:
        """The next message that is no PING."""
        while True:
            await until(lambda: self.socket.poll(0, zmq.POLLIN), timeout_s=timeout_s, what="a message")
            message = open_frame(self.socket.recv(zmq.NOBLOCK))
            if message.kind != Kind.PING:
                return message

    async def hello(self, name: str = "cli") -> Envelope:
        """Say HELLO and keep the session."""
        await self.send(hello_frame(name))
        answer = await self.receive()
        if answer.kind == Kind.REPLY:
            self.session = decode(answer.body, Welcome).session
        return answer

    async def request(self, number: int, op: Op[Any, Any], body: Raw | Struct = EMPTY_BODY, **fields: Any) -> None:
        """Send a REQ with a minute's deadline, unless told otherwise."""
        fields.setdefault("deadline", SystemClock().boottime_ms() + 60_000)
        fields.setdefault("session", self.session)
        await self.send(envelope(Kind.REQ, number, op=op.name, body=encode_body(body), **fields))

    async def refused(self) -> ErrorBody:
        """The next message, which is an ERROR."""
        answer = await self.receive()
        assert Kind.ERROR == answer.kind
        return decode(answer.body, ErrorBody)


def hello_frame(name: str = "cli", number: int = 1) -> bytes:
    return envelope(Kind.HELLO, number, body=encode_body(Hello(client=name, contract=str(CONTRACT_VERSION))))


def decode(body: Raw, shape: type[A]) -> A:
    import msgspec

    return msgspec.msgpack.decode(body, type=shape)
