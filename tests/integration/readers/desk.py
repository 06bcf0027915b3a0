"""Whoever looks after the devices of a store, as the gateway passes his wishes on."""

from __future__ import annotations

from tests.harness import Store
from tpayd.kit.bus import CallError
from tpayd_contracts.fleet import (
    DEVICE_ASSIGN,
    DEVICE_REMOVE,
    DEVICE_SCAN,
    DEVICE_SHOW,
    DEVICE_TEST,
    AssignDevice,
    AssignDevices,
    AssignedDevices,
    DeviceQuery,
    DeviceReport,
    RemoveDevice,
    ScanDevices,
    ScannedPort,
    ScanResult,
    SelfTest,
)

LIMIT_S = 60.0


def scan(store: Store, *ports: str) -> ScanResult:
    """Search these ports, without those of the machine that the tests run on."""
    return store.ask("device_broker", DEVICE_SCAN, ScanDevices(ports), name="gateway", timeout_s=LIMIT_S)


def at(result: ScanResult, port: str) -> ScannedPort:
    return next(each for each in result.ports if each.port == port)


def assign(store: Store, *wishes: AssignDevice, dry_run: bool = False) -> AssignedDevices:
    body = AssignDevices(wishes, dry_run)
    return store.ask("device_broker", DEVICE_ASSIGN, body, name="gateway", timeout_s=LIMIT_S)


def remove(store: Store, name: str) -> AssignedDevices:
    return store.ask("device_broker", DEVICE_REMOVE, RemoveDevice(name), name="gateway", timeout_s=LIMIT_S)


def show(store: Store, name: str) -> DeviceReport:
    return store.ask("device_broker", DEVICE_SHOW, DeviceQuery(name), name="gateway")


def try_by_hand(store: Store, name: str) -> SelfTest:
    return store.ask("device_broker", DEVICE_TEST, DeviceQuery(name), name="gateway", timeout_s=LIMIT_S)


def refusal(store: Store, *wishes: AssignDevice) -> CallError:
    """The error that an assignment ends with."""
    try:
        assign(store, *wishes)
    except CallError as error:
        return error
    raise AssertionError("it was not refused")


def settings_text(store: Store) -> str:
    return store.instance.settings_file("device_broker").read_text(encoding="utf-8")
