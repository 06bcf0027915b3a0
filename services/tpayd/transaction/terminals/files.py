"""The register and the password on disk: two small files that are replaced as a whole, durably.

Files and not tables of the journal: they change a few times a year, belong to this machine whatever database the
journal is in, and a password's digest has its place in secrets/.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from tpayd.kit.bus import CallError
from tpayd.kit.durable_file import replace_file
from tpayd.kit.settings import SettingsError
from tpayd.transaction.terminals.password import PasswordRecord
from tpayd.transaction.terminals.register import Register
from tpayd_contracts.errors import ErrorCode, Outcome

__all__ = ["PASSWORD_FILE", "REGISTER_FILE", "WRITE_MAX_S", "PasswordFile", "RegisterFile", "Save", "Saver"]

REGISTER_FILE = "terminals.json"
"""In data/."""
PASSWORD_FILE = "settings_password.json"  # noqa: S105 (a file's name)
"""In secrets/."""
WRITE_MAX_S = 10.0
"""How long whoever asked waits for the disk."""

S = TypeVar("S", bound=Struct)
S_contra = TypeVar("S_contra", contravariant=True)


class Save(Protocol[S_contra]):
    """Puts a value on disk; see `Saver.save`."""

    def __call__(self, value: S_contra, then: Callable[[], None], /) -> Awaitable[None]: ...


class RegisterFile:
    """data/terminals.json."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / REGISTER_FILE

    def read(self) -> Register:
        """The register; without a file nothing is open, and prevention is on. Raises SettingsError."""
        return _read(self.path, Register, "move it away and open the terminals anew (`tpayd terminal open`)") or (
            Register()
        )

    def write(self, register: Register) -> None:
        """Raises OSError; what was there before stands then."""
        replace_file(self.path, _pretty(register), 0o640)


class PasswordFile:
    """secrets/settings_password.json."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / PASSWORD_FILE

    def read(self) -> PasswordRecord | None:
        """The record, or None while no password is set. Raises SettingsError."""
        return _read(self.path, PasswordRecord, "delete it and set a password anew (`tpayd password set`)")

    def write(self, record: PasswordRecord) -> None:
        """Raises OSError; what was there before stands then."""
        replace_file(self.path, _pretty(record), 0o600)


class Saver(Generic[S]):
    """Writes one file off the event loop, one write at a time."""

    def __init__(self, path: Path, write: Callable[[S], None]) -> None:
        self._path = path
        self._write = write
        self._pending: asyncio.Task[None] | None = None

    async def save(self, value: S, then: Callable[[], None]) -> None:
        """Return once it is on disk; `then` is called at that moment, also where nobody waits any more.

        Raises CallError `storage_failed`; with outcome `unknown` the disk has not answered yet.
        """
        if self._pending is not None:
            raise CallError.not_started(ErrorCode.STORAGE_FAILED, f"the disk still writes {self._path}", retryable=True)
        task = self._pending = asyncio.get_running_loop().create_task(self._save(value, then))
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait({task}, timeout=WRITE_MAX_S)
        if not done:
            text = f"the disk has not answered for {WRITE_MAX_S:.0f} s; look again before you repeat it"
            raise CallError.unknown(ErrorCode.STORAGE_FAILED, text)
        error = task.exception()
        if error is not None:
            text = f"{self._path} cannot be written: {error}; nothing was changed"
            raise CallError(ErrorCode.STORAGE_FAILED, text, outcome=Outcome.FAILED, retryable=True) from error

    async def _save(self, value: S, then: Callable[[], None]) -> None:
        await asyncio.to_thread(self._write, value)
        then()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._pending = None
        if not task.cancelled():
            task.exception()


def _read(path: Path, kind: type[S], way_out: str) -> S | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(path, "", f"cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise SettingsError(path, "", f"is damaged ({error}): {way_out}") from error


def _pretty(value: Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
