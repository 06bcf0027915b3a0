"""The process log_shipper: its operations, its events, and how ready it is."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from tpayd.kit.bus import CallError, Request
from tpayd.kit.leaks import leaks_in
from tpayd.kit.process import House
from tpayd.log_shipper.collecting import log_use
from tpayd.log_shipper.crashes import CrashWatch, may_ship
from tpayd.log_shipper.gauges import Gauges
from tpayd.log_shipper.outbox import Entry, Outbox
from tpayd.log_shipper.queue import ENDED
from tpayd.log_shipper.settings import LogShipperSettings
from tpayd.log_shipper.shipper import Shipper
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.health import Dependency, Readiness
from tpayd_contracts.logs import (
    LOGS_SHIP,
    LOGS_STATUS,
    Bundle,
    BundleState,
    LogsStatus,
    ShipLogs,
    ShipPriority,
    ShipProgress,
)
from tpayd_contracts.operation import Empty

__all__ = ["LogShipper"]

WAITING_MAX = 32
"""Bundles that wait at once; each holds all the logs that are kept, so that more say nothing new."""
_ANSWER_BEFORE_END_S = 1.0
_CRASH_LOOK_S = 2.0
_CRASH_SPAN_MS = 86_400_000
"""Of the logs, a crash's bundle takes the last day."""
_BEHIND_MS = 3_600_000
"""A bundle that has not left for this long makes the process `degraded`."""


