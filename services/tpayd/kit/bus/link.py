"""The life of a DEALER's connection, as ZeroMQ's monitor tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog
import zmq
from zmq.utils.monitor import parse_monitor_message

from tpayd.kit.bus.pump import Pump

__all__ = ["watch_link"]


def watch_link(
    socket: zmq.Socket[bytes],
    *,
    up: Callable[[], None],
    down: Callable[[], None],
    loop: asyncio.AbstractEventLoop,
    log: structlog.typing.FilteringBoundLogger,
) -> Pump:
    """Call `up` after each finished handshake and `down` after each loss. The result is to be closed by its owner.

    A DEALER itself tells neither: after a peer's death its requests would wait for their deadlines in silence.
    """
    monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)

    def on_event(frames: Sequence[zmq.Frame]) -> None:
        event = parse_monitor_message([frame.bytes for frame in frames])["event"]
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            up()
        elif event == zmq.EVENT_DISCONNECTED:
            down()

    return Pump(monitor, on_event, loop=loop, log=log)
