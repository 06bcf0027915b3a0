"""The operations `firmware.*`: what there is for which reader, its mode, an update, and what came of the last ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import structs

from tpayd.kit.bus import CallError, Request
from tpayd.kit.device_list import list_devices
from tpayd.kit.house import House
from tpayd.kit.paging import Page, within
from tpayd.updater.errors import UpdateError
from tpayd.updater.firmware import refusals
from tpayd.updater.firmware.book import Book, Pending
from tpayd.updater.firmware.choosing import Choice, ModeRefusedError, ReaderFacts, check_mode, choose, is_too_old
from tpayd.updater.firmware.description import FirmwareDescription, version_key
from tpayd.updater.firmware.offers import Offers
from tpayd.updater.firmware.updates import Updates
from tpayd.updater.settings import UpdaterSettings
from tpayd_contracts import firmware as contract
from tpayd_contracts.device import Device
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.firmware import (
    FirmwareStanding,
    FirmwareVerdict,
    IdentifiedReader,
    OfferedFirmware,
    WhichReader,
)

if TYPE_CHECKING:
    from tpayd.updater.trusted import TrustedRepository

__all__ = ["FirmwareDesk"]

OFFERS_MAX_BYTES = 16 * 1024
"""On the first page, beside the readers."""
_IDENTIFY_S = 45.0
_RESUME_S = 120.0
"""For the broker and the reader to be back when an update is resumed."""
_AGAIN_S = 1.0
_NEWER = (FirmwareVerdict.UPDATE, FirmwareVerdict.ASK_MODE)


class FirmwareDesk:
    """See the module. `open_repository` may raise UpdateError; it is called in a thread, when first needed."""

    def __init__(self, house: House[UpdaterSettings], open_repository: Callable[[], TrustedRepository]) -> None:
        self._house = house
        self._log = house.log
        self._families = house.settings.reader_families
        self._broker = house.caller("device_broker")
        self._book = Book(house.instance.data_of(house.name))
        self._offers = Offers(open_repository)
        self.updates = Updates(house, self._book, self._offers)
        self._resuming: asyncio.Task[None] | None = None
        waiting = house.metrics.gauge("firmware_newer", "Readers for which newer firmware was offered at the last look")
        self._waiting = waiting.set
        self._waiting(0)
        self._newer: set[str] = set()

    def start(self) -> None:
        """Serve, and take up what was under way at the last end. A book that is damaged keeps nobody from updating."""
        try:
            self._book.load()
        except (OSError, ValueError) as error:
            self._log.error(
                "firmware.unreadable", file=str(self._book.path), why=str(error),
                then="communication modes are asked for again",
            )  # fmt: skip
        server = self._house.server
        server.handle(contract.FIRMWARE_CHECK, self._check)
        server.handle(contract.FIRMWARE_UPDATE, self._update)
        server.handle(contract.FIRMWARE_MODE, self._mode)
        server.handle(contract.FIRMWARE_HISTORY, self._history)
        if self._book.pending:
            self._resuming = asyncio.create_task(self._resume(self._book.pending))

    def any_pending(self) -> bool:
        """Whether an update was begun of which no end is known: its image is still needed, offered or not."""
        return bool(self._book.pending)

    async def stop(self) -> None:
        """What is under way is taken up at the next start."""
        if self._resuming is not None:
            self._resuming.cancel()
        await self.updates.stop()

    # The operations

    async def _check(self, _: Request, body: contract.CheckFirmware) -> contract.FirmwareReport:
        one = body.device is not None or body.port is not None
        if body.after is not None and not one:
            return await self._page(body.after)
        problem = await self._look() if body.refresh else ""
        if one:
            page = contract.FirmwareReport((self._standing(await self._identified(_which(body))),))
        else:
            page = await self._page(None)
        problems = [problem, *self._offers.skipped] if problem else list(self._offers.skipped)
        return structs.replace(
            page, offers=within(OFFERS_MAX_BYTES, self._told()), problem="; ".join(problems)[:1024]
        )  # fmt: skip

    async def _page(self, after: str | None) -> contract.FirmwareReport:
        """The readers whose names come after that one, as many as a page holds."""
        known = {device.name: device for device in await list_devices(self._broker)}
        page: Page[FirmwareStanding] = Page(known, after)
        for name in page.wanted:
            if not page.put(await self._standing_of(known[name])):
                break
        looked_at = {each.device: each.verdict in _NEWER for each in page.items}
        self._newer = {name for name in known if looked_at.get(name, name in self._newer)}
        self._waiting(len(self._newer))
        return contract.FirmwareReport(page.items, next=page.next)

    async def _update(self, request: Request, body: contract.UpdateFirmware) -> contract.FirmwareResult:
        which = _which(body)
        reader = await self._identified(which)
        wanted = body.version or ""
        joined = await self.updates.join(reader.serial_number, request.progress, wanted)
        if joined is not None:
            return joined
        problem = await self._look()
        choice = self._choice(reader, wanted=wanted, again=body.again)
        if choice.verdict is not FirmwareVerdict.UPDATE or choice.offer is None:
            raise refusals.not_updated(choice, problem)
        if reader.lent:
            raise refusals.lent(reader.device or reader.port)
        by = request.principal or request.caller
        if reader.device is not None:
            which = WhichReader(device=reader.device)
        return await self.updates.begin(which, reader, choice.offer, by, request.progress)

    async def _mode(self, _: Request, body: contract.SetFirmwareMode) -> FirmwareStanding:
        which = WhichReader(device=body.device, port=body.port, driver=body.driver, baud=body.baud)
        reader = await self._identified(which)
        if not self._offers.known:
            await self._look()
        modes = self._choice(reader).modes
        try:
            check_mode(self._facts(reader), self._families, modes, body.mode)
        except ModeRefusedError as error:
            raise refusals.mode_refused(error) from None
        if not body.confirm:
            raise refusals.unconfirmed(reader.device or reader.port, body.mode)
        at_ms = self._house.clock.unix_ms()
        try:
            await asyncio.to_thread(self._book.remember_mode, reader.serial_number, reader.model, body.mode, at_ms)
        except OSError as error:
            raise refusals.not_saved(str(error)) from None
        self._log.info("firmware.mode", device=reader.device, serial_number=reader.serial_number, mode=body.mode)
        return self._standing(reader)

    def _history(self, _: Request, body: contract.FirmwareHistoryQuery) -> contract.FirmwareHistory:
        return contract.FirmwareHistory(self._book.history[: body.limit])

    # Readers and offers

    async def _look(self) -> str:
        """Ask the vendors; why that did not go well, and then what was known before stands."""
        try:
            await asyncio.to_thread(self._offers.look, [family.vendor for family in self._families])
        except UpdateError as error:
            return str(error)
        return ""

    async def _identified(self, which: WhichReader) -> IdentifiedReader:
        """Raises CallError."""
        if (which.device is None) is (which.port is None):
            raise refusals.which()
        return await self._broker.call(contract.FIRMWARE_IDENTIFY, which, ttl_s=_IDENTIFY_S)

    async def _standing_of(self, device: Device) -> FirmwareStanding:
        try:
            return self._standing(await self._identified(WhichReader(device=device.name)))
        except CallError as error:
            return FirmwareStanding(
                port=device.port, device=device.name, verdict=FirmwareVerdict.REFUSED, text=error.message[:1024]
            )  # fmt: skip

    def _facts(self, reader: IdentifiedReader) -> ReaderFacts:
        return ReaderFacts(
            name=reader.device or reader.port, model=reader.model, firmware=reader.firmware,
            boot_loader=reader.boot_loader, reported_mode=reader.mode, able=reader.able,
            remembered_mode=self._book.mode_of(reader.serial_number, reader.model),
        )  # fmt: skip

    def _choice(self, reader: IdentifiedReader, *, wanted: str = "", again: bool = False) -> Choice:
        return choose(
            self._facts(reader), self._offers.known, self._families, self._house.version, wanted=wanted, again=again
        )  # fmt: skip

    def _standing(self, reader: IdentifiedReader) -> FirmwareStanding:
        choice, facts = self._choice(reader), self._facts(reader)
        offer = choice.offer
        notes = offer.notes if offer is not None else {}
        return FirmwareStanding(
            port=reader.port, device=reader.device, verdict=choice.verdict, text=choice.text[:1024],
            model=reader.model, serial_number=reader.serial_number, firmware=reader.firmware,
            boot_loader=reader.boot_loader, vendor=choice.vendor, target=offer.version if offer else "",
            size_bytes=offer.size_bytes if offer else 0, reported_mode=reader.mode,
            mode=choice.mode or facts.remembered_mode, modes=choice.modes, notes=notes.get("en", ""),
            notes_ko=notes.get("ko", ""), updating=self.updates.has(reader.serial_number),
        )  # fmt: skip

    def _told(self) -> tuple[OfferedFirmware, ...]:
        def order(offer: FirmwareDescription) -> object:
            return offer.vendor, offer.model, offer.mode

        newest_first = sorted(self._offers.known, key=lambda each: version_key(each.version), reverse=True)
        return tuple(
            OfferedFirmware(
                each.vendor, each.model, each.mode, each.version, each.size_bytes, each.min_daemon, self._too_old(each)
            )
            for each in sorted(newest_first, key=order)  # type: ignore[arg-type]  # all of one shape
        )

    def _too_old(self, offer: FirmwareDescription) -> str:
        if not is_too_old(self._house.version, offer.min_daemon):
            return ""
        return f"needs tpayd {offer.min_daemon}: first `tpayd update apply`"

    # What was under way

    async def _resume(self, pending: tuple[Pending, ...]) -> None:
        for each in pending:
            try:
                async with asyncio.timeout(_RESUME_S):
                    reader, offer = await self._found_again(each)
                self._log.info("firmware.resumed", serial_number=each.serial_number, target=each.target)
                await self.updates.resume(each, reader, offer)
            except (CallError, TimeoutError) as error:
                # It stays noted; whoever asks for the update takes it up.
                why = error.message if isinstance(error, CallError) else "the reader did not come back"
                self._log.warning("firmware.not_resumed", serial_number=each.serial_number, why=why)

    async def _found_again(self, pending: Pending) -> tuple[IdentifiedReader, FirmwareDescription]:
        while True:
            try:
                reader = await self._identified(pending.which)
                if reader.serial_number != pending.serial_number:
                    raise refusals.another_reader(pending.serial_number, reader.serial_number)
                offer = await asyncio.to_thread(self._offers.describe, pending.target)
            except UpdateError as error:
                self._log.info("firmware.waits", why=str(error))
            except CallError as error:
                if not error.retryable and error.code not in (ErrorCode.PEER_LOST, ErrorCode.UNAVAILABLE):
                    raise
            else:
                return reader, offer
            await asyncio.sleep(_AGAIN_S)


def _which(body: contract.CheckFirmware | contract.UpdateFirmware) -> WhichReader:
    return WhichReader(device=body.device, port=body.port, driver=body.driver, baud=body.baud)
