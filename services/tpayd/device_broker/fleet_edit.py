"""What a wish for a device means for config/device_broker.toml. Pure, on the document; whoever saves it checks it."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

from tpayd.device_broker.profiles import Arrangement, Fault
from tpayd.kit.toml_edit import drop_entry, drop_value, entries, join, put_entry
from tpayd_contracts.fleet import AssignDevice
from tpayd_contracts.shapes import Lane

__all__ = ["AssignmentError", "assign", "new_faults", "remove"]

Document = MutableMapping[str, Any]

_PLAIN = ("port", "driver", "label", "serial_number", "model", "pool")
_PADS = ("sign_pad", "number_pad")


class AssignmentError(Exception):
    """A wish that means nothing; `field` is the field of `AssignDevice`."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


def assign(document: Document, wish: AssignDevice) -> None:
    """Add the device, or change what the wish names. Raises AssignmentError."""
    if wish.pool is not None and wish.lane is not None:
        raise AssignmentError("lane", "a device is in a pool or a lane's own, not both: name one of them")
    known = {str(entry.get("name")) for entry in entries(document, "devices")}
    if wish.name not in known and wish.port is None:
        text = f"there is no device {wish.name} yet (there are: {', '.join(sorted(known)) or 'none'})"
        raise AssignmentError("port", f"{text}; a new one needs a port")
    put_entry(document, "devices", _entry(wish))
    if wish.baud == 0:
        drop_value(document, join("devices", wish.name, "baud"))
    if wish.pool is not None:
        _take_from_lanes(document, wish.name, but=None)
    if wish.lane is not None:
        drop_value(document, join("devices", wish.name, "pool"))
        _take_from_lanes(document, wish.name, but=wish.lane)
        _give_to_lane(document, wish.name, wish.lane)
    for key, lanes in zip(_PADS, (wish.sign_pad_for, wish.number_pad_for), strict=True):
        if lanes is not None:
            _be_pad_of(document, key, wish.name, lanes)


def _entry(wish: AssignDevice) -> dict[str, object]:
    """What stands in the device's own table."""
    entry: dict[str, object] = {"name": wish.name}
    entry |= {key: value for key in _PLAIN if (value := getattr(wish, key)) is not None}
    if wish.abilities is not None:
        entry["abilities"] = [ability.value for ability in wish.abilities]
    if wish.baud:
        entry["baud"] = wish.baud
    return entry


def remove(document: Document, name: str) -> bool:
    """Take a device out, wherever it is named; whether there was one."""
    if not drop_entry(document, "devices", name):
        return False
    _take_from_lanes(document, name, but=None)
    for key in _PADS:
        _be_pad_of(document, key, name, ())
    return True


def new_faults(before: Arrangement, after: Arrangement) -> list[Fault]:
    """What the change would break; what was broken before it is not its fault."""
    known = {(fault.text, fault.lane, fault.device) for fault in before.faults}
    return [fault for fault in after.faults if (fault.text, fault.lane, fault.device) not in known]


def _take_from_lanes(document: Document, name: str, *, but: Lane | None) -> None:
    for profile in entries(document, "lanes"):
        own = list(profile.get("devices", ()))
        if name in own and profile.get("name") != but:
            profile["devices"] = [each for each in own if each != name]


def _give_to_lane(document: Document, name: str, lane: Lane) -> None:
    own = next((list(each.get("devices", ())) for each in entries(document, "lanes") if each.get("name") == lane), [])
    if name not in own:
        put_entry(document, "lanes", {"name": lane, "devices": [*own, name]})


def _be_pad_of(document: Document, key: str, name: str, lanes: Sequence[Lane]) -> None:
    for profile in entries(document, "lanes"):
        if profile.get(key) == name and profile.get("name") not in lanes:
            del profile[key]
    for lane in lanes:
        put_entry(document, "lanes", {"name": lane, key: name})
