"""Events: told once, never repeated, and a loss is noticed. Nothing financial depends on them.

Each event carries the publisher's incarnation (as session) and a sequence. A subscriber that sees another incarnation
or a hole in the sequence calls `on_gap`: its owner then asks for a snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import zmq
from msgspec import Raw, Struct

from tpayd.kit.bus import limits
from tpayd.kit.bus.pump import Pump
from tpayd.kit.bus.sockets import bind, publisher, subscriber
from tpayd.kit.bus.wire import BadMessageError, encode_body, envelope, open_frame
from tpayd.kit.logs import Log
from tpayd_contracts.envelope import EMPTY_BODY, Kind

__all__ = ["GapDetector", "Publisher", "Subscriber"]


class Publisher:
    """The events of one process."""

    def __init__(
        self,
        endpoint: str,
        *,
        context: zmq.Context[zmq.Socket[bytes]],
        incarnation: str,
        log: Log,
    ) -> None:
        self._endpoint = endpoint
        self._context = context
        self._incarnation = incarnation
        self._log = log
        self._sequence = 0

    def start(self) -> None:
        """Bind. Raises EndpointInUseError."""
        self._loop = asyncio.get_running_loop()
        socket = publisher(self._context)
        try:
            self._bound = bind(socket, self._endpoint)
        except BaseException:
            socket.close()
            raise
        self._pump = Pump(socket, lambda _: None, loop=self._loop, log=self._log)
        self._timer = self._loop.call_later(limits.EVENT_HEARTBEAT_S, self._heartbeat)

    async def close(self) -> None:
        self._timer.cancel()
        self._pump.close()
        self._bound.close()

    def publish(self, topic: str, body: Struct) -> None:
        """Send one event to whoever listens now."""
        self._sequence += 1
        self._send(topic, encode_body(body))

    def _heartbeat(self) -> None:
        self._timer = self._loop.call_later(limits.EVENT_HEARTBEAT_S, self._heartbeat)
        self._send("", EMPTY_BODY)

    def _send(self, topic: str, body: Raw) -> None:
        self._pump.send_parts((envelope(Kind.EVENT, self._sequence, op=topic, session=self._incarnation, body=body),))


class GapDetector:
    """Tells whether events were missed before this one."""

    def __init__(self) -> None:
        self._seen: tuple[str, int] | None = None

    def missed(self, incarnation: str, sequence: int, *, heartbeat: bool) -> bool:
        """Note one event, or a heartbeat, which repeats the last event's sequence."""
        before, self._seen = self._seen, (incarnation, sequence)
        if before is None:
            return False
        expected = before[1] if heartbeat else before[1] + 1
        return before[0] != incarnation or sequence != expected


class Subscriber:
    """Listens to one process; `on_event(topic, sequence, body)`, and `on_gap()` before an event that follows a loss."""

    def __init__(
        self,
        endpoint: str,
        topics: Sequence[str],
        on_event: Callable[[str, int, Raw], None],
        on_gap: Callable[[], None],
        *,
        context: zmq.Context[zmq.Socket[bytes]],
        log: Log,
    ) -> None:
        self._endpoint = endpoint
        self._topics = frozenset(topics)
        self._on_event = on_event
        self._on_gap = on_gap
        self._context = context
        self._log = log
        self._gaps = GapDetector()

    def start(self) -> None:
        socket = subscriber(self._context)
        socket.connect(self._endpoint)
        self._pump = Pump(socket, self._on_message, loop=asyncio.get_running_loop(), log=self._log)

    async def close(self) -> None:
        self._pump.close()

    def _on_message(self, frames: Sequence[zmq.Frame]) -> None:
        try:
            event = open_frame(frames[0].bytes)
        except BadMessageError as error:
            self._log.warning("bus.bad_event", error=str(error))
            return
        if event.kind != Kind.EVENT:
            return
        if self._gaps.missed(event.session or "", event.id, heartbeat=not event.op):
            self._on_gap()
        if event.op in self._topics:
            self._on_event(event.op, event.id, event.body)
