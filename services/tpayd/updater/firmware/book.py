"""data/reader_firmware.json: the readers' communication modes, the last updates, and those that have not ended."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from tpayd.kit.durable_file import replace_file
from tpayd_contracts.firmware import FIRMWARE_HISTORY_MAX, FirmwareRecord, WhichReader

__all__ = ["FILE", "Book", "Pending"]

FILE = "reader_firmware.json"


class _Mode(Struct, frozen=True):
    """What a person has said of one reader."""

    model: str
    mode: str
    at_ms: int


class Pending(Struct, frozen=True, kw_only=True):
    """An update that was begun, and of which no end is known."""

    which: WhichReader
    serial_number: str
    model: str
    before: str
    target: str
    """The path of its description in the repository."""
    by: str
    began_ms: int


class _Content(Struct, forbid_unknown_fields=True):
    modes: dict[str, _Mode] = {}
    """By the reader's serial number, wherever it is plugged in."""
    history: list[FirmwareRecord] = []
    """Newest first."""
    pending: dict[str, Pending] = {}
    """By the reader's serial number."""


class Book:
    """See the module. Each change is on disk when the call returns; raises OSError, and nothing has changed then."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self._content = _Content()

    def load(self) -> None:
        """Without a file it is empty. Raises OSError, and ValueError for a file that is damaged."""
        try:
            self._content = msgspec.json.decode(self.path.read_bytes(), type=_Content)
        except FileNotFoundError:
            return

    def mode_of(self, serial_number: str, model: str) -> str:
        """The communication mode that was told of a reader; empty: none was."""
        told = self._content.modes.get(serial_number)
        return told.mode if told is not None and told.model == model else ""

    def remember_mode(self, serial_number: str, model: str, mode: str, at_ms: int) -> None:
        """From now on it is not asked again."""
        modes = self._content.modes | {serial_number: _Mode(model, mode, at_ms)}
        self._write(_Content(modes, self._content.history, self._content.pending))

    @property
    def history(self) -> tuple[FirmwareRecord, ...]:
        """The last updates, newest first."""
        return tuple(self._content.history)

    @property
    def pending(self) -> tuple[Pending, ...]:
        """Those that were under way when the updater ended."""
        return tuple(self._content.pending.values())

    def begin(self, pending: Pending) -> None:
        """It is under way from now on."""
        known = self._content.pending | {pending.serial_number: pending}
        self._write(_Content(self._content.modes, self._content.history, known))

    def end(self, serial_number: str, record: FirmwareRecord) -> None:
        """It is over, well or not."""
        known = {number: each for number, each in self._content.pending.items() if number != serial_number}
        history = [record, *self._content.history][:FIRMWARE_HISTORY_MAX]
        self._write(_Content(self._content.modes, history, known))

    def _write(self, content: _Content) -> None:
        replace_file(self.path, msgspec.json.format(msgspec.json.encode(content)) + b"\n", 0o640)
        self._content = content
