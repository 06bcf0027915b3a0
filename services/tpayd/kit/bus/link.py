"""The life of a socket's connections, as ZeroMQ's monitor tells it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence

import zmq

from tpayd.kit.bus.pump import Pump
from tpayd.kit.logs import Log

__all__ = ["Watch", "watch_link", "watch_peers"]

_EVENT = struct.Struct("=Hi")
"""The first frame of a monitor's message: event and value, zmq_socket_monitor(3). pyzmq's own parser is imported with
its whole asyncio layer."""


class Watch:
    """Tells what a socket's monitor reports, until closed. Close it before the socket's own pump."""

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        told: dict[int, Callable[[int], None]],
        *,
        loop: asyncio.AbstractEventLoop,
        log: Log,
    ) -> None:
        """`told` maps an event to a callback, which gets the event's value."""
        self._socket = socket
        self._told = told
        self._pump = Pump(socket.get_monitor_socket(sum(told)), self._on_event, loop=loop, log=log)

    def drain(self) -> None:
        """Tell what has happened so far, now."""
        self._pump.drain()

    def close(self) -> None:
        if self._socket.closed:
            return
        # The monitor first: while nobody reads it, libzmq's own thread would wait for room in it.
        self._socket.disable_monitor()
        self._pump.close()

    def _on_event(self, frames: Sequence[zmq.Frame]) -> None:
        event, value = _EVENT.unpack(frames[0].bytes)
        callback = self._told.get(event)
        if callback is not None:
            callback(value)


def watch_link(
    socket: zmq.Socket[bytes],
    *,
    up: Callable[[], None],
    down: Callable[[], None],
    loop: asyncio.AbstractEventLoop,
    log: Log,
) -> Watch:
    """Call `up` after each finished handshake of a DEALER and `down` after each loss.

    A DEALER itself tells neither: after a peer's death its requests would wait for their deadlines in silence.
    """
    told: dict[int, Callable[[int], None]] = {
        int(zmq.EVENT_HANDSHAKE_SUCCEEDED): lambda _: up(),
        int(zmq.EVENT_DISCONNECTED): lambda _: down(),
    }
    return Watch(socket, told, loop=loop, log=log)


def watch_peers(
    socket: zmq.Socket[bytes],
    gone: Callable[[int], None],
    *,
    loop: asyncio.AbstractEventLoop,
    log: Log,
) -> Watch:
    """Call `gone` with the file descriptor of each connection that a ROUTER loses.

    A ROUTER itself tells only by a send that fails, and not even then if another peer has taken the routing id by
    then. libzmq reports a loss before it accepts the next connection, so `drain` before a descriptor is trusted.
    """
    return Watch(socket, {int(zmq.EVENT_DISCONNECTED): gone}, loop=loop, log=log)
