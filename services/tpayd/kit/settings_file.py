"""A settings file that is changed while people may have it open: whole, checked, remembered, and never over their work.

    file = SettingsFile.of(instance, "device_broker", DeviceBrokerSettings)
    saved = file.edit(lambda document: put_entry(document, "devices", {...}), by="cli", why="devices assign", at_ms=now)

A change is written beside the file and into its history first, and put in place by a rename, last. Whatever fails
before that leaves the old file; whatever dies leaves the old or the new one.

Everything here waits for the disk: an event loop calls it by `asyncio.to_thread`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

from tpayd.kit.durable_file import commit_file, prepare_file
from tpayd.kit.instance import Instance
from tpayd.kit.settings import MISSING, SettingsError, parse
from tpayd.kit.settings_history import (
    BY_HAND,
    Changed,
    History,
    Version,
    changes_between,
    hide_secrets,
    hides_secret,
    stamp,
)
from tpayd.kit.toml_edit import NoSuchPlaceError, drop_value, dumps, flat, parsed, put_value, value_at
from tpayd_contracts.settings import SETTINGS_FILES

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["ChangedMeanwhileError", "NoSuchVersionError", "NotSavedError", "Saved", "SettingsFile", "Snapshot"]

S = TypeVar("S", bound=Struct)

_LOCK_WAIT_S = 5.0
_LOCK_LOOK_S = 0.02


class ChangedMeanwhileError(Exception):
    """The file is not the one that was looked at; nothing was changed."""


class NotSavedError(Exception):
    """The disk did not take it, or another change is under way; the old file stands."""


class NoSuchVersionError(LookupError):
    """The history has no version of that number."""


class Snapshot(Struct, Generic[S], frozen=True):
    """The file at one moment."""

    text: str
    stamp: str
    data: dict[str, Any]
    settings: S


class Saved(Struct, Generic[S], frozen=True):
    """What a change has done, or would do."""

    settings: S
    stamp: str
    changes: tuple[Changed, ...]
    """Empty: the file said so already, and was left alone."""
    number: int | None
    """Of the version in the history; None if nothing was written."""


class SettingsFile(Generic[S]):
    """One file of config/, and its history in data/settings/."""

    def __init__(
        self, path: Path, settings_type: type[S], directory: Path, check: Callable[[S], None] | None = None
    ) -> None:
        """`check` refuses, by SettingsError, what the type alone cannot know."""
        self.path = path
        self.type = settings_type
        self._check = check
        self._history = History(directory / f"{path.stem}.jsonl")
        self._lock_file = directory / f"{path.stem}.lock"

    @classmethod
    def of(
        cls, instance: Instance, name: str, settings_type: type[S], check: Callable[[S], None] | None = None
    ) -> SettingsFile[S]:
        """`config/<name>.toml` of an instance."""
        directory = instance.data_of(SETTINGS_FILES.get(name, name)) / "settings"
        return cls(instance.settings_file(name), settings_type, directory, check)

    def read(self) -> Snapshot[S]:
        """The file as it is now. Raises SettingsError."""
        text = self._text()
        settings = self._parse(text)
        return Snapshot(text, stamp(text), tomllib.loads(text), settings)

    def edit(
        self,
        change: Callable[[TOMLDocument], None],
        *,
        by: str,
        why: str,
        at_ms: int,
        expected: str | None = None,
        dry_run: bool = False,
    ) -> Saved[S]:
        """Change the file; `expected` is the stamp that the caller has seen, if he has looked.

        Raises SettingsError (the result would be refused; nothing was written), ChangedMeanwhileError, NotSavedError,
        and what `change` raises.
        """

        def changed(text: str) -> str:
            try:
                document = parsed(text)
            except ValueError as error:
                raise SettingsError(self.path, "", f"is not TOML: {error}") from error
            change(document)
            try:
                return dumps(document)
            except ValueError as error:
                raise SettingsError(self.path, "", str(error)) from error

        return self._replace(changed, by=by, why=why, at_ms=at_ms, expected=expected, dry_run=dry_run)

    def restore(
        self, number: int, *, by: str, at_ms: int, expected: str | None = None, dry_run: bool = False,
        keep: tuple[str, ...] = (),
    ) -> Saved[S]:  # fmt: skip
        """Go back to an earlier text, comments and all; the settings named in `keep` stay as they are now.

        Raises NoSuchVersionError, and what `edit` raises.
        """
        version = next((each for each in self.history() if each.number == number), None)
        if version is None:
            raise NoSuchVersionError(f"{self.path.name} has no version {number} in its history")

        def restored(text: str) -> str:
            try:
                document, now = parsed(version.text), tomllib.loads(text)
            except ValueError as error:
                raise SettingsError(self.path, "", f"version {number} or the file is not TOML: {error}") from error
            for name in keep:
                try:
                    put_value(document, name, value_at(now, name))
                except NoSuchPlaceError:
                    drop_value(document, name)
            present = dict(flat(now))
            for name, value in flat(document.unwrap()):
                if hides_secret(value):
                    if hide_secrets(present.get(name, "")) != value:
                        raise SettingsError(self.path, name, f"had a secret in version {number}, which is not kept")
                    put_value(document, name, value_at(now, name))
            return dumps(document)

        why = f"restore of version {number}"
        return self._replace(restored, by=by, why=why, at_ms=at_ms, expected=expected, dry_run=dry_run)

    def history(self) -> list[Version]:
        """Versions kept, oldest first. Raises NotSavedError where they cannot be read."""
        try:
            return self._history.read()
        except OSError as error:
            raise NotSavedError(f"the history of {self.path.name} cannot be read: {error.strerror}") from error

    def note(self, at_ms: int) -> bool:
        """Remember a text that was put there by hand, as a process does when it starts. Whether there was one.

        Raises SettingsError, NotSavedError.
        """
        with self._locked():
            return self._note(self._text(), at_ms)[1]

    def _replace(
        self, make: Callable[[str], str], *, by: str, why: str, at_ms: int, expected: str | None, dry_run: bool
    ) -> Saved[S]:
        with self._locked():
            old = self._text()
            if expected is not None and expected != stamp(old):
                raise ChangedMeanwhileError(
                    f"{self.path} has been changed since it was looked at (it is {stamp(old)}, not {expected}); "
                    "look again, then change it"
                )
            new = make(old)
            settings = self._parse(new)
            if self._check is not None:
                self._check(settings)
            changes = changes_between(old, new)
            if dry_run or old == new:
                return Saved(settings, stamp(new), changes, None)
            return Saved(settings, stamp(new), changes, self._write(old, new, by, why, at_ms))

    def _write(self, old: str, new: str, by: str, why: str, at_ms: int) -> int:
        place = self.path.resolve()
        try:
            fresh = prepare_file(place, new.encode(), stat.S_IMODE(place.stat().st_mode))
            try:
                versions, _ = self._note(old, at_ms)
                versions = self._history.add(versions, at_ms, by, why, new)
                if self._text() != old:
                    raise ChangedMeanwhileError(f"{self.path} is being changed by hand; nothing was written")
                commit_file(fresh, place)
            finally:
                fresh.unlink(missing_ok=True)
        except OSError as error:
            raise NotSavedError(f"{self.path} could not be saved: {error.strerror}; the old one stands") from error
        return versions[-1].number

    def _note(self, text: str, at_ms: int) -> tuple[list[Version], bool]:
        try:
            versions = self._history.read()
            if versions and versions[-1].stamp == stamp(text):
                return versions, False
            why = "found in the file" if versions else "as it was first"
            return self._history.add(versions, at_ms, BY_HAND, why, text), bool(versions)
        except OSError as error:
            text = f"the history of {self.path.name} could not be written: {error.strerror}"
            raise NotSavedError(text) from error

    def _parse(self, text: str) -> S:
        return parse(text, self.type, self.path)

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise SettingsError(self.path, "", MISSING) from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(self.path, "", f"cannot be read: {error}") from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One change at a time, whichever process makes it. Raises NotSavedError."""
        try:
            self._lock_file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise NotSavedError(f"{self._lock_file} cannot be used: {error.strerror}") from error
        try:
            end_s = time.monotonic() + _LOCK_WAIT_S
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end_s:
                        raise NotSavedError(f"{self.path} is being changed by another process; try again") from None
                    time.sleep(_LOCK_LOOK_S)
            yield
        finally:
            os.close(descriptor)