class LogShipper:
    """See the package."""

    def __init__(self, house: House[LogShipperSettings]) -> None:
        self._house = house
        self._settings = house.settings
        self._outbox = Outbox(house.instance.data_of(house.name) / "outbox", house.log)
        self._gauges = Gauges(house.metrics, self._outbox, house.clock.unix_ms, house.settings.outbox_mib * 1024 * 1024)
        self._shipper = Shipper(house, self._outbox, self._gauges)
        self._crashes: CrashWatch | None = None

    async def start(self) -> None:
        house = self._house
        house.server.handle(LOGS_SHIP, self._ship)
        house.server.handle(LOGS_STATUS, self._status, while_draining=True)
        self._outbox.open()
        self._gauges.last_shipped.set((self._last_success_ms() or 0) / 1000)
        self._shipper.start()
        if self._settings.on_crash != "off":
            record = self._outbox.directory / "crashes.seen"
            self._crashes = CrashWatch(house.instance.log / "supervisord.log", record)
            house.call_every(_CRASH_LOOK_S, self._look_for_crashes)

    async def drain(self) -> None:
        await self._shipper.stop()

    async def stop(self) -> None:
        await self._shipper.stop()

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        now_ms = self._house.clock.unix_ms()
        behind = [one for one in self._outbox.waiting if one.tries and now_ms - one.asked_ms > _BEHIND_MS]
        dependencies = tuple(Dependency(f"bundle {one.id}", ok=False, detail=one.detail) for one in behind[:1])
        return (Readiness.DEGRADED if behind else Readiness.READY), dependencies

    async def _ship(self, request: Request, body: ShipLogs) -> Bundle:
        known = self._outbox.entries.get(request.key or "") or self._same(request, body)
        if known is None:
            known = self._take(body, request.key or str(uuid.uuid4()), request.principal or request.caller)
        return await self._followed(request, known.bundle) if body.wait else known.bundle

    def _same(self, request: Request, body: ShipLogs) -> Entry | None:
        """A bundle that waits and has the same logs in it, where the client gives no key to tell its requests apart."""
        if request.key is not None:
            return None
        by = request.principal or request.caller
        for entry in self._outbox.entries.values():
            wanted = (entry.bundle.by, entry.bundle.priority, entry.since_ms, entry.until_ms, entry.services)
            if entry.bundle.state is BundleState.ASKED and wanted == (
                by, body.priority, body.since_ms, body.until_ms, body.services
            ):  # fmt: skip
                return entry
        return None

    def _take(self, body: ShipLogs, identity: str, by: str) -> Entry:
        """Put a request into the outbox. Raises CallError; nothing has happened then."""
        self._check(body)
        bundle = Bundle(
            id=identity, state=BundleState.ASKED, priority=body.priority, asked_ms=self._house.clock.unix_ms(), by=by,
            reason=body.reason,
        )  # fmt: skip
        entry = Entry(bundle, body.since_ms, body.until_ms, body.services)
        try:
            self._shipper.ask(entry)
        except OSError as error:
            text = f"the outbox cannot be written to: {error.strerror or error}; make room on the disk, then ask again"
            raise CallError(ErrorCode.STORAGE_FAILED, text, outcome=Outcome.NOT_STARTED, retryable=True) from error
        self._house.log.info("bundle.asked", bundle=identity, by=by, priority=body.priority.value)
        return entry

    def _check(self, body: ShipLogs) -> None:
        if not self._settings.recipients:
            text = (
                "log_shipper.recipients is empty: no key of the vendor's to encrypt the logs to; docs/logs.md says how "
                "to set it"
            )
            raise CallError.not_started(ErrorCode.UNAVAILABLE, text)
        if leaks_in(body.reason.encode()):
            text = "the reason holds a card number, a track or a secret; say it without"
            raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.reason")
        if body.since_ms is not None and body.until_ms is not None and body.since_ms > body.until_ms:
            text = "until_ms is before since_ms: there is nothing between"
            raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.until_ms")
        if len(self._outbox.waiting) >= WAITING_MAX:
            text = f"{WAITING_MAX} bundles wait already, which is the limit; see `tpayd logs status`"
            raise CallError.not_started(ErrorCode.BUSY, text, retryable=True)

    async def _followed(self, request: Request, bundle: Bundle) -> Bundle:
        """Tell how far it is, until it has ended or the client's time is nearly up."""
        told: ShipProgress | None = None
        while True:
            entry = self._outbox.entries.get(bundle.id)
            bundle = entry.bundle if entry is not None else bundle
            left_s = request.remaining_s() - _ANSWER_BEFORE_END_S
            if bundle.state in ENDED or left_s <= 0 or self._shipper.stopping:
                return bundle
            progress = self._shipper.progress.get(bundle.id) or _standing(bundle)
            if progress != told:
                told = progress
                request.progress(progress)
            await self._shipper.news(left_s)

    def _status(self, _request: Request, _body: Empty) -> LogsStatus:
        destination = self._settings.destination
        return LogsStatus(
            destination=destination.place.url() if destination.url else "",
            recipients=len(self._settings.recipients),
            open=self._outbox.waiting,
            ended=self._outbox.ended,
            outbox_bytes=self._outbox.held_bytes,
            outbox_limit_bytes=self._settings.outbox_mib * 1024 * 1024,
            last_success_ms=self._last_success_ms(),
            logs=tuple(log_use(self._house.instance.log)),
            problems=tuple(self._problems()),
        )

    def _last_success_ms(self) -> int | None:
        return next((one.ended_ms for one in self._outbox.ended if one.state is BundleState.SHIPPED), None)

    def _problems(self) -> Iterator[str]:
        if not self._settings.recipients:
            yield "log_shipper.recipients is empty: no bundle can be made; set the vendor's public key"
        if not self._settings.destination.url:
            yield "log_shipper.destination.url is empty: bundles stay in the outbox; set the vendor's server"
        yield from dict.fromkeys(one.detail for one in self._outbox.waiting if one.detail)

    def _look_for_crashes(self) -> None:
        """Ship the logs after a fault, at most once in a while."""
        assert self._crashes is not None  # noqa: S101  this is called only where it is set
        died = self._crashes.look()
        now_ms = self._house.clock.unix_ms()
        if not died:
            return
        if not may_ship(self._crashes.last_ms, now_ms, self._settings.on_crash_every_min):
            self._house.log.info("crash.not_shipped", process=died[0].process, why="one was shipped a short while ago")
            return
        names = ", ".join(dict.fromkeys(f"{one.process} ({one.how})" for one in died))
        body = ShipLogs(
            priority=ShipPriority(self._settings.on_crash), reason=f"died: {names}"[:200],
            since_ms=now_ms - _CRASH_SPAN_MS, wait=False,
        )  # fmt: skip
        try:
            self._take(body, str(uuid.uuid4()), self._house.name)
        except CallError as error:
            self._house.log.warning("crash.not_shipped", process=died[0].process, why=error.message)
            return
        self._crashes.shipped(now_ms)


def _standing(bundle: Bundle) -> ShipProgress:
    """What is said of a bundle that nothing is done about at the moment."""
    if bundle.detail:
        return ShipProgress(bundle.state, f"it is tried again: {bundle.detail}", bundle.sent_bytes, bundle.size_bytes)
    if bundle.state is BundleState.ASKED:
        return ShipProgress(bundle.state, "the request is kept")
    if bundle.state is BundleState.SENDING:
        return ShipProgress(bundle.state, "sending", bundle.sent_bytes, bundle.size_bytes)
    text = "packed; it leaves in the quiet hours" if bundle.priority is ShipPriority.LATER else "packed"
    return ShipProgress(bundle.state, text, bundle.sent_bytes, bundle.size_bytes)
