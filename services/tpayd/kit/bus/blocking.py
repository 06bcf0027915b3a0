"""Questions to a house socket from a program without an event loop: the command line and the watchdog."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import zmq
from msgspec import Struct

from tpayd.kit.bus import limits
from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.sockets import dealer
from tpayd.kit.bus.wire import BadMessageError, decode_body, encode_body, envelope, open_frame
from tpayd_contracts.envelope import Envelope, Kind
from tpayd_contracts.errors import ErrorBody, ErrorCode
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.operation import Op
from tpayd_contracts.version import CONTRACT_VERSION

__all__ = ["ask", "ping"]

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


def ping(endpoint: str, timeout_s: float) -> bool:
    """Whether the process's own loop answers within `timeout_s`."""
    with _Connection(endpoint, timeout_s) as connection:
        try:
            connection.exchange(lambda: envelope(Kind.PING, 1), Kind.PONG)
        except CallError:
            return False
        return True


def ask(endpoint: str, op: Op[Q, A], body: Q, *, name: str = "cli", timeout_s: float = 5.0) -> A:
    """HELLO, one request, one answer. Raises CallError: `unavailable` (not_started) if nobody is there."""
    with _Connection(endpoint, timeout_s) as connection:
        hello = encode_body(Hello(client=name, contract=str(CONTRACT_VERSION)))
        answer = connection.exchange(lambda: envelope(Kind.HELLO, 1, body=hello), Kind.REPLY)
        session = decode_body(answer.body, Welcome).session
        deadline_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000 + int(timeout_s * 1000)
        request = envelope(
            Kind.REQ, 2, op=op.name, deadline=deadline_ms, session=session, body=encode_body(body)
        )
        return decode_body(connection.exchange(lambda: request, Kind.REPLY, repeat=False).body, op.reply)


class _Connection:
    def __init__(self, endpoint: str, timeout_s: float) -> None:
        self._ends_at_s = time.monotonic() + timeout_s
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = dealer(self._context)
        self._socket.connect(endpoint)

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._context.term()

    def exchange(self, frame: Callable[[], bytes], answer: Kind, *, repeat: bool = True) -> Envelope:
        """Send (again while unanswered, if `repeat`: PING and HELLO have no effect) and wait for `answer`."""
        sent = False
        while (left_s := self._ends_at_s - time.monotonic()) > 0:
            if not sent or repeat:
                sent = self._send(frame(), left_s)
            wait_s = min(left_s, limits.BLOCKING_HELLO_RETRY_S)
            if self._socket.poll(int(wait_s * 1000) + 1) and (message := self._receive(answer)) is not None:
                return message
        if sent and not repeat:
            raise CallError.unknown(ErrorCode.TIMEOUT, "no answer in time")
        raise CallError.not_started(ErrorCode.UNAVAILABLE, "nobody answers there", retryable=True)

    def _send(self, frame: bytes, left_s: float) -> bool:
        if not self._socket.poll(int(min(left_s, limits.BLOCKING_HELLO_RETRY_S) * 1000), zmq.POLLOUT):
            return False
        try:
            self._socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _receive(self, answer: Kind) -> Envelope | None:
        try:
            message = open_frame(self._socket.recv(zmq.NOBLOCK))
        except (zmq.Again, BadMessageError):
            return None
        if message.kind == Kind.ERROR:
            raise CallError.of(decode_body(message.body, ErrorBody))
        return message if message.kind == answer else None
