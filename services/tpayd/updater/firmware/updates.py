"""The updates under way: one per reader, joined by whoever asks for the same, taken up again after a death.

What was begun is in the book before the image leaves for the reader, and its end when it is known. An updater that is
killed finds it there: the reader may have but its boot loader, and nobody pays at it until it is finished.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tpayd.kit.bus import CallError
from tpayd.kit.house import House
from tpayd.updater.firmware import refusals
from tpayd.updater.firmware.book import Book, Pending
from tpayd.updater.firmware.description import FirmwareDescription
from tpayd.updater.firmware.offers import Offers
from tpayd.updater.firmware.run import Run, Tell
from tpayd.updater.settings import UpdaterSettings
from tpayd_contracts.firmware import (
    TOPIC_FIRMWARE,
    FirmwareEvent,
    FirmwareOutcome,
    FirmwareProgress,
    FirmwareRecord,
    FirmwareResult,
    FirmwareStep,
    IdentifiedReader,
    WhichReader,
)

__all__ = ["Updates"]

_SECONDS = (10, 30, 60, 120, 300, 600, 1800)
_TENTHS = 10
_TEXT_MAX = 1024


class _UnderWay:
    """One of them, and who hears of it."""

    def __init__(self, pending: Pending, offer: FirmwareDescription, device: str | None, port: str) -> None:
        self.pending = pending
        self.offer = offer
        self.device = device
        self.port = port
        self.task: asyncio.Task[FirmwareResult] | None = None
        self.last: FirmwareProgress | None = None
        self.hearers: list[Tell] = []


class Updates:
    """See the module."""

    def __init__(self, house: House[UpdaterSettings], book: Book, offers: Offers) -> None:
        self._house = house
        self._clock = house.clock
        self._log = house.log
        self._book = book
        self._offers = offers
        self._broker = house.caller("device_broker")
        self._keys = house.caller("key_manager")
        self._running: dict[str, _UnderWay] = {}
        metrics = house.metrics
        ends = metrics.counter("firmware_updates", "Updates of readers' firmware, by their outcome", ["outcome"])
        self._count: Callable[[FirmwareOutcome], None] = lambda outcome: ends.labels(outcome.value).inc()
        for outcome in FirmwareOutcome:
            ends.labels(outcome.value)
        self._seconds = metrics.histogram(
            "firmware_update_seconds", "From the order to the last check of the reader", buckets=_SECONDS
        )
        running = metrics.gauge("firmware_updates_running", "Readers that are being updated now")
        running.set_function(lambda: len(self._running))

    @property
    def any(self) -> bool:
        """Whether a reader is being updated now."""
        return bool(self._running)

    def has(self, serial_number: str) -> bool:
        """Whether this reader is."""
        return serial_number in self._running

    async def join(self, serial_number: str, tell: Tell, wanted: str) -> FirmwareResult | None:
        """The end of the update under way, if there is one. Raises CallError."""
        under_way = self._running.get(serial_number)
        if under_way is None:
            return None
        if wanted and wanted != under_way.offer.version:
            raise refusals.another(under_way.device or under_way.port)
        if under_way.last is not None:
            tell(under_way.last)
        return await self._heard(under_way, tell)

    async def begin(
        self, which: WhichReader, reader: IdentifiedReader, offer: FirmwareDescription, by: str, tell: Tell
    ) -> FirmwareResult:
        """Update it; goes on when the caller goes away. Raises CallError."""
        target = f"firmware/{offer.vendor}/{offer.model}-{offer.mode}-{offer.version}.json"
        pending = Pending(
            which=which, serial_number=reader.serial_number, model=reader.model, before=reader.firmware, target=target,
            by=by[:64], began_ms=self._clock.unix_ms(),
        )  # fmt: skip
        return await self._heard(await self._start(pending, reader, offer), tell)

    async def resume(self, pending: Pending, reader: IdentifiedReader, offer: FirmwareDescription) -> None:
        """Take up what a former updater has begun."""
        under_way = await self._start(pending, reader, offer)
        assert under_way.task is not None  # noqa: S101
        await asyncio.wait({under_way.task})

    async def stop(self) -> None:
        """They are taken up at the next start."""
        self._offers.stop.set()
        tasks = [under_way.task for under_way in self._running.values() if under_way.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _start(self, pending: Pending, reader: IdentifiedReader, offer: FirmwareDescription) -> _UnderWay:
        under_way = _UnderWay(pending, offer, reader.device, reader.port)
        self._running[pending.serial_number] = under_way
        try:
            await asyncio.to_thread(self._book.begin, pending)
        except OSError as error:
            del self._running[pending.serial_number]
            raise refusals.not_saved(str(error)) from None
        run = Run(
            pending.which, reader, offer, self._offers, self._broker, self._keys, self._clock,
            self._house.instance.home, lambda progress: self._told(under_way, progress),
        )  # fmt: skip
        under_way.task = asyncio.create_task(self._run(under_way, run))
        return under_way

    async def _run(self, under_way: _UnderWay, run: Run) -> FirmwareResult:
        pending, offer = under_way.pending, under_way.offer
        self._log.info(
            "firmware.update", device=under_way.device, port=under_way.port, model=pending.model,
            before=pending.before, version=offer.version, mode=offer.mode, by=pending.by,
        )  # fmt: skip
        try:
            done = await run.run()
        except CallError as error:
            await self._end(under_way, FirmwareOutcome.FAILED, error.message)
            raise
        else:
            await self._end(under_way, FirmwareOutcome.UPDATED, done.key_text, done.took_ms)
            return done
        finally:
            self._running.pop(pending.serial_number, None)

    async def _end(self, under_way: _UnderWay, outcome: FirmwareOutcome, text: str, took_ms: int = 0) -> None:
        pending, offer = under_way.pending, under_way.offer
        record = FirmwareRecord(
            at_ms=self._clock.unix_ms(), device=under_way.device or "", model=pending.model,
            serial_number=pending.serial_number, before=pending.before, after=offer.version, mode=offer.mode,
            outcome=outcome, by=pending.by, text=text[:_TEXT_MAX], took_ms=took_ms,
        )  # fmt: skip
        try:
            await asyncio.to_thread(self._book.end, pending.serial_number, record)
        except OSError as error:
            # It is resumed at the next start, and finds that there is nothing to be done.
            self._log.error("firmware.not_noted", why=str(error))
        self._count(outcome)
        if outcome is FirmwareOutcome.UPDATED:
            self._seconds.observe(took_ms / 1000)
            self._told(under_way, FirmwareProgress(FirmwareStep.DONE, f"{offer.version} is in the reader"))
            self._log.info("firmware.updated", device=under_way.device, version=offer.version, took_ms=took_ms)
        else:
            self._told(under_way, FirmwareProgress(FirmwareStep.FAILED, text[:_TEXT_MAX]))
            self._log.warning("firmware.not_updated", device=under_way.device, version=offer.version, why=text)

    async def _heard(self, under_way: _UnderWay, tell: Tell) -> FirmwareResult:
        assert under_way.task is not None  # noqa: S101
        under_way.hearers.append(tell)
        try:
            return await asyncio.shield(under_way.task)
        finally:
            under_way.hearers.remove(tell)

    def _told(self, under_way: _UnderWay, progress: FirmwareProgress) -> None:
        last, under_way.last = under_way.last, progress
        for hearer in under_way.hearers:
            hearer(progress)
        if last is not None and last.step is progress.step and _tenth(last) == _tenth(progress):
            return
        event = FirmwareEvent(
            port=under_way.port, device=under_way.device, progress=progress, at_ms=self._clock.unix_ms(),
            version=under_way.offer.version, model=under_way.pending.model,
        )  # fmt: skip
        self._house.publisher.publish(TOPIC_FIRMWARE, event)


def _tenth(progress: FirmwareProgress) -> int:
    return progress.done_bytes * _TENTHS // progress.of_bytes if progress.of_bytes else -1
