"""firmware.identify and firmware.transfer: who is at a port, and an image into a reader that nobody pays at meanwhile.

A transfer, in order: the reader is barred, noted on disk, and its driver lets go of the port; the image goes over on
a line of its own, over lost cables and power cuts; then the driver opens the port again, and the reader is lent once
it has started with the version that was meant (`unfinished` has the rule). A transfer goes on when its caller has
gone, and who asks for the same again hears how far it is.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping

from tpayd.device_broker import errors
from tpayd.device_broker.drivers import DriverUnknownError, driver_kind
from tpayd.device_broker.drivers.driver import DriverKind
from tpayd.device_broker.drivers.firmware import FirmwareEnd, FirmwareImage, IdentifyFirmware, firmware_of
from tpayd.device_broker.finding.names import full_name, real_path
from tpayd.device_broker.lending import Lending
from tpayd.device_broker.reader import Reader, local_time
from tpayd.device_broker.settings import DeviceBrokerSettings
from tpayd.device_broker.updating import refusals
from tpayd.device_broker.updating.line_work import LineWork, Patience
from tpayd.device_broker.updating.notes import Notes
from tpayd.device_broker.updating.transfer import Place, Tell, Transfer
from tpayd.device_broker.updating.unfinished import Unfinished
from tpayd.kit.bus import CallError, Request
from tpayd.kit.house import House
from tpayd_contracts.device import DeviceState
from tpayd_contracts.firmware import (
    FIRMWARE_IDENTIFY,
    FIRMWARE_TRANSFER,
    FirmwareProgress,
    IdentifiedReader,
    TransferFirmware,
    TransferredFirmware,
    WhichReader,
)

__all__ = ["IMAGE_MAX_BYTES", "FirmwareDesk"]

IMAGE_MAX_BYTES = 64 * 1024 * 1024
_SECONDS = (5, 15, 30, 60, 120, 300, 600, 1800)


class _Running:
    """A transfer under way, and who hears of it."""

    def __init__(self, sha256: bytes) -> None:
        self.sha256 = sha256
        self.task: asyncio.Task[TransferredFirmware] | None = None
        self.last: FirmwareProgress | None = None
        self.hearers: list[Tell] = []

    def tell(self, progress: FirmwareProgress) -> None:
        self.last = progress
        for hearer in self.hearers:
            hearer(progress)


class FirmwareDesk:
    """See the module."""

    def __init__(
        self,
        house: House[DeviceBrokerSettings],
        lending: Lending,
        readers: Mapping[str, Reader],
        notes: Notes,
        locate: Callable[[str], str],
    ) -> None:
        self._home = house.instance.home
        self._clock = house.clock
        self._log = house.log
        self._lending = lending
        self._readers = readers
        self._notes = notes
        self._locate = locate
        settings = house.settings
        self._patience = Patience(
            stuck_s=settings.firmware_patience_s,
            reopen_min_s=settings.reopen_min_s,
            reopen_max_s=settings.reopen_max_s,
        )
        self._running: dict[str, _Running] = {}
        metrics = house.metrics
        ends = metrics.counter("firmware_transfers", "Transfers of firmware into readers, by their end", ["end"])
        self._count: Callable[[str], None] = lambda end: ends.labels(end).inc()
        self._seconds = metrics.histogram(
            "firmware_transfer_seconds", "From the bar to a reader that has started anew", buckets=_SECONDS
        )
        running = metrics.gauge("firmware_transfers_running", "Readers that take firmware now")
        running.set_function(lambda: len(self._running))

    def register(self, house: House[DeviceBrokerSettings]) -> None:
        """Serve from now on."""
        self._notes.start()
        house.server.handle(FIRMWARE_IDENTIFY, self._identify)
        house.server.handle(FIRMWARE_TRANSFER, self._transfer)

    async def stop(self) -> None:
        """Cut off what is under way: the readers go on where they are at the next try."""
        tasks = [running.task for running in self._running.values() if running.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Who is there?

    async def _identify(self, _: Request, body: WhichReader) -> IdentifiedReader:
        kind, reader = self._at(body)
        if reader is not None:
            return self._known(reader, kind)
        place = self._place(body)
        work = LineWork(
            place.where, place.line, lambda: place.maker.create(IdentifyFirmware(local_time(self._clock))),
            self._clock, self._patience, locate=self._locate,
        )  # fmt: skip
        ended = await work.run()
        seen = work.seen
        if seen is None:
            raise refusals.not_connected(place.name, ended.detail or "no answer")
        return IdentifiedReader(
            port=body.port or "", driver=kind.name, model=seen.model, serial_number=seen.serial_number,
            firmware=seen.firmware, reader_id=seen.reader_id, mode=seen.mode, boot_loader=seen.boot_loader,
            able=ended.end is FirmwareEnd.IDENTIFIED,
        )  # fmt: skip

    def _known(self, reader: Reader, kind: DriverKind) -> IdentifiedReader:
        """What a configured reader has said at its start."""
        seen = reader.identity
        if seen is None:
            raise refusals.not_connected(reader.name, reader.detail or "it has not answered yet")
        return IdentifiedReader(
            device=reader.name, port=reader.settings.port, driver=kind.name, model=seen.model,
            serial_number=seen.serial_number, firmware=seen.firmware, reader_id=seen.reader_id, mode=seen.mode,
            boot_loader=seen.boot_loader, able=firmware_of(kind) is not None,
            lent=self._lending.is_lent(reader.name),
        )  # fmt: skip

    # An image into it

    async def _transfer(self, request: Request, body: TransferFirmware) -> TransferredFirmware:
        place = self._place(body)
        key = place.reader.name if place.reader is not None else real_path(place.where)
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = _Running(body.sha256)
            running.task = asyncio.create_task(self._work(key, place, body, running))
            running.task.add_done_callback(lambda task: self._over(key, task))
        elif running.sha256 != body.sha256:
            raise refusals.another_image(place.name)
        elif running.last is not None:
            request.progress(running.last)
        assert running.task is not None  # noqa: S101
        running.hearers.append(request.progress)
        try:
            # Who goes away leaves the reader to its image.
            return await asyncio.shield(running.task)
        finally:
            running.hearers.remove(request.progress)

    async def _work(self, key: str, place: Place, body: TransferFirmware, running: _Running) -> TransferredFirmware:
        content = await asyncio.to_thread(self._content, body)
        image = FirmwareImage(body.model, body.mode, body.version, body.sha256, body.ticket, body.vendor_key)
        transfer = Transfer(place, image, content, self._clock, self._patience, self._locate, running.tell)
        if place.reader is None:
            return await transfer.run()
        return await self._work_on(place.reader, transfer, body.version)

    async def _work_on(self, reader: Reader, transfer: Transfer, version: str) -> TransferredFirmware:
        name = reader.name
        self._free(reader)
        before = self._notes.of(name)
        had = "" if reader.identity is None or reader.identity.boot_loader else reader.identity.firmware
        self._notes.begin(Unfinished(name, version, before.before if before else had, self._clock.unix_ms()))
        try:
            await self._notes.save()
            self._free(reader)
        except CallError:
            self._notes.untouched(before, name)
            raise
        reader.hand_over(f"its firmware is being updated to {version}")
        self._log.info("firmware.transfer", device=name, version=version)
        try:
            return await transfer.run()
        finally:
            if reader.handed_over:
                reader.take_back()
            if transfer.touched:
                self._notes.end(name)
            else:
                self._notes.untouched(before, name)

    def _free(self, reader: Reader) -> None:
        """Raises CallError while somebody has the reader."""
        if self._lending.state(reader.name) is DeviceState.LEASED:
            raise refusals.in_use(reader.name, self._lending.holder(reader.name))

    def _over(self, key: str, task: asyncio.Task[TransferredFirmware]) -> None:
        self._running.pop(key, None)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            done = task.result()
            self._count("installed")
            self._seconds.observe(done.took_ms / 1000)
            self._log.info("firmware.installed", reader=key, version=done.firmware, took_ms=done.took_ms)
        elif isinstance(error, CallError):
            self._count(error.detail or error.code.value)
            self._log.warning("firmware.not_installed", reader=key, why=error.message)
        else:
            self._count("internal")
            self._log.error("firmware.not_installed", reader=key, why=repr(error))

    def _content(self, body: TransferFirmware) -> bytes:
        """The image, checked once more: what was verified may have been changed on disk since. Raises CallError."""
        path = self._home / body.image
        try:
            if path.is_symlink() or not 0 < path.stat().st_size <= IMAGE_MAX_BYTES:
                raise refusals.image_unusable(f"{body.image} is no file of 1 to {IMAGE_MAX_BYTES} bytes")
            content = path.read_bytes()
        except OSError as error:
            raise refusals.image_unusable(str(error)) from None
        if hashlib.sha256(content).digest() != body.sha256:
            raise refusals.image_unusable(f"{body.image} is not the file that was signed")
        return content

    def _at(self, body: WhichReader) -> tuple[DriverKind, Reader | None]:
        """What is spoken there, and the configured reader if there is one. Raises CallError."""
        if (body.device is None) is (body.port is None):
            raise refusals.which()
        if body.device is None:
            reader = self._reader_at(body.port or "")
            return (_kind(body.driver) if reader is None else reader.kind), reader
        known = self._readers.get(body.device)
        if known is None:
            raise errors.not_configured(body.device)
        return known.kind, known

    def _place(self, body: WhichReader) -> Place:
        """Where a reader that can be updated is. Raises CallError."""
        kind, reader = self._at(body)
        maker = firmware_of(kind)
        if maker is None:
            raise refusals.not_able(kind.name)
        if reader is not None:
            return Place(reader.name, reader.port.name, kind, maker, reader.baud, reader)
        port = body.port or ""
        return Place(port, full_name(port, self._home), kind, maker, body.baud or kind.line.baud)

    def _reader_at(self, port: str) -> Reader | None:
        """The configured reader at a port that was told by hand."""
        full = real_path(full_name(port, self._home))
        for reader in self._readers.values():
            places = {reader.port.name, reader.port.where or reader.port.name}
            if reader.settings.port == port or full in map(real_path, places):
                return reader
        return None


def _kind(driver: str) -> DriverKind:
    try:
        return driver_kind(driver)
    except DriverUnknownError as error:
        raise refusals.no_such_driver(str(error)) from None
