"""Operations on devices themselves: find, show, test, add, change and remove them while the store sells (T6, T13)."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.device import Ability, Device
from tpayd_contracts.operation import Op, Right
from tpayd_contracts.shapes import Count, Lane, Name, ShortText, UnixMs

__all__ = [
    "DEVICE_ASSIGN",
    "DEVICE_REMOVE",
    "DEVICE_SCAN",
    "DEVICE_SHOW",
    "DEVICE_TEST",
    "FLEET_OPS",
    "AssignDevice",
    "AssignDevices",
    "AssignedDevices",
    "Baud",
    "DeviceCount",
    "DeviceQuery",
    "DeviceReport",
    "DeviceTestProgress",
    "DeviceTestStep",
    "DeviceTrouble",
    "PortName",
    "PortState",
    "RemoveDevice",
    "ScanDevices",
    "ScanProgress",
    "ScanResult",
    "ScannedPort",
    "SelfTest",
]

PortName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        description="a device path, one below the instance directory, usb:<location>, serial:<number>, or a URL",
    ),
]
Baud = Annotated[int, Meta(ge=0, le=4_000_000, description="bits per second; 0: what the driver expects")]


class DeviceQuery(Struct, frozen=True, forbid_unknown_fields=True):
    device: Name


class SelfTest(Struct, frozen=True, omit_defaults=True):
    """What came of a reader's start, or of a test by hand: identification and self-test."""

    at_ms: UnixMs
    passed: bool
    code: str = ""
    """The reader's own fault code."""
    problem: str = ""
    """What is wrong and what to do."""


class DeviceTrouble(Struct, frozen=True):
    """Why a device was not ready at some time."""

    at_ms: UnixMs
    text: str


class DeviceCount(Struct, frozen=True):
    """How often something happened since the daemon started."""

    what: str
    count: Count


class DeviceReport(Struct, frozen=True, omit_defaults=True):
    """All about one device."""

    device: Device
    since_ms: UnixMs
    """When it came into its present state."""
    where: str | None = None
    """Where its port was found: a path or a URL."""
    baud: Baud = 0
    key_loaded: bool | None = None
    """By the reader's own word, None before it was identified."""
    reported_abilities: tuple[Ability, ...] | None = None
    """What it says it can do; None where its protocol has no word for that."""
    lacking_abilities: tuple[Ability, ...] = ()
    """Configured, and not there by its own word: it is lent to nobody who needs one of these."""
    self_test: SelfTest | None = None
    troubles: tuple[DeviceTrouble, ...] = ()
    """The last ones, newest first."""
    counts: tuple[DeviceCount, ...] = ()


class DeviceTestStep(enum.StrEnum):
    WAITING = "waiting"
    """A payment uses the reader; the test begins when it is over."""
    TESTING = "testing"


class DeviceTestProgress(Struct, frozen=True):
    step: DeviceTestStep
    text: str


class ScanDevices(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Look for readers and pads on serial ports [장치 자동 검색]."""

    ports: Annotated[tuple[PortName, ...], Meta(max_length=64)] = ()
    """These ports and no others; empty: every serial port of the machine, and those of the setting `scan_ports`."""
    drivers: Annotated[tuple[Name, ...], Meta(max_length=16)] = ()
    """These drivers and no others; empty: every driver that is installed."""


class ScanProgress(Struct, frozen=True, omit_defaults=True):
    """One port is asked now, in one driver's words at one speed."""

    port: str
    driver: str
    baud: Baud
    done: Count
    of: Count
    """Questions at most: a port that has answered is not asked again."""
    found: Count = 0


class PortState(enum.StrEnum):
    """What a search made of a port."""

    KNOWN = "known"
    """A configured device uses it; it was not touched."""
    FOUND = "found"
    SILENT = "silent"
    """Nobody answered to any driver at any speed."""
    IN_USE = "in_use"
    """Another program has it open."""
    FAILED = "failed"
    """It could not be opened."""
    NOT_REACHED = "not_reached"
    """The search was over before."""


class ScannedPort(Struct, frozen=True, omit_defaults=True):
    """One port of a search."""

    port: str
    """The name to configure: one that survives replugging, where there is one."""
    path: str
    state: PortState
    device: Name | None = None
    """The configured device at this port, or the one that was found here though it is configured elsewhere."""
    driver: str | None = None
    baud: Baud | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware: str | None = None
    abilities: tuple[Ability, ...] | None = None
    text: str | None = None
    """For a person: what is wrong, and the way out."""


class AssignDevice(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A device to be added or changed. What is left out stays as it is, or takes its default."""

    name: Name
    port: PortName | None = None
    """Required for a new device."""
    driver: Name | None = None
    label: Annotated[str, Meta(max_length=40)] | None = None
    abilities: tuple[Ability, ...] | None = None
    baud: Baud | None = None
    serial_number: ShortText | None = None
    """The reader at that port must report this one; empty: any."""
    model: ShortText | None = None
    """The same for its model."""
    pool: Name | None = None
    """Put it into this pool, and so out of every lane's own devices."""
    lane: Lane | None = None
    """Make it this lane's own, and so take it out of its pool and from other lanes."""
    sign_pad_for: tuple[Lane, ...] | None = None
    """The lanes whose customers sign there [서명패드로 사용], all of them."""
    number_pad_for: tuple[Lane, ...] | None = None
    """The lanes whose customers enter numbers there, all of them."""


class AssignDevices(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All of these, or none. Readers that are lent are changed when their lease is over."""

    devices: Annotated[tuple[AssignDevice, ...], Meta(min_length=1, max_length=64)]
    dry_run: bool = False
    """Check and tell what would change; change nothing."""


class AssignedDevices(Struct, frozen=True):
    changes: tuple[str, ...]
    """What has changed in config/device_broker.toml, one setting each; empty: it said so already."""
    devices: tuple[Device, ...]
    """As they stand now."""


class RemoveDevice(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a device out of the settings and out of use; one that is lent, when its lease is over."""

    device: Name


class ScanResult(Struct, frozen=True):
    ports: tuple[ScannedPort, ...]
    proposal: tuple[AssignDevice, ...]
    """What `device.assign` would have to be told to use what was found; nothing has been changed yet."""
    complete: bool
    """False: the time was over before every port had been asked."""


DEVICE_SHOW = Op("device.show", DeviceQuery, DeviceReport, right=Right.READ_ONLY)
DEVICE_TEST = Op("device.test", DeviceQuery, SelfTest, DeviceTestProgress, Right.ADMIN)
"""Waits for a payment that uses the reader, at most until its deadline. A reader that fails is lent to nobody."""
DEVICE_SCAN = Op("device.scan", ScanDevices, ScanResult, ScanProgress, Right.ADMIN)
"""One search at a time. Ports in use are left alone; CANCEL ends it with what was found so far lost."""
DEVICE_ASSIGN = Op("device.assign", AssignDevices, AssignedDevices, right=Right.ADMIN)
DEVICE_REMOVE = Op("device.remove", RemoveDevice, AssignedDevices, right=Right.ADMIN)
FLEET_OPS = (DEVICE_SHOW, DEVICE_TEST, DEVICE_SCAN, DEVICE_ASSIGN, DEVICE_REMOVE)
