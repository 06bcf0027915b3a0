"""When the last backup was taken: what `tpayd doctor` looks at."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from tpayd.kit.durable_file import replace_file
from tpayd.kit.instance import Instance

__all__ = ["LastBackup", "read_last", "write_last"]

_FILE = "last_backup.json"


class LastBackup(Struct, frozen=True):
    """A backup that was written and verified."""

    taken_at_ms: int
    file: str
    size_bytes: int
    backup_id: str


def write_last(instance: Instance, last: LastBackup) -> None:
    """Raises OSError."""
    replace_file(_path(instance), msgspec.json.encode(last), 0o640)


def read_last(instance: Instance) -> LastBackup | None:
    """None: there is none, or nobody knows."""
    try:
        return msgspec.json.decode(_path(instance).read_bytes(), type=LastBackup)
    except (OSError, msgspec.MsgspecError):
        return None


def _path(instance: Instance) -> Path:
    return instance.data / _FILE
