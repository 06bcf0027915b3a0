"""The operations on devices themselves (`tpayd_contracts.fleet`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from tpayd.device_broker import errors
from tpayd.device_broker.drivers import DriverUnknownError, driver_kind
from tpayd.device_broker.finding.searching import Searching
from tpayd.device_broker.fleet import Fleet
from tpayd.device_broker.fleet_edit import AssignmentError, assign, new_faults, remove
from tpayd.device_broker.ledger import Ledger
from tpayd.device_broker.profiles import arrange
from tpayd.device_broker.reader import Reader
from tpayd.device_broker.settings import DeviceBrokerSettings
from tpayd.device_broker.standing import Standing
from tpayd.device_broker.testing import DeviceTests, self_test
from tpayd.kit.bus import Request
from tpayd.kit.clock import Clock
from tpayd.kit.house import House
from tpayd.kit.settings import SettingsError
from tpayd.kit.settings_file import ChangedMeanwhileError, NotSavedError, Saved, SettingsFile
from tpayd_contracts import fleet as contract

__all__ = ["FleetDesk"]


class FleetDesk:
    """Answers them. Changes are made one at a time, by `SettingsFile`: checked, written, then applied."""

    def __init__(
        self,
        house: House[DeviceBrokerSettings],
        fleet: Fleet,
        readers: Mapping[str, Reader],
        standing: Standing,
        ledger: Ledger,
        searching: Searching,
        tests: DeviceTests,
    ) -> None:
        self._fleet = fleet
        self._readers = readers
        self._standing = standing
        self._ledger = ledger
        self._searching = searching
        self._tests = tests
        self._clock: Clock = house.clock
        self._log = house.log
        self._lanes = [lane.name for lane in house.store.lanes]
        self._file = SettingsFile.of(house.instance, house.name, DeviceBrokerSettings, self.check)

    def register(self, house: House[DeviceBrokerSettings]) -> None:
        """Serve from now on."""
        server = house.server
        server.handle(contract.DEVICE_SHOW, self._show, while_draining=True)
        server.handle_raw(contract.DEVICE_TEST.name, self._tests.test)
        server.handle(contract.DEVICE_SCAN, self._scan)
        server.handle(contract.DEVICE_ASSIGN, self._assign)
        server.handle(contract.DEVICE_REMOVE, self._remove)

    def _show(self, _: Request, body: contract.DeviceQuery) -> contract.DeviceReport:
        name = body.device
        reader = self._readers.get(name)
        if reader is None:
            raise errors.not_configured(name)
        identity, examined = reader.identity, reader.examined
        return contract.DeviceReport(
            device=self._standing.device(name),
            since_ms=self._ledger.since_ms(name),
            where=reader.port.where if reader.port.is_open else None,
            baud=reader.baud,
            key_loaded=None if identity is None else identity.key_loaded,
            reported_abilities=None if identity is None else identity.abilities,
            lacking_abilities=reader.lacking,
            self_test=None if examined is None else self_test(examined),
            troubles=self._ledger.troubles(name),
            counts=self._ledger.counts(name),
        )

    async def _scan(self, request: Request, body: contract.ScanDevices) -> contract.ScanResult:
        return await self._searching.search(body, request.progress)

    async def _assign(self, request: Request, body: contract.AssignDevices) -> contract.AssignedDevices:
        def change(document: Any) -> None:
            for index, wish in enumerate(body.devices):
                try:
                    assign(document, wish)
                except AssignmentError as error:
                    raise errors.wrong_assignment(f"$.devices[{index}].{error.field}", str(error)) from None

        names = " ".join(wish.name for wish in body.devices)
        saved = await self._save(request, change, f"device.assign {names}", dry_run=body.dry_run)
        return self._told(saved, [wish.name for wish in body.devices])

    async def _remove(self, request: Request, body: contract.RemoveDevice) -> contract.AssignedDevices:
        def change(document: Any) -> None:
            if not remove(document, body.device):
                raise errors.not_configured(body.device)

        return self._told(await self._save(request, change, f"device.remove {body.device}"), [])

    async def _save(
        self, request: Request, change: Callable[[Any], None], why: str, *, dry_run: bool = False
    ) -> Saved[DeviceBrokerSettings]:
        by = request.principal or request.caller
        try:
            saved = await asyncio.to_thread(
                self._file.edit, change, by=by, why=why, at_ms=self._clock.unix_ms(), dry_run=dry_run
            )
        except SettingsError as error:
            raise errors.settings_refused(error.field, error.problem) from None
        except ChangedMeanwhileError as error:
            raise errors.settings_busy(str(error)) from None
        except NotSavedError as error:
            raise errors.settings_not_saved(str(error)) from None
        if not dry_run and saved.changes:
            self._log.info("devices.assigned", by=by, why=why, changes=[change.setting for change in saved.changes])
            self._fleet.apply(saved.settings)
        return saved

    def check(self, settings: DeviceBrokerSettings) -> None:
        """Raises SettingsError for what would put a lane or a device out of service that is in service now."""
        for index, device in enumerate(settings.devices):
            try:
                driver_kind(device.driver)
            except DriverUnknownError as error:
                raise SettingsError(self._file.path, f"devices[{index}].driver", str(error)) from None
        for fault in new_faults(self._fleet.arrangement, arrange(settings, self._lanes)):
            raise SettingsError(self._file.path, fault.field, fault.text)

    def _told(self, saved: Saved[DeviceBrokerSettings], names: list[str]) -> contract.AssignedDevices:
        changes = tuple(
            f"{change.setting}: {change.old or 'not set'} -> {change.new or 'not set'}" for change in saved.changes
        )
        present = tuple(self._standing.device(name) for name in names if name in self._readers)
        return contract.AssignedDevices(changes, present)
