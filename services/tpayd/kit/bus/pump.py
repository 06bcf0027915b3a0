"""One ZeroMQ socket on the event loop, without losing a message or a wake-up.

A ZeroMQ socket's FD is edge-triggered and belongs to libzmq's mailbox, not to the data. Two rules follow:

* once it fires, drain until EVENTS says that nothing is left: a message left behind raises no second edge
* after any send look at EVENTS once more: the send itself may have swallowed the edge of a message that came in
  (one that rests does so at the end of its rest)

Sends are queued and leave together at the end of the turn (`tpayd.kit.bus.turn`), without ever blocking. What a
callback raises is logged and stays there: it must neither stop the messages behind it nor swallow a wake-up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

import zmq

from tpayd.kit.bus import limits
from tpayd.kit.bus.outlet import Outlet, Undelivered
from tpayd.kit.bus.sockets import Socket
from tpayd.kit.bus.turn import turn_of
from tpayd.kit.logs import Log

__all__ = ["Pump"]

_EVENTS = int(zmq.EVENTS)
_POLLIN = int(zmq.POLLIN)
_NOBLOCK = int(zmq.NOBLOCK)
_SNDMORE = int(zmq.SNDMORE)


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
        log: Log,
        before_sending: Callable[[], None] | None = None,
    ) -> None:
        """`before_sending` is called before what is queued leaves."""
        self._socket = socket
        # The method beneath pyzmq's own wrapper, whose further arguments are for other kinds of sockets, costs half.
        self._send = super(zmq.Socket, socket).send
        self._on_message = on_message
        self._before_sending = before_sending
        self._loop = loop
        self._log = log
        self._fd = int(socket.fileno())
        self._outlets: list[Outlet] = []
        """Those that have something to send."""
        self._turn = turn_of(loop)
        self._drain_due = False
        self._resting = False
        self._closed = False
        loop.add_reader(self._fd, self._drain)
        self._drain_soon()

    def send(self, outlet: Outlet, frame: bytes, number: int = 0) -> None:
        """Send at the end of this turn, unless the outlet is closed by then.

        Its `undelivered` is told EAGAIN (no peer, or a slow one) or EHOSTUNREACH with the message's `number`. After
        `close` nothing is sent, and nobody is told.
        """
        if self._closed:
            return
        if not outlet.frames:
            if not self._outlets:
                self._turn.at_end(self._flush)
            self._outlets.append(outlet)
        outlet.frames.append(frame)
        outlet.numbers.append(number)

    def send_parts(self, parts: tuple[bytes, ...], undelivered: Undelivered | None = None) -> None:
        """Send one message of several frames to whom the first of them names."""
        self.send(Outlet(parts[:-1], undelivered), parts[-1])

    def close(self) -> None:
        """Send what can go at once, stop listening, and close the socket; what has come in is not looked at."""
        if self._closed:
            return
        self._send_queued()
        self._closed = True
        self._outlets.clear()
        self._loop.remove_reader(self._fd)
        self._socket.close()

    def rest(self, seconds: float) -> None:
        """Take no more messages for so long, once this drain has ended; what comes meanwhile is handled together."""
        if not (self._resting or self._closed):
            self._resting = True
            self._loop.remove_reader(self._fd)
            self._loop.call_later(seconds, self._rested)

    def drain(self) -> None:
        """Take all messages that have come in, now, instead of when the loop comes round to it."""
        while self._take_some():
            pass

    def _flush(self) -> None:
        if self._closed:
            return
        if self._before_sending is not None:
            self._before_sending()
        self._send_queued()
        if not self._resting and self._take_some():
            self._drain_soon()

    def _send_queued(self) -> None:
        outlets, self._outlets = self._outlets, []
        send = self._send
        for outlet in outlets:
            for frame, numbers in outlet.take():
                if outlet.closed or self._closed:
                    break
                try:
                    for part in outlet.prefix:
                        send(part, _NOBLOCK | _SNDMORE)
                    send(frame, _NOBLOCK)
                except zmq.ZMQError as error:
                    if outlet.undelivered is not None:
                        self._tell(outlet.undelivered, error, numbers)

    def _tell(self, undelivered: Undelivered, error: zmq.ZMQError, numbers: list[int]) -> None:
        try:
            undelivered(error, numbers)
        except Exception:
            self._log.exception("bus.undelivered_handler_failed")

    def _drain_soon(self) -> None:
        if not self._drain_due:
            self._drain_due = True
            self._loop.call_soon(self._drain)

    def _rested(self) -> None:
        self._resting = False
        if not self._closed:
            self._loop.add_reader(self._fd, self._drain)
            self._drain()

    def _drain(self) -> None:
        self._drain_due = False
        if self._resting:
            return
        if self._turn.drain(self._take_some):
            self._drain_soon()

    def _take_some(self) -> bool:
        """Take up to a turn's share of messages; whether there may be more."""
        if self._closed:
            return False
        socket = self._socket
        for _ in range(limits.TURN_MESSAGES):
            if not cast("int", socket.get(_EVENTS)) & _POLLIN:
                return False
            try:
                frames = self._receive()
            except zmq.Again:
                return False
            try:
                self._on_message(frames)
            except Exception:
                self._log.exception("bus.message_handler_failed")
            if self._closed:
                return False
        return True

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
