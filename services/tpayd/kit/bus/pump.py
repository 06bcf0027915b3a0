"""One ZeroMQ socket on the event loop, without losing a message or a wake-up.

A ZeroMQ socket's FD is edge-triggered and belongs to libzmq's mailbox, not to the data. Two rules follow:

* once it fires, drain until EVENTS says that nothing is left: a message left behind raises no second edge
* after any send look at EVENTS once more: the send itself may have swallowed the edge of a message that came in

Sends are queued and leave together at the end of the loop turn, without ever blocking.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

import structlog
import zmq

from tpayd.kit.bus import limits
from tpayd.kit.bus.sockets import Socket

__all__ = ["Pump"]

_EVENTS = int(zmq.EVENTS)
_POLLIN = int(zmq.POLLIN)
_NOBLOCK = int(zmq.NOBLOCK)
_SNDMORE = int(zmq.SNDMORE)

Undelivered = Callable[[zmq.ZMQError], None]


class Pump:
    """Calls `on_message` with the frames of each message, and sends what it is given.

    A message of more than `limits.MAX_FRAMES` frames is read to its end, and its first frames are handed over.
    """

    def __init__(
        self,
        socket: Socket,
        on_message: Callable[[Sequence[zmq.Frame]], None],
        *,
        loop: asyncio.AbstractEventLoop,
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self._socket = socket
        self._on_message = on_message
        self._loop = loop
        self._log = log
        self._fd = int(socket.fileno())
        self._outbox: deque[tuple[tuple[bytes, ...], Undelivered | None]] = deque()
        self._flush_due = False
        self._drain_due = False
        self._closed = False
        loop.add_reader(self._fd, self._drain)
        self._drain_soon()

    def send(self, parts: tuple[bytes, ...], undelivered: Undelivered | None = None) -> None:
        """Send at the end of this loop turn; `undelivered` is told EAGAIN (no peer, or a slow one) or EHOSTUNREACH."""
        self._outbox.append((parts, undelivered))
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Flush what can go at once, stop listening, and close the socket."""
        if self._closed:
            return
        self._flush()
        self._closed = True
        self._loop.remove_reader(self._fd)
        self._socket.close()

    def _flush(self) -> None:
        self._flush_due = False
        if self._closed:
            return
        outbox, send = self._outbox, self._socket.send
        while outbox:
            parts, undelivered = outbox.popleft()
            try:
                for part in parts[:-1]:
                    send(part, _NOBLOCK | _SNDMORE)
                send(parts[-1], _NOBLOCK)
            except zmq.ZMQError as error:
                if undelivered is not None:
                    undelivered(error)
        self._drain()

    def _drain_soon(self) -> None:
        if not self._drain_due:
            self._drain_due = True
            self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._drain_due = False
        if self._closed:
            return
        socket = self._socket
        for _ in range(limits.TURN_MESSAGES):
            if not cast("int", socket.get(_EVENTS)) & _POLLIN:
                return
            try:
                frames = self._receive()
            except zmq.Again:
                return
            try:
                self._on_message(frames)
            except Exception:
                self._log.exception("bus.message_handler_failed")
            if self._closed:
                return
        self._drain_soon()

    def _receive(self) -> Sequence[zmq.Frame]:
        receive = self._socket.recv
        frame = receive(_NOBLOCK, copy=False)
        if not frame.more:
            return (frame,)
        frames = [frame]
        while frame.more:
            frame = receive(_NOBLOCK, copy=False)
            if len(frames) <= limits.MAX_FRAMES:
                frames.append(frame)
        return frames
