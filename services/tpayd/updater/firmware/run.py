"""One update of one reader, from the image to the last check.

The device broker does the work on the line. Here is what stands around it: who is there, the image, waiting for a
broker that restarts, and what the key manager says of the reader afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from tpayd.kit.bus import Caller, CallError
from tpayd.kit.clock import Clock
from tpayd.kit.key_list import list_keys
from tpayd.updater.errors import UpdateError
from tpayd.updater.firmware import refusals
from tpayd.updater.firmware.description import FirmwareDescription
from tpayd.updater.firmware.offers import Offers
from tpayd.updater.targets import Progress
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.firmware import (
    FIRMWARE_TRANSFER,
    FirmwareProgress,
    FirmwareResult,
    FirmwareStep,
    IdentifiedReader,
    TransferFirmware,
    TransferredFirmware,
    WhichReader,
)
from tpayd_contracts.integrity import INTEGRITY_CHECK, CheckIntegrity, CheckScope
from tpayd_contracts.keys import KeyState

__all__ = ["ADVICE", "Run", "Tell"]

ADVICE = "do a test payment at this reader now, and void it"
_TRANSFER_S = 3600.0
_BROKER_WAIT_S = 300.0
"""A broker that has died or restarts is waited for; the reader says how much it holds by then."""
_AGAIN_S = 1.0
_CHECK_S = 90.0
_GONE = frozenset({ErrorCode.PEER_LOST, ErrorCode.UNAVAILABLE, ErrorCode.DRAINING})

Tell = Callable[[FirmwareProgress], None]


class _Goal(Struct, frozen=True):
    """What goes where."""

    which: WhichReader
    reader: IdentifiedReader
    offer: FirmwareDescription
    home: Path


class Run:
    """See the module."""

    def __init__(
        self,
        which: WhichReader,
        reader: IdentifiedReader,
        offer: FirmwareDescription,
        offers: Offers,
        broker: Caller,
        keys: Caller,
        clock: Clock,
        home: Path,
        tell: Tell,
    ) -> None:
        self._goal = _Goal(which, reader, offer, home)
        self._offers = offers
        self._broker = broker
        self._keys = keys
        self._clock = clock
        self._tell = tell

    @property
    def name(self) -> str:
        """The reader, for people."""
        reader = self._goal.reader
        return reader.device or reader.port

    async def run(self) -> FirmwareResult:
        """Raises CallError."""
        goal = self._goal
        reader, offer = goal.reader, goal.offer
        began_us = self._clock.monotonic_us()
        image = await self._fetch()
        done = await self._transfer(image)
        self._tell(FirmwareProgress(FirmwareStep.CHECKING, f"self-test and key of {self.name}"))
        key_text = "" if reader.device is None else await self._checked(reader.device, reader.reader_id)
        return FirmwareResult(
            port=reader.port, device=reader.device, model=reader.model, serial_number=reader.serial_number,
            before=reader.firmware, after=done.firmware, mode=offer.mode, key_text=key_text, advice=ADVICE,
            took_ms=(self._clock.monotonic_us() - began_us) // 1000,
        )  # fmt: skip

    async def _fetch(self) -> str:
        """The image's place, relative to the instance directory. Raises CallError."""
        offer, loop = self._goal.offer, asyncio.get_running_loop()
        text = f"{offer.image} comes from {offer.vendor}"
        self._tell(FirmwareProgress(FirmwareStep.FETCHING, text, 0, offer.size_bytes))

        def heard(progress: Progress) -> None:
            told = FirmwareProgress(FirmwareStep.FETCHING, text, progress.done_bytes, progress.total_bytes)
            loop.call_soon_threadsafe(self._tell, told)

        try:
            path = await asyncio.to_thread(self._offers.fetch, offer, heard)
        except UpdateError as error:
            raise refusals.not_fetched(error) from None
        return str(path.relative_to(self._goal.home))

    async def _transfer(self, image: str) -> TransferredFirmware:
        """Over deaths of the broker: the next one goes on where the reader is. Raises CallError."""
        goal, offer = self._goal, self._goal.offer
        body = TransferFirmware(
            device=goal.which.device, port=goal.which.port, driver=goal.which.driver, baud=goal.which.baud,
            model=offer.model, mode=offer.mode, version=offer.version, image=image,
            sha256=bytes.fromhex(offer.sha256), ticket=bytes.fromhex(offer.ticket),
            vendor_key=bytes.fromhex(offer.vendor_key),
        )  # fmt: skip
        since_us = self._clock.monotonic_us()

        def heard(progress: Struct) -> None:
            nonlocal since_us
            since_us = self._clock.monotonic_us()
            if isinstance(progress, FirmwareProgress):
                self._tell(progress)

        while True:
            try:
                return await self._broker.call(FIRMWARE_TRANSFER, body, ttl_s=_TRANSFER_S, on_progress=heard)
            except CallError as error:
                if error.code not in _GONE or self._clock.monotonic_us() - since_us > _BROKER_WAIT_S * 1e6:
                    raise
                self._tell(
                    FirmwareProgress(FirmwareStep.WAITING, "the device broker is away: it goes on when it is back")
                )
            await asyncio.sleep(_AGAIN_S)

    async def _checked(self, device: str, reader_id: str) -> str:
        """What the key manager says: self-test and key. Never fails an update that has ended well."""
        try:
            check = CheckIntegrity(CheckScope.READERS, device)
            await self._keys.call(INTEGRITY_CHECK, check, ttl_s=_CHECK_S)
            keys = await list_keys(self._keys)
        except CallError as error:
            return f"self-test and key were not checked ({error.message}): `tpayd integrity check`, `tpayd keys list`"
        mine = [key for key in keys if key.owner == reader_id and key.state is KeyState.ACTIVE]
        if not mine:
            return f"it has no key in force: `tpayd keys exchange --reader {device}`"
        [*_, key] = mine
        return key.note or "its self-test passed, and its key is in force"
