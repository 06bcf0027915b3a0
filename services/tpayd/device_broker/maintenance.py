"""Readers that somebody works on: kept from payments until they are given back, over restarts too.

They stand in data/maintenance.json, which is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from pathlib import Path

import msgspec
from msgspec import Struct

from tpayd.kit.durable_file import replace_file
from tpayd_contracts.device import Bar, BarCause

__all__ = ["FILE", "Closed", "MaintenanceFile", "bars_of"]

FILE = "maintenance.json"


class Closed(Struct, frozen=True, forbid_unknown_fields=True):
    """One reader."""

    device: str
    since_ms: int
    reason: str = ""


class MaintenanceFile:
    """data/maintenance.json."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE

    def read(self) -> tuple[Closed, ...]:
        """All of them; without a file none. Raises OSError, and ValueError for a file that is damaged."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=tuple[Closed, ...])
        except FileNotFoundError:
            return ()

    def write(self, closed: Iterable[Closed]) -> None:
        """Raises OSError; what was there before stands then."""
        replace_file(self.path, msgspec.json.format(msgspec.json.encode(tuple(closed))) + b"\n", 0o640)


def bars_of(closed: Iterable[Closed], zone: tzinfo | None) -> tuple[Bar, ...]:
    """What keeps them from payments, in words with the store's local time."""
    return tuple(Bar(each.device, BarCause.MAINTENANCE, _why(each, zone)) for each in closed)


def _why(closed: Closed, zone: tzinfo | None) -> str:
    since = datetime.fromtimestamp(closed.since_ms / 1000, tz=zone).strftime("%Y-%m-%d %H:%M")
    reason = f" ({closed.reason})" if closed.reason else ""
    return f"in maintenance since {since}{reason}; `tpayd devices maintenance {closed.device} --off` gives it back"
