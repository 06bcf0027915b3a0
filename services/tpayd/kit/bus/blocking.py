"""Questions to a house socket from a program without an event loop: the command line and the watchdog."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import TypeVar

import zmq
from msgspec import Struct

from tpayd.kit.bus import limits
from tpayd.kit.bus.answers import decode_error, decode_reply
from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.sockets import dealer
from tpayd.kit.bus.wire import BadMessageError, encode_body, envelope, open_frame
from tpayd_contracts.envelope import Envelope, Kind
from tpayd_contracts.errors import ErrorCode
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
            connection.exchange(lambda number: envelope(Kind.PING, number), Kind.PONG)
        except CallError:
            return False
        return True


def ask(endpoint: str, op: Op[Q, A], body: Q, *, name: str = "cli", timeout_s: float = 5.0) -> A:
    """HELLO, one request, one answer. Raises CallError: `unavailable` (not_started) if nobody is there."""
    with _Connection(endpoint, timeout_s) as connection:
        hello = encode_body(Hello(client=name, contract=str(CONTRACT_VERSION)))
        welcome = connection.exchange(lambda number: envelope(Kind.HELLO, number, body=hello), Kind.REPLY)
        session = decode_reply(welcome.body, Welcome).session
        deadline_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000 + int(connection.left_s() * 1000)
        question = encode_body(body)

        def request(number: int) -> bytes:
            return envelope(Kind.REQ, number, op=op.name, deadline=deadline_ms, session=session, body=question)

        return decode_reply(connection.exchange(request, Kind.REPLY, repeat=False).body, op.reply)


class _Connection:
    def __init__(self, endpoint: str, timeout_s: float) -> None:
        self._ends_at_s = time.monotonic() + timeout_s
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._numbers = count(1)
        self._socket = dealer(self._context)
        self._socket.connect(endpoint)

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._context.term()

    def left_s(self) -> float:
        return max(0.0, self._ends_at_s - time.monotonic())

    def exchange(self, frame: Callable[[int], bytes], answer: Kind, *, repeat: bool = True) -> Envelope:
        """Send a frame of a new number and wait for its `answer`; raises CallError.

        With `repeat` it is sent again while unanswered, each time later: PING and HELLO have no effect. Only the last
        one's answer counts, since each HELLO makes the session before it worthless.
        """
        number: int | None = None
        wait_s, again_at_s = limits.BLOCKING_HELLO_RETRY_S, 0.0
        while self.left_s() > 0:
            if number is None or (repeat and time.monotonic() >= again_at_s):
                candidate = next(self._numbers)
                if not self._send(frame(candidate)):
                    continue
                number, again_at_s = candidate, time.monotonic() + wait_s
                wait_s *= 2
            message = self._receive(again_at_s if repeat else self._ends_at_s)
            if message is None or message.id != number:
                continue
            if message.kind == Kind.ERROR:
                raise decode_error(message.body)
            if message.kind == answer:
                return message
        if number is not None and not repeat:
            raise CallError.unknown(ErrorCode.TIMEOUT, "no answer in time")
        raise CallError.not_started(ErrorCode.UNAVAILABLE, "nobody answers there", retryable=True)

    def _send(self, frame: bytes) -> bool:
        """Whether the socket took it; waits a while for a connection."""
        wait_s = min(self.left_s(), limits.BLOCKING_HELLO_RETRY_S)
        if not self._socket.poll(_ms(wait_s), zmq.POLLOUT):
            return False
        try:
            self._socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _receive(self, until_s: float) -> Envelope | None:
        wait_s = min(until_s, self._ends_at_s) - time.monotonic()
        if not self._socket.poll(_ms(wait_s), zmq.POLLIN):
            return None
        try:
            return open_frame(self._socket.recv(zmq.NOBLOCK))
        except (zmq.Again, BadMessageError):
            return None


def _ms(seconds: float) -> int:
    """For poll, which takes a negative time for 'without end'."""
    return max(0, int(seconds * 1000) + 1)
