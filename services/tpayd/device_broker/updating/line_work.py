"""A firmware talk on a port of its own, which is opened again, and the talk begun anew, when the port is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

from tpayd.device_broker.drivers.driver import LineSettings
from tpayd.device_broker.drivers.events import Identity
from tpayd.device_broker.drivers.firmware import (
    FirmwareEnd,
    FirmwareEnded,
    FirmwareTalk,
    FirmwareTurn,
    ReaderSeen,
    Transferred,
)
from tpayd.device_broker.port import Port
from tpayd.kit.clock import Clock

__all__ = ["LineWork", "Patience"]

_TICK_S = 0.05


class Patience(Struct, frozen=True):
    """How long a reader is waited for, seconds."""

    first_s: float = 20.0
    """Until it has answered for the first time."""
    stuck_s: float = 180.0
    """In a transfer, without a byte more that the reader holds: a cable is put back, a reader switched on again."""
    total_s: float = 3600.0
    reopen_min_s: float = 0.2
    reopen_max_s: float = 2.0


class LineWork:
    """See the module. `begin` makes a talk for each opening; `on_held` hears how much of the image the reader holds."""

    def __init__(
        self,
        where: str,
        line: LineSettings,
        begin: Callable[[], FirmwareTalk],
        clock: Clock,
        patience: Patience,
        *,
        on_held: Callable[[int], None] = lambda _: None,
        on_lost: Callable[[str], None] = lambda _: None,
        locate: Callable[[str], str] | None = None,
    ) -> None:
        self.seen: Identity | None = None
        self.held_bytes = 0
        self.resumed_at_bytes: int | None = None
        """What the reader held at first; None: it was not asked yet."""
        self._begin = begin
        self._clock = clock
        self._patience = patience
        self._on_held = on_held
        self._on_lost = on_lost
        self._talk: FirmwareTalk | None = None
        self._last = FirmwareEnded(FirmwareEnd.LOST, "the port did not open")
        self._over: asyncio.Future[FirmwareEnded] = asyncio.get_running_loop().create_future()
        self._moved_us = clock.monotonic_us()
        self._port = Port(
            where, line, self,
            reopen_min_s=patience.reopen_min_s, reopen_max_s=patience.reopen_max_s, locate=locate,
        )  # fmt: skip

    @property
    def touched(self) -> bool:
        """Whether the reader may have lost the firmware that it had."""
        return self.resumed_at_bytes is not None

    async def run(self) -> FirmwareEnded:
        """Until the talk ends, or patience does. The port is closed then."""
        began_us = self._moved_us = self._clock.monotonic_us()
        self._port.start()
        try:
            while not self._over.done():
                await asyncio.wait({self._over}, timeout=_TICK_S)
                now_us = self._clock.monotonic_us()
                self._tick(now_us)
                limit_s = self._patience.stuck_s if self.touched else self._patience.first_s
                if now_us - self._moved_us > limit_s * 1e6 or now_us - began_us > self._patience.total_s * 1e6:
                    return self._last
            return self._over.result()
        finally:
            self._talk = None
            self._port.close()

    # What the port tells

    def on_open(self) -> None:
        self._talk = talk = self._begin()
        self._follow(talk.begin(self._clock.monotonic_us()))

    def on_data(self, data: bytes) -> None:
        if self._talk is not None:
            self._follow(self._talk.received(data, self._clock.monotonic_us()))

    def on_lost(self, why: str) -> None:
        self._talk = None
        self._last = FirmwareEnded(FirmwareEnd.LOST, why)
        self._on_lost(why)

    # How

    def _tick(self, now_us: int) -> None:
        self._port.look()
        talk = self._talk
        if talk is not None and talk.deadline_us is not None and now_us >= talk.deadline_us:
            self._follow(talk.tick(now_us))

    def _follow(self, turn: FirmwareTurn) -> None:
        if turn.out:
            self._port.write(turn.out)
        for told in turn.told:
            match told:
                case ReaderSeen():
                    self.seen = told.identity
                    self._moved_us = self._clock.monotonic_us()
                case Transferred():
                    self._holds(told.held_bytes)
                case FirmwareEnded(end=FirmwareEnd.LOST):
                    self._port.drop(told.detail)
                    return
                case FirmwareEnded():
                    if not self._over.done():
                        self._over.set_result(told)

    def _holds(self, held_bytes: int) -> None:
        if self.resumed_at_bytes is None:
            self.resumed_at_bytes = held_bytes
        if held_bytes != self.held_bytes:
            self._moved_us = self._clock.monotonic_us()
        self.held_bytes = held_bytes
        self._port.settled()
        self._on_held(held_bytes)
