"""TCP between host link and card host: `Lines` dials, `SimTransport` carries bytes, and either may fail."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tpayd.hosts.framing import Deframer, frame

if TYPE_CHECKING:
    from tests.simulation.loop import ProcessLoop
    from tests.simulation.world import World

__all__ = ["Lines", "SimTransport"]


class Lines:
    """All connections to the host. While `down`, none is made and those that stand break."""

    def __init__(self, world: World) -> None:
        self.down = False
        self.dark = False
        """Bytes vanish both ways, and nobody is told."""
        self.open: list[SimTransport] = []
        self._world = world
        self._numbers = 0

    async def connect(self, loop: ProcessLoop, factory: Callable[[], asyncio.Protocol]) -> tuple[Any, Any]:
        await asyncio.sleep(0.01)
        if self.down:
            raise ConnectionRefusedError(111, "Connection refused")
        self._numbers += 1
        protocol = factory()
        transport = SimTransport(self._world, self, loop, protocol, self._numbers)
        self.open.append(transport)
        protocol.connection_made(transport)
        return transport, protocol

    def break_all(self) -> None:
        """Every connection ends, from outside."""
        for transport in list(self.open):
            transport.hang_up()

    def process_died(self, loop: ProcessLoop) -> None:
        for transport in list(self.open):
            if transport.loop is loop:
                self.open.remove(transport)


class SimTransport(asyncio.Transport):
    """One connection. What was written before its end may still arrive, or not."""

    def __init__(self, world: World, lines: Lines, loop: ProcessLoop, protocol: asyncio.Protocol, number: int) -> None:
        super().__init__()
        self.loop = loop
        self.number = number
        self._world = world
        self._lines = lines
        self._protocol = protocol
        self._chance = random.Random(f"{world.seed}:line:{number}")
        self._deframer = Deframer()
        self._closing = False
        self._out_us = self._in_us = 0

    # What the host link's protocol does

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or self.loop.dead:
            return
        raw = bytes(data)
        for message in Deframer().feed(raw, 0):
            self._world.watch.left(message.raw)
        if self._lines.dark:
            return
        self._out_us = max(self._out_us, self._world.now_us + self._chance.randrange(1_000, 30_000))
        self._world.exactly(self._out_us, self._world.outside, self._arrived, raw)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._end(None)

    def abort(self) -> None:
        self._end(None)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"sockname": ("store", self.number), "peername": ("host", 1)}.get(name, default)

    # What the host does

    def answer(self, message: bytes, after_s: float = 0.0) -> None:
        """Send a message of the host, after a while."""
        self._world.at(after_s, self._world.outside, self._send, message)

    def hang_up(self) -> None:
        """The host, or the network, ends the connection."""
        if not self._closing:
            self._world.at(0, self.loop, self._end, ConnectionResetError(104, "Connection reset by peer"))

    def _send(self, message: bytes) -> None:
        if self._lines.dark or self not in self._lines.open:
            return
        data = frame(message)
        at = self._chance.randrange(1, len(data)) if self._chance.random() < 0.1 else len(data)
        for piece in (data[:at], data[at:]):
            if piece:
                self._in_us = max(self._in_us, self._world.now_us + self._chance.randrange(1_000, 30_000))
                self._world.exactly(self._in_us, self.loop, self._come, piece)

    def _come(self, data: bytes) -> None:
        if not self._closing:
            self._protocol.data_received(data)

    def _arrived(self, data: bytes) -> None:
        if self._lines.dark:
            return
        for message in self._deframer.feed(data, self._world.now_us):
            self._world.host.take(message.raw, self)

    def _end(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        if self in self._lines.open:
            self._lines.open.remove(self)
        if not self.loop.dead:
            self.loop.call_soon(self._protocol.connection_lost, error)
