"""The operations on settings, as every service answers them for the files that it owns.

One change at a time; disk work is done apart from the event loop. A change is whole or not at all, and what it is
refused for is named by the setting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from tpayd.kit.bus import CallError, Request
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.kit.settings import SettingsError
from tpayd.kit.settings_desk.guide import guide
from tpayd.kit.settings_desk.leaves import MISSING, Leaf, UnknownSettingError, leaf_at, read_value
from tpayd.kit.settings_desk.served import Elsewhere, Served
from tpayd.kit.settings_file import ChangedMeanwhileError, NoSuchVersionError, NotSavedError, Saved
from tpayd.kit.settings_history import Changed
from tpayd.kit.toml_edit import NoSuchPlaceError, as_toml, drop_value, put_value
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.operation import Op
from tpayd_contracts.settings import (
    SETTINGS_CHANGE,
    SETTINGS_HISTORY,
    SETTINGS_PRESET,
    SETTINGS_RESTORE,
    SETTINGS_SHOW,
    AppliedChange,
    Applies,
    ApplyPreset,
    ChangedSettings,
    ChangeSettings,
    RestoreSettings,
    SettingChange,
    SettingsHistory,
    SettingsHistoryQuery,
    SettingsPage,
    SettingsQuery,
    SettingsVersion,
)

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["SettingsDesk"]

T = TypeVar("T")
Edit = Callable[["TOMLDocument"], None]

_CHANGES_TOLD = 64
_VALUE_TOLD_CHARS = 200
_CHANGES_IN_HISTORY = 8
_VALUE_IN_HISTORY_CHARS = 60


class SettingsDesk:
    """The settings of one process."""

    def __init__(self, service: str, files: Iterable[Served[Any]], clock: Clock, log: Log) -> None:
        self._service = service
        self._files = {file.name: file for file in files}
        self._clock = clock
        self._log = log
        self._turn = asyncio.Lock()

    @property
    def handlers(self) -> tuple[tuple[Op[Any, Any], Callable[[Request, Any], Awaitable[Struct]]], ...]:
        """Each operation and who answers it."""
        return (
            (SETTINGS_SHOW, self.show), (SETTINGS_CHANGE, self.change), (SETTINGS_HISTORY, self.history),
            (SETTINGS_RESTORE, self.restore), (SETTINGS_PRESET, self.preset),
        )  # fmt: skip

    async def begin(self) -> None:
        """Remember what was changed by hand while the process did not run.

        A full disk must not keep it from starting.
        """
        for served in self._files.values():
            try:
                if await asyncio.to_thread(served.file.note, self._clock.unix_ms()):
                    self._log.info("settings.found_changed", file=served.name)
            except (NotSavedError, SettingsError) as error:
                self._log.warning("settings.not_noted", file=served.name, why=str(error))

    async def read_again(self) -> None:
        """Take over what was changed by hand and counts at once."""
        for served in self._files.values():
            try:
                served.take_over((await asyncio.to_thread(served.file.read)).settings)
            except SettingsError as error:
                self._log.error("settings.refused", why=str(error))

    async def show(self, _: Request, asked: SettingsQuery) -> SettingsPage:
        """Serve settings.show."""
        served = self._served(asked.file)
        snapshot = await self._doing(served, asyncio.to_thread(served.file.read))
        settings = await asyncio.to_thread(served.settings, snapshot)
        return SettingsPage(
            file=served.name, service=self._service, stamp=snapshot.stamp, restart=served.restart, settings=settings
        )

    async def change(self, request: Request, asked: ChangeSettings) -> ChangedSettings:
        """Serve settings.change."""
        served = self._served(asked.file)
        for index, change in enumerate(asked.changes):
            elsewhere = served.rules.elsewhere.get(change.path)
            if elsewhere is not None:
                if len(asked.changes) > 1:
                    text = f"{change.path} is not kept in the file: change it by itself"
                    raise _invalid(text, f"$.changes[{index}].path")
                return await self._change_elsewhere(request, served, elsewhere, asked)
        values = _wanted(served, asked.changes)
        return await self._edit(
            request, served, _putting(values), [change.path for change in asked.changes],
            why="settings.change", expected=asked.expected, dry_run=asked.dry_run,
        )  # fmt: skip

    async def preset(self, request: Request, asked: ApplyPreset) -> ChangedSettings:
        """Serve settings.preset. A file without a part in it stays as it is."""
        served = self._served(asked.file)
        wanted = guide().presets[asked.preset].get(served.name, {})
        values = [(leaf_at(served.type, path), value) for path, value in wanted.items()]
        return await self._edit(
            request, served, _putting(values), [],
            why=f"preset {asked.preset}", expected=asked.expected, dry_run=asked.dry_run,
        )  # fmt: skip

    async def restore(self, request: Request, asked: RestoreSettings) -> ChangedSettings:
        """Serve settings.restore."""
        served = self._served(asked.file)

        def restored(expected: str | None, dry_run: bool) -> Saved[Any]:
            return served.file.restore(
                asked.number, by=_by(request), at_ms=self._clock.unix_ms(), expected=expected, dry_run=dry_run,
                keep=served.kept,
            )  # fmt: skip

        return await self._save(request, served, restored, [], asked.expected, asked.dry_run)

    async def history(self, _: Request, asked: SettingsHistoryQuery) -> SettingsHistory:
        """Serve settings.history."""
        served = self._served(asked.file)
        snapshot = await self._doing(served, asyncio.to_thread(served.file.read))
        versions = await self._doing(served, asyncio.to_thread(served.file.history))
        present = max((each.number for each in versions if each.stamp == snapshot.stamp), default=None)
        return SettingsHistory(
            served.name,
            tuple(
                SettingsVersion(
                    number=each.number, at_ms=each.at_ms, by=each.by, why=each.why,
                    changes=_told(served, each.changes[:_CHANGES_IN_HISTORY], _VALUE_IN_HISTORY_CHARS),
                    in_force=each.number == present,
                )
                for each in reversed(versions[-asked.limit :])
            ),
        )  # fmt: skip

    async def _change_elsewhere(
        self, request: Request, served: Served[Any], elsewhere: Elsewhere, asked: ChangeSettings
    ) -> ChangedSettings:
        wanted = asked.changes[0].value
        words = {"true": True, "false": False, None: elsewhere.default}
        if wanted not in words:
            raise _invalid(f"{elsewhere.path}: expected true or false", "$.changes[0].value")
        old, new = elsewhere.read(), words[wanted]
        if elsewhere.needs_password and asked.password is None:
            text = f"{elsewhere.path} needs the settings password"
            raise _refused(text, "$.password", "password_needed")
        if not asked.dry_run and old != new:
            await elsewhere.write(new, _by(request), asked.password)
        snapshot = await self._doing(served, asyncio.to_thread(served.file.read))
        change = AppliedChange(elsewhere.path, as_toml(old), as_toml(new), Applies.NOW)
        return ChangedSettings(
            file=served.name, stamp=snapshot.stamp, changes=(change,) if old != new else (), dry_run=asked.dry_run
        )

    async def _edit(
        self, request: Request, served: Served[Any], edit: Edit, paths: list[str],
        *, why: str, expected: str | None, dry_run: bool,
    ) -> ChangedSettings:  # fmt: skip
        def edited(expected: str | None, dry_run: bool) -> Saved[Any]:
            return served.file.edit(
                edit, by=_by(request), why=why, at_ms=self._clock.unix_ms(), expected=expected, dry_run=dry_run
            )

        return await self._save(request, served, edited, paths, expected, dry_run)

    async def _save(
        self, request: Request, served: Served[Any], save: Callable[[str | None, bool], Saved[Any]], paths: list[str],
        expected: str | None, dry_run: bool,
    ) -> ChangedSettings:  # fmt: skip
        async with self._turn:
            if served.rules.may is not None:
                stamp = (await self._doing(served, asyncio.to_thread(served.file.read))).stamp
                tried = await self._doing(served, asyncio.to_thread(save, expected, True), paths)
                await served.rules.may(tried.settings)
                expected = expected or stamp
            saved = await self._doing(served, asyncio.to_thread(save, expected, dry_run), paths)
            if not dry_run:
                served.take_over(saved.settings)
        changes = _told(served, saved.changes[:_CHANGES_TOLD], _VALUE_TOLD_CHARS)
        later = any(not served.counts_at_once(change.setting) for change in saved.changes)
        if saved.number is not None:
            self._log.info(
                "settings.changed", file=served.name, number=saved.number, by=_by(request), trace=request.trace,
                settings=[change.path for change in changes],
            )  # fmt: skip
        return ChangedSettings(
            file=served.name, stamp=saved.stamp, changes=changes, restart=served.restart if later else (),
            number=saved.number, dry_run=dry_run,
        )  # fmt: skip

    async def _doing(self, served: Served[Any], work: Awaitable[T], paths: list[str] | None = None) -> T:
        """What went wrong with a file, as a caller is told."""
        try:
            return await work
        except SettingsError as error:
            place = f"{served.name}.{error.field}" if error.field else f"config/{served.name}.toml"
            at = paths.index(error.field) if paths and error.field in paths else None
            raise _invalid(f"{place}: {error.problem}", None if at is None else f"$.changes[{at}].value") from error
        except NoSuchPlaceError as error:
            known = f"; there are: {', '.join(error.known[:10])}" if error.known else ""
            raise _invalid(f"{served.name}.{error.path} does not stand in the file{known}", "$.changes") from error
        except ChangedMeanwhileError as error:
            raise CallError.not_started(ErrorCode.SETTINGS_CHANGED, str(error), field="$.expected") from error
        except NoSuchVersionError as error:
            raise CallError.not_started(ErrorCode.NOT_FOUND, str(error), field="$.number") from error
        except NotSavedError as error:
            raise CallError.not_started(ErrorCode.STORAGE_FAILED, str(error), retryable=True) from error

    def _served(self, name: str) -> Served[Any]:
        served = self._files.get(name)
        if served is None:
            raise _invalid(f"{self._service} does not answer for config/{name}.toml", "$.file")
        return served


def _wanted(served: Served[Any], changes: tuple[SettingChange, ...]) -> list[tuple[Leaf, object]]:
    """What each setting shall be; None: nothing at all. Raises CallError."""
    values: list[tuple[Leaf, object]] = []
    for index, change in enumerate(changes):
        place = f"$.changes[{index}]"
        try:
            leaf = leaf_at(served.type, change.path)
        except UnknownSettingError as error:
            raise _invalid(f"{served.name}: {error}", f"{place}.path") from None
        if change.path in (other.path for other, _ in values):
            raise _invalid(f"{change.path} is changed twice", f"{place}.path")
        way = served.way(change.path)
        if way:
            text = f"{served.name}.{change.path} is not changed like this, but so: {way}"
            raise _refused(text, f"{place}.path", "another_way")
        if change.value is not None:
            try:
                values.append((leaf, read_value(leaf, change.value)))
            except ValueError as error:
                raise _invalid(f"{served.name}.{change.path}: {error}", f"{place}.value") from None
        elif leaf.default is MISSING:
            raise _invalid(f"{served.name}.{change.path} has no default", f"{place}.value")
        else:
            values.append((leaf, leaf.default))
    return values


def _putting(values: list[tuple[Leaf, Any]]) -> Edit:
    def put(document: TOMLDocument) -> None:
        for leaf, value in values:
            if value is None:
                drop_value(document, leaf.path)
            else:
                put_value(document, leaf.path, list(value) if isinstance(value, tuple) else value)

    return put


def _told(served: Served[Any], changes: tuple[Changed, ...], limit: int) -> tuple[AppliedChange, ...]:
    return tuple(
        AppliedChange(
            change.setting, _cut(change.old, limit), _cut(change.new, limit),
            Applies.NOW if served.counts_at_once(change.setting) else Applies.RESTART,
        )
        for change in changes
    )  # fmt: skip


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _by(request: Request) -> str:
    admitted = request.session.admitted
    # A client of the gateway speaks for itself alone; a service speaks for the client that it names.
    return admitted.name if admitted.right is not None else request.principal or admitted.name


def _refused(text: str, field: str, detail: str) -> CallError:
    return CallError(ErrorCode.NOT_PERMITTED, text, outcome=Outcome.NOT_STARTED, field=field, detail=detail)


def _invalid(text: str, field: str | None) -> CallError:
    return CallError.not_started(ErrorCode.INVALID_BODY, text, field=field)
