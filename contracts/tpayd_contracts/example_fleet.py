"""Examples of finding, showing, testing and assigning devices."""

from __future__ import annotations

from tpayd_contracts import fleet
from tpayd_contracts.device import Ability, Device, DeviceState
from tpayd_contracts.example_payments import AT_MS, Example

__all__ = ["FLEET"]

_ABLE = (Ability.IC, Ability.STRIPE, Ability.CONTACTLESS)
_DEVICE = Device(
    name="front",
    label="Counter 1",
    state=DeviceState.READY,
    driver="stx",
    port="usb:1-1.2",
    abilities=_ABLE,
    model="TPAYD-V",
    serial_number="V000000001",
    firmware="10000",
)
_TEST = fleet.SelfTest(at_ms=AT_MS, passed=False, code="07", problem="the reader reports itself broken (07)")
_ASSIGN = fleet.AssignDevice(
    name="pad-1",
    port="usb:1-1.3",
    driver="stx",
    label="Counter 1 pad",
    abilities=(Ability.SIGN, Ability.PIN),
    serial_number="V000000002",
    lane="1",
    sign_pad_for=("1",),
)

FLEET: dict[str, Example] = {
    fleet.DEVICE_SHOW.name: Example(
        fleet.DeviceQuery(device="front"),
        fleet.DeviceReport(
            device=_DEVICE,
            since_ms=AT_MS,
            where="/dev/ttyUSB0",
            baud=38_400,
            key_loaded=True,
            reported_abilities=_ABLE,
            self_test=fleet.SelfTest(at_ms=AT_MS, passed=True),
            troubles=(fleet.DeviceTrouble(AT_MS - 60_000, "usb:1-1.2: unplugged"),),
            counts=(fleet.DeviceCount("leases", 42),),
        ),
    ),
    fleet.DEVICE_TEST.name: Example(
        fleet.DeviceQuery(device="front"),
        _TEST,
        fleet.DeviceTestProgress(fleet.DeviceTestStep.TESTING, "the reader tests itself"),
    ),
    fleet.DEVICE_SCAN.name: Example(
        fleet.ScanDevices(drivers=("stx",)),
        fleet.ScanResult(
            ports=(
                fleet.ScannedPort("usb:1-1.2", "/dev/ttyUSB0", fleet.PortState.KNOWN, device="front"),
                fleet.ScannedPort(
                    "usb:1-1.3", "/dev/ttyUSB1", fleet.PortState.FOUND, driver="stx", baud=38_400, model="TPAYD-P",
                    serial_number="V000000002", firmware="10000", abilities=(Ability.SIGN, Ability.PIN),
                ),
            ),
            proposal=(_ASSIGN,),
            complete=True,
        ),
        fleet.ScanProgress(port="/dev/ttyUSB1", driver="stx", baud=38_400, done=1, of=2, found=1),
    ),
    fleet.DEVICE_ASSIGN.name: Example(
        fleet.AssignDevices(devices=(_ASSIGN,)),
        fleet.AssignedDevices(changes=('devices.pad-1.port: "usb:1-1.3"',), devices=(_DEVICE,)),
    ),
    fleet.DEVICE_REMOVE.name: Example(
        fleet.RemoveDevice(device="pad-1"),
        fleet.AssignedDevices(changes=("devices.pad-1.port: removed",), devices=(_DEVICE,)),
    ),
}  # fmt: skip
