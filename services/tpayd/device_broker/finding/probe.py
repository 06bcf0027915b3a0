"""One question at one port: it is opened for us alone, the driver starts the reader, and whoever answers is told.

No card is asked for and nothing is changed in the reader. Bytes do go out: a device that is no reader gets an init and
a request for its identity in the driver's words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tpayd.device_broker.drivers.commands import Start
from tpayd.device_broker.drivers.driver import Driver, DriverKind, LineSettings, Turn
from tpayd.device_broker.drivers.events import Down, Identified
from tpayd.device_broker.finding.scan import Heard, Reply
from tpayd.device_broker.opening import PortInUseError
from tpayd.device_broker.port import Port
from tpayd.kit.clock import Clock

__all__ = ["ANSWER_S", "OPEN_S", "SILENCE_S", "ask_who"]

OPEN_S = 6.0
"""For a port to open; a port server that is switched off takes longest."""
SILENCE_S = 1.5
"""A reader that is there says something within it: inits are answered within 100 ms."""
ANSWER_S = 4.0
"""From opening to the identity, where something is heard at all."""
_TICK_S = 0.02


async def ask_who(where: str, kind: DriverKind, baud: int, clock: Clock, at: Callable[[], str]) -> Reply:
    """Ask who is at a path or URL. `at` tells the local time as drivers want it."""
    probe = _Probe(where, kind, baud, clock, at)
    try:
        return await probe.ask()
    finally:
        probe.close()


class _Probe:
    def __init__(self, where: str, kind: DriverKind, baud: int, clock: Clock, at: Callable[[], str]) -> None:
        line = LineSettings(baud, kind.line.parity, kind.line.stop_bits)
        self._kind = kind
        self._clock = clock
        self._at = at
        self._driver: Driver | None = None
        self._reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._opened = asyncio.Event()
        self._heard = False
        # Lost is lost: a probe never opens its port a second time.
        self._port = Port(where, line, self, reopen_min_s=3600, reopen_max_s=3600)

    async def ask(self) -> Reply:
        self._port.start()
        opened = asyncio.ensure_future(self._opened.wait())
        await asyncio.wait((self._reply, opened), timeout=OPEN_S, return_when=asyncio.FIRST_COMPLETED)
        opened.cancel()
        if not self._reply.done() and not self._opened.is_set():
            return Reply(Heard.FAILED, text=f"it did not open within {OPEN_S:.0f} s")
        began_us = self._clock.monotonic_us()
        while not self._reply.done():
            waited_s = (self._clock.monotonic_us() - began_us) / 1e6
            if waited_s >= (ANSWER_S if self._heard else SILENCE_S):
                return Reply(Heard.NOISE if self._heard else Heard.SILENCE)
            await asyncio.wait({self._reply}, timeout=_TICK_S)
            self._tick()
        return self._reply.result()

    def close(self) -> None:
        self._port.close()

    # What the port tells

    def on_open(self) -> None:
        self._opened.set()
        self._driver = driver = self._kind.create()
        self._follow(driver.ask(Start(self._at()), self._clock.monotonic_us()))

    def on_data(self, data: bytes) -> None:
        self._heard = True
        if self._driver is not None:
            self._follow(self._driver.received(data, self._clock.monotonic_us()))

    def on_lost(self, why: str) -> None:
        in_use = isinstance(self._port.refused, PortInUseError)
        self._end(Reply(Heard.IN_USE if in_use else Heard.FAILED, text=why))

    def _tick(self) -> None:
        if self._driver is not None and not self._reply.done():
            self._follow(self._driver.tick(self._clock.monotonic_us()))

    def _follow(self, turn: Turn) -> None:
        if turn.out:
            self._port.write(turn.out)
        for event in turn.events:
            if isinstance(event, Identified):
                self._end(Reply(Heard.IDENTITY, event.identity))
            elif isinstance(event, Down):
                self._end(Reply(Heard.NOISE if self._heard else Heard.SILENCE))

    def _end(self, reply: Reply) -> None:
        if not self._reply.done():
            self._reply.set_result(reply)
