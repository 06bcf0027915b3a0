"""Reader drivers, found by entry point: a driver from outside the project is installed, not patched in.

The group is `tpayd.readers`; an entry's name is what `driver` says in `config/device_broker.toml`, its object is a
`DriverKind`.

There is no driver of its own for virtual readers: the sandbox's readers speak a real frame protocol on a real pty, so
that what is tried without hardware is the driver, the port and the pool that the store will run.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from tpayd.device_broker.drivers.driver import DriverKind

__all__ = ["GROUP", "DriverUnknownError", "driver_kind", "driver_names"]

GROUP = "tpayd.readers"


_loaded: dict[str, DriverKind] = {}
"""To look one up reads the metadata of all that is installed: a store with 64 readers did so 128 times at its start."""


class DriverUnknownError(Exception):
    """No such driver is installed, or it does not load."""


def driver_names() -> list[str]:
    """The drivers installed here."""
    return sorted(entry.name for entry in entry_points(group=GROUP))


def driver_kind(name: str) -> DriverKind:
    """The driver of that name. Raises DriverUnknownError, which names those that there are."""
    kind = _loaded.get(name)
    if kind is None:
        # One that is not there yet may be installed later.
        kind = _loaded[name] = _found(name)
    return kind


def _found(name: str) -> DriverKind:
    found = tuple(entry_points(group=GROUP, name=name))
    if not found:
        raise DriverUnknownError(f"no reader driver {name!r} is installed; there are: {', '.join(driver_names())}")
    if len(found) > 1:
        origins = ", ".join(sorted(entry.value for entry in found))
        raise DriverUnknownError(f"reader driver {name!r} is installed more than once: {origins}")
    return _load(found[0])


def _load(entry: EntryPoint) -> DriverKind:
    try:
        kind = entry.load()
    except Exception as error:
        raise DriverUnknownError(f"reader driver {entry.name!r} ({entry.value}) does not load: {error}") from error
    if not callable(getattr(kind, "create", None)) or not hasattr(kind, "line"):
        raise DriverUnknownError(f"reader driver {entry.name!r} ({entry.value}) is no DriverKind")
    checked: DriverKind = kind
    return checked
