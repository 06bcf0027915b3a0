"""The device broker's operations (`tpayd_contracts.device`), on the pool and the readers.

Requests that wait are answered by callbacks instead of tasks: a sale passes here three times, and a task costs
more than the work.
"""

from __future__ import annotations

import asyncio
import secrets

from tpayd.device_broker import errors
from tpayd.device_broker.bars import Bars
from tpayd.device_broker.card_steps import CardSteps, Taking, lease_of
from tpayd.device_broker.drivers import DriverUnknownError, driver_kind
from tpayd.device_broker.drivers.driver import DriverKind
from tpayd.device_broker.finding.locating import Locator
from tpayd.device_broker.finding.names import full_name
from tpayd.device_broker.finding.searching import Searching
from tpayd.device_broker.fleet import Fleet
from tpayd.device_broker.fleet_desk import FleetDesk
from tpayd.device_broker.key_steps import KeySteps
from tpayd.device_broker.leases import Grant
from tpayd.device_broker.lending import Lending, Waiter
from tpayd.device_broker.listing import page
from tpayd.device_broker.maintenance import MaintenanceFile
from tpayd.device_broker.nightly import Nightly, Sight
from tpayd.device_broker.pad_places import PadPlaces
from tpayd.device_broker.pad_steps import PadSteps
from tpayd.device_broker.pool import Pool
from tpayd.device_broker.pool_desk import PoolDesk
from tpayd.device_broker.profiles import arrange
from tpayd.device_broker.reader import Reader
from tpayd.device_broker.settings import DeviceBrokerSettings, DeviceSettings
from tpayd.device_broker.signature_files import SignatureFiles
from tpayd.device_broker.slots import CardSlots
from tpayd.device_broker.standing import BrokerMetrics, Standing
from tpayd.device_broker.testing import DeviceTests
from tpayd.device_broker.updating.desk import FirmwareDesk
from tpayd.device_broker.updating.notes import Notes
from tpayd.device_broker.updating.unfinished_file import UnfinishedFile
from tpayd.kit.bus import Request
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.house import House
from tpayd.kit.settings import SettingsError
from tpayd_contracts import ability, pad, pooling
from tpayd_contracts import device as contract
from tpayd_contracts.health import Dependency, Readiness
from tpayd_contracts.operation import Empty
from tpayd_contracts.taking import CARD_TAKE, TakeCard

__all__ = ["DeviceBroker"]

TICK_S = 0.05
"""How late a wait of a reader, a lease or a prompt may end. One timer for all is far cheaper than one each."""
LOOK_S = 1.0
"""How often ports are looked at, and idle readers."""

_FENCE_EPOCH_S = 1_750_000_000
_FENCES_PER_S = 4096
_FAULTS_TOLD = 16
"""Faults of the settings that health names one by one."""


