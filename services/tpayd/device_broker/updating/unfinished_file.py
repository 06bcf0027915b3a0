"""data/firmware.json: readers whose firmware may be half written; replaced as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from tpayd.device_broker.updating.unfinished import Unfinished
from tpayd.kit.durable_file import replace_file

__all__ = ["FILE", "UnfinishedFile"]

FILE = "firmware.json"


class UnfinishedFile:
    """See the module."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE

    def read(self) -> tuple[Unfinished, ...]:
        """All of them; without a file none. Raises OSError, and ValueError for a file that is damaged."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=tuple[Unfinished, ...])
        except FileNotFoundError:
            return ()

    def write(self, noted: Iterable[Unfinished]) -> None:
        """Raises OSError; what was there before stands then."""
        replace_file(self.path, msgspec.json.format(msgspec.json.encode(tuple(noted))) + b"\n", 0o640)
