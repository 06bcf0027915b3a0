"""Port names that survive replugging, and the ports that this machine has.

* a path, absolute or below the instance directory, and a URL that pyserial knows: as they are
* `usb:<location>`: the port that the adapter at this place of the USB tree has now, e.g. `usb:1-1.2`
* `serial:<number>`: wherever the reader with this serial number answers (`locating`)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec import Struct
from serial.tools import list_ports

__all__ = [
    "BY_SERIAL", "BY_USB", "MachinePort", "PortNotFoundError", "by_serial", "full_name", "machine_ports",
    "port_at_usb", "real_path",
]  # fmt: skip

BY_USB = "usb:"
BY_SERIAL = "serial:"
_BY_ID = Path("/dev/serial/by-id")
_SHOWN_MAX = 8


class PortNotFoundError(Exception):
    """A name that leads to no port at present; the text says what there is."""


class MachinePort(Struct, frozen=True):
    """A serial port of this machine."""

    path: str
    """As the kernel calls it now."""
    name: str
    """A name that survives replugging, where there is one: by the adapter's serial number, else by its USB place."""
    location: str = ""
    """In the USB tree."""
    adapter: str = ""
    """The serial number of the adapter; of the reader itself, where it has no adapter."""


def by_serial(port: str) -> str:
    """The serial number of a name `serial:<number>`; empty for any other name."""
    return port.removeprefix(BY_SERIAL) if port.startswith(BY_SERIAL) else ""


def full_name(port: str, home: Path) -> str:
    """The name as a `Port` takes it: only a relative path is changed."""
    if "://" in port or port.startswith((BY_USB, BY_SERIAL)):
        return port
    return str(home / port)


def machine_ports(home: Path, patterns: Iterable[str]) -> list[MachinePort]:
    """The serial ports that the system lists, and the paths that fit `patterns`; each device once. Waits for the disk.

    A relative pattern is one below `home`.
    """
    by_id = _links(_BY_ID)
    found: dict[str, MachinePort] = {}
    for info in sorted(list_ports.comports()):
        real = os.path.realpath(info.device)
        stable = by_id.get(real) if info.serial_number else None
        location = info.location or ""
        name = stable or (BY_USB + location if location else info.device)
        found[real] = MachinePort(info.device, name, location, info.serial_number or "")
    for pattern in patterns:
        for path in _matches(home, pattern):
            name = str(path.relative_to(home)) if path.is_relative_to(home) else str(path)
            found.setdefault(os.path.realpath(path), MachinePort(str(path), name))
    return list(found.values())


def port_at_usb(location: str, ports: Callable[[], Iterable[MachinePort]]) -> str:
    """The path of the port at that place. Raises PortNotFoundError."""
    there = {port.location: port.path for port in ports() if port.location}
    path = there.get(location)
    if path is None:
        known = ", ".join(list(there)[:_SHOWN_MAX]) or "none at all"
        raise PortNotFoundError(f"no serial port at USB place {location}; plugged in now: {known}")
    return path


def real_path(path: str) -> str:
    """Where a path leads in the end, so that two names of one port are known for one; a URL leads nowhere else."""
    return path if "://" in path else os.path.realpath(path)


def _links(directory: Path) -> dict[str, str]:
    """What each link of a directory leads to."""
    try:
        return {os.path.realpath(link): str(link) for link in sorted(directory.iterdir())}
    except OSError:
        return {}


def _matches(home: Path, pattern: str) -> Sequence[Path]:
    # A pattern that is absolute is one of the root's.
    base, relative = (Path("/"), pattern.lstrip("/")) if pattern.startswith("/") else (home, pattern)
    try:
        return sorted(path for path in base.glob(relative) if not path.name.startswith("."))
    except (OSError, ValueError, NotImplementedError):
        return []