class DeviceBroker:
    """See the module."""

    def __init__(self, house: House[DeviceBrokerSettings]) -> None:
        self._house = house
        self._clock = house.clock
        self._settings = settings = house.settings
        self._lanes = frozenset(lane.name for lane in house.store.lanes)
        self._readers: dict[str, Reader] = {}
        for index in range(len(settings.devices)):
            _kind(house, index)
        lanes = [lane.name for lane in house.store.lanes]
        arrangement = arrange(settings, lanes)
        self._pool = Pool(
            (),
            first_fence=_first_fence(house.clock.unix_ms()),
            epoch=secrets.token_hex(4),
            waiting_max=settings.waiting_max,
            absent_grace_us=int(settings.absent_grace_s * 1e6),
        )
        bars = Bars()
        self._standing = Standing(self._pool, self._readers, arrangement, bars, house.clock, self._tell)
        self._metrics = metrics = BrokerMetrics(
            house.metrics, self._pool, self._readers, bars, house.clock.monotonic_us
        )
        self._lending = Lending(
            self._pool, self._readers, metrics, self._standing, house.clock,
            bars=bars, waiting_max=settings.waiting_max,
        )  # fmt: skip
        self._pools = PoolDesk(
            self._pool, self._lending, self._standing, lambda: self._standing.arrangement.labels,
            MaintenanceFile(house.instance.data_of(house.name)), house.clock, house.log, self._tell_pools,
        )  # fmt: skip
        self._nightly = Nightly(settings.reset_at, house.clock.local())
        self._keys = KeySteps(self._lending, self._readers, house.clock, int(settings.key_hold_s * 1e6))
        instance = house.instance
        # With users of its own, nobody but root writes to the instance directory itself.
        apart = instance.users is not None and settings.signature_in_home
        kept = instance.home / "signatures" if apart else instance.home
        self._signatures = SignatureFiles(settings.signature_place, kept, house.log)
        self._pads = PadSteps(
            self._lending, self._readers, house.clock, self._signatures, settings.prompt_settle_ms * 1000
        )
        self._cards = CardSteps(self._lending, self._readers, house.clock, settings.prompt_settle_ms * 1000)
        self._lease_us = int(settings.lease_ttl_s * 1e6)
        self._pad_places = PadPlaces(
            self._lending, self._readers, lambda: self._standing.arrangement, self._pool.state, self._lease_us
        )
        self._slots = CardSlots(self._pool, self._readers, lambda: self._standing.arrangement, house.clock)
        home, patterns = house.instance.home, settings.scan_ports
        searching = Searching(home, patterns, settings.scan_max_s, self._readers, house.clock, house.log)
        self._locator = Locator(home, patterns, self._readers, house.clock, searching.alone)
        self._fleet = Fleet(settings, lanes, self._readers, self._lending, self._standing, self._new_reader, house.log)
        tests = DeviceTests(self._lending, self._readers)
        ledger = self._lending.ledger
        self._desk = FleetDesk(house, self._fleet, self._readers, self._standing, ledger, searching, tests)
        notes = Notes(UnfinishedFile(house.instance.data_of(house.name)), self._lending, house.log)
        self._pools.given_back.append(notes.drop)
        self._firmware = FirmwareDesk(house, self._lending, self._readers, notes, self._locator.locate)
        house.rules.check = self._desk.check
        house.rules.apply = self._fleet.apply

    # The kit's life cycle

    async def start(self) -> None:
        server = self._house.server
        server.handle_raw(contract.LEASE_ACQUIRE.name, self._acquire)
        server.handle(contract.LEASE_RENEW, self._renew, while_draining=True)
        server.handle(contract.LEASE_RELEASE, self._release, while_draining=True)
        server.handle(contract.LEASE_RESET, self._reset, while_draining=True)
        server.handle_raw(CARD_TAKE.name, self._take)
        server.handle_raw(contract.CARD_READ.name, self._cards.read, while_draining=True)
        server.handle_raw(contract.CARD_COMPLETE.name, self._cards.complete, while_draining=True)
        server.handle_raw(pad.SIGN.name, self._pads.sign, while_draining=True)
        server.handle_raw(pad.CODE_READ.name, self._pads.read_code, while_draining=True)
        server.handle_raw(pad.NUMBER_ENTER.name, self._pads.enter_number, while_draining=True)
        server.handle_raw(pad.PIN_ENTER.name, self._pads.enter_pin, while_draining=True)
        server.handle_raw(pad.MESSAGE_SHOW.name, self._pads.show, while_draining=True)
        server.handle_raw(pad.PAD_ACQUIRE.name, self._pad_places.acquire, while_draining=True)
        server.handle(pad.DRAW, self._pads.draw, while_draining=True)
        server.handle_raw(ability.CARD_INSERTED.name, self._slots.look, while_draining=True)
        server.handle_raw(ability.EJECT_CARD.name, self._slots.eject)
        server.handle(contract.CARD_STATE, self._card_state, while_draining=True)
        server.handle(contract.DEVICE_LIST, self._list, while_draining=True)
        server.handle(pooling.POOL_STATUS, self._pools.status, while_draining=True)
        server.handle(pooling.DEVICE_MAINTENANCE, self._pools.maintenance)
        server.handle(contract.READER_BAR, self._bar, while_draining=True)
        server.handle_raw(contract.KEY_PREPARE.name, self._keys.prepare)
        server.handle(contract.KEY_RELEASE, self._release_keys, while_draining=True)
        server.handle_raw(contract.KEY_INJECT.name, self._keys.inject, while_draining=True)
        self._desk.register(self._house)
        self._firmware.register(self._house)
        self._house.call_every(TICK_S, self._tick)
        self._house.call_every(LOOK_S, self._look)
        self._pools.start()
        self._house.call_every(LOOK_S, self._locator.look)
        self._fleet.start()

    async def drain(self) -> None:
        self._lending.refuse_waiting(errors.draining())
        # The kit's timers have ended, and the waits of leases and readers go on.
        while self._pool.lease_count:
            self._tick()
            await asyncio.sleep(TICK_S)

    async def stop(self) -> None:
        await self._firmware.stop()
        for reader in self._readers.values():
            reader.close()
        self._signatures.close()

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        dependencies = tuple(self._dependency(name) for name in self._readers) + self._faults_told()
        ready = bool(self._readers) and all(dependency.ok for dependency in dependencies)
        return (Readiness.READY if ready else Readiness.DEGRADED), dependencies

    def _dependency(self, name: str) -> Dependency:
        state = self._pool.state(name)
        fault = self._standing.arrangement.fault_with(name)
        if fault is not None:
            return Dependency(name, False, f"{fault.field}: {fault.text}")
        ok = state in (contract.DeviceState.READY, contract.DeviceState.LEASED)
        return Dependency(name, ok, "" if ok else self._readers[name].detail or state.value)

    def _faults_told(self) -> tuple[Dependency, ...]:
        faults = [fault for fault in self._standing.arrangement.faults if fault.device is None]
        told = [
            Dependency(f"lane {fault.lane}" if fault.lane else fault.field, False, f"{fault.field}: {fault.text}")
            for fault in faults[:_FAULTS_TOLD]
        ]
        if len(faults) > _FAULTS_TOLD:
            told.append(Dependency("lanes", False, f"{len(faults) - _FAULTS_TOLD} more faults: tpayd devices list"))
        return tuple(told)

    # Leases

    def _acquire(self, request: Request) -> None:
        body = decode_body(request.body, contract.AcquireLease)
        self._lend(_LeaseWaiter(request, self._readers), body, "$.lane")

    def _lend(self, waiter: Waiter, wish: contract.AcquireLease, field: str) -> None:
        if wish.lane not in self._lanes:
            raise errors.unknown_lane(wish.lane, field)
        arrangement = self._standing.arrangement
        if arrangement.faults and (fault := arrangement.fault_of(wish.lane)) is not None:
            raise errors.lane_at_fault(fault)
        self._lending.want(
            waiter, wish.lane, self._lease_us, abilities=frozenset(wish.abilities), avoid=frozenset(wish.avoid)
        )

    def _renew(self, _: Request, body: contract.RenewLeases) -> contract.RenewedLeases:
        renew = self._lending.renew
        return contract.RenewedLeases(tuple(ref for ref in body.leases if not renew(ref.lease_id, ref.fence)))

    def _release(self, _: Request, body: contract.ReleaseLeases) -> Empty:
        for ref in body.leases:
            self._lending.give_back(ref.lease_id, ref.fence)
        return Empty()

    def _reset(self, _: Request, __: Empty) -> Empty:
        self._lending.reset()
        return Empty()

    def _release_keys(self, _: Request, body: contract.ReleaseKeys) -> Empty:
        self._keys.release(body)
        return Empty()

    def _bar(self, _: Request, body: contract.BarReaders) -> Empty:
        self._lending.bar(body)
        return Empty()

    # Cards

    def _take(self, request: Request) -> None:
        body = decode_body(request.body, TakeCard)
        self._lend(Taking(request, body, self._cards), body.wish, "$.wish.lane")

    def _card_state(self, _: Request, body: contract.CardStateQuery) -> contract.CardState:
        reader = self._readers.get(body.device)
        if reader is None:
            raise errors.not_configured(body.device)
        return contract.CardState(body.device, reader.card_inside)

    # The rest

    def _list(self, _: Request, body: contract.DevicesQuery) -> contract.DeviceList:
        faults = tuple(
            contract.DeviceFault(fault.field, fault.text, fault.lane, fault.device)
            for fault in self._standing.arrangement.faults
        )
        return page(self._readers, body.after, self._standing.device, faults, self._pool.queue_length)

    def _tick(self) -> None:
        now_us, now_ms = self._clock.monotonic_us(), self._clock.boottime_ms()
        for reader in self._readers.values():
            reader.tick(now_us, now_ms)
        self._lending.tick(now_us)
        self._slots.tick()
        self._keys.tick()
        self._fleet.finish()
        self._standing.publish(now_us)

    def _look(self) -> None:
        now_us = self._clock.monotonic_us()
        for reader in self._readers.values():
            reader.look()
            if self._pool.state(reader.name) is contract.DeviceState.READY:
                reader.check_if_silent(now_us)
        self._reset_by_night(now_us)
        self._pools.publish()

    def _reset_by_night(self, now_us: int) -> None:
        places, pool = self._standing.arrangement.places, self._pool
        sights = [Sight(name, str(places.get(name)), pool.state(name)) for name in self._readers]
        for name in self._nightly.due(self._clock.local(), now_us, sights):
            if self._lending.start_anew(name):
                self._metrics.nightly_resets.inc()
                self._house.log.info("reader.reset", device=name)
            else:
                self._nightly.again(name)
        for name in self._nightly.left_over(now_us):
            self._house.log.warning("reader.not_reset", device=name, why="it was in use all the time")

    def _tell_pools(self, event: pooling.PoolEvent) -> None:
        self._house.publisher.publish(pooling.TOPIC_POOL, event)

    def _new_reader(self, device: DeviceSettings) -> Reader:
        home = self._house.instance.home
        kind, port = driver_kind(device.driver), full_name(device.port, home)
        return Reader(device, kind, port, self._settings, self._clock, self._lending, self._locator.locate)

    def _tell(self, event: contract.DeviceEvent) -> None:
        device = event.device
        self._lending.ledger.stands(device, event.at_ms)
        if device.state not in (contract.DeviceState.READY, contract.DeviceState.LEASED):
            self._house.log.info("device.state", device=device.name, state=device.state.value, why=device.detail)
        self._house.publisher.publish(contract.TOPIC_DEVICE, event)


class _LeaseWaiter:
    def __init__(self, request: Request, readers: dict[str, Reader]) -> None:
        self.request = request
        self.until_ms = request.deadline_ms
        self._readers = readers

    def granted(self, grant: Grant) -> None:
        self.request.reply(lease_of(grant, self._readers[grant.device]))

    def moved(self, position: int, expected_wait_ms: int | None) -> None:
        self.request.progress(contract.LeaseProgress(position, expected_wait_ms))


def _first_fence(unix_ms: int) -> int:
    """Above every token of earlier processes, unless they made more than 4,096 leases a second all along."""
    return (unix_ms - _FENCE_EPOCH_S * 1000) * _FENCES_PER_S // 1000


def _kind(house: House[DeviceBrokerSettings], index: int) -> DriverKind:
    try:
        return driver_kind(house.settings.devices[index].driver)
    except DriverUnknownError as error:
        file = house.instance.settings_file(house.name)
        raise SettingsError(file, f"devices[{index}].driver", str(error)) from None
