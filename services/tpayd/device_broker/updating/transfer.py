"""One image into one reader, from the bar to its new start."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from msgspec import Struct

from tpayd.device_broker.drivers.driver import DriverKind, LineSettings
from tpayd.device_broker.drivers.events import Identity
from tpayd.device_broker.drivers.firmware import FirmwareEnd, FirmwareImage, FirmwareMaker, TransferFirmware
from tpayd.device_broker.examination import Examination
from tpayd.device_broker.finding.probe import ask_who
from tpayd.device_broker.reader import Reader, local_time
from tpayd.device_broker.updating import refusals
from tpayd.device_broker.updating.line_work import LineWork, Patience
from tpayd.kit.bus import CallError
from tpayd.kit.clock import Clock
from tpayd_contracts.firmware import FirmwareProgress, FirmwareStep, TransferredFirmware

__all__ = ["START_LIMIT_S", "Place", "Tell", "Transfer"]

START_LIMIT_S = 60.0
"""For a reader to start with its new firmware; a large one checks itself for half a minute."""
_QUIET_S = 0.5
"""A reader that starts says nothing: what is asked too early is asked again only after an init's whole wait."""
_ASK_AGAIN_S = 0.5
_TOLD_US = 250_000
"""Between two words on how far it is."""

Tell = Callable[[FirmwareProgress], None]


class Place(Struct, frozen=True):
    """Where a reader is."""

    name: str
    """For people: the device, or the port."""
    where: str
    """As a `Port` takes it."""
    kind: DriverKind
    maker: FirmwareMaker
    baud: int
    reader: Reader | None = None
    """The configured device there, if there is one."""

    @property
    def line(self) -> LineSettings:
        return LineSettings(self.baud, self.kind.line.parity, self.kind.line.stop_bits)


class Transfer:
    """See the module. The caller has seen to it that nobody else has the reader."""

    def __init__(
        self,
        place: Place,
        image: FirmwareImage,
        content: bytes,
        clock: Clock,
        patience: Patience,
        locate: Callable[[str], str],
        tell: Tell,
    ) -> None:
        self._place = place
        self._image = image
        self._content = content
        self._clock = clock
        self._tell = tell
        self._told_us = 0
        self._work = LineWork(
            place.where, place.line, lambda: place.maker.create(self._job()), clock, patience,
            on_held=self._holds, on_lost=self._lost, locate=locate,
        )  # fmt: skip

    @property
    def touched(self) -> bool:
        """Whether the reader may have lost the firmware that it had."""
        return self._work.touched

    async def run(self) -> TransferredFirmware:
        """Raises CallError."""
        began_us = self._clock.monotonic_us()
        name, version = self._place.name, self._image.version
        ended = await self._work.run()
        if ended.end is not FirmwareEnd.INSTALLED:
            raise refusals.ended(name, ended, touched=self.touched)
        self._tell(FirmwareProgress(FirmwareStep.RESTARTING, f"{name} starts with {version}"))
        identity = await self._started()
        if identity.firmware != version:
            raise refusals.reports_another(name, version, identity.firmware)
        took_ms = (self._clock.monotonic_us() - began_us) // 1000
        return TransferredFirmware(
            identity.firmware, identity.serial_number, self._work.resumed_at_bytes or 0, took_ms
        )  # fmt: skip

    def _job(self) -> TransferFirmware:
        return TransferFirmware(local_time(self._clock), self._image, self._content, os.urandom(32))

    def _holds(self, held_bytes: int) -> None:
        now_us = self._clock.monotonic_us()
        if held_bytes < len(self._content) and now_us - self._told_us < _TOLD_US:
            return
        self._told_us = now_us
        self._progress(FirmwareStep.TRANSFERRING, f"{self._image.version} goes to {self._place.name}", held_bytes)

    def _lost(self, why: str) -> None:
        held = self._work.held_bytes
        self._progress(FirmwareStep.WAITING, f"{self._place.name} is away ({why}): it goes on when it is back", held)

    def _progress(self, step: FirmwareStep, text: str, held_bytes: int) -> None:
        self._tell(FirmwareProgress(step, text[:1024], held_bytes, len(self._content)))

    async def _started(self) -> Identity:
        """Who it says it is after its start. Raises CallError."""
        reader = self._place.reader
        await asyncio.sleep(_QUIET_S)
        if reader is not None:
            reader.take_back()
        why = "it does not answer"
        try:
            async with asyncio.timeout(START_LIMIT_S):
                while True:
                    identity, why = await (self._asked() if reader is None else _examined(reader))
                    if identity is not None:
                        return identity
                    await asyncio.sleep(_ASK_AGAIN_S)
        except TimeoutError:
            raise refusals.did_not_take(self._place.name, why) from None

    async def _asked(self) -> tuple[Identity | None, str]:
        place = self._place
        reply = await ask_who(place.where, place.kind, place.baud, self._clock, lambda: local_time(self._clock))
        identity = reply.identity
        if identity is not None and identity.boot_loader:
            raise refusals.did_not_take(place.name, "it has only its boot loader")
        return identity, reply.text or reply.heard.value


async def _examined(reader: Reader) -> tuple[Identity | None, str]:
    """What came of the next start; without an identity it was too early, or the port is still away."""
    heard: asyncio.Future[Examination] = asyncio.get_running_loop().create_future()

    def on_examined(seen: Examination) -> None:
        if not heard.done():
            heard.set_result(seen)

    try:
        reader.examine(on_examined)
    except CallError as error:
        return None, error.message
    seen = await heard
    if seen.identity is None or (seen.passed and not seen.identity.boot_loader):
        return seen.identity, seen.problem
    raise refusals.did_not_take(reader.name, seen.problem)
