"""A settings file as one process serves it: what it says, what the process runs with, and what the process adds."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec import Struct

from tpayd.kit.settings_desk.guide import guide
from tpayd.kit.settings_desk.leaves import MISSING, Leaf, leaves, mapping_value
from tpayd.kit.settings_file import SettingsFile, Snapshot
from tpayd.kit.settings_history import hide_secrets
from tpayd.kit.toml_edit import as_toml
from tpayd_contracts.settings import VALUE_MAX_CHARS, Applies, Setting, SettingKind

__all__ = ["Elsewhere", "Rules", "Served"]

S = TypeVar("S", bound=Struct)

_ROW = re.compile(r" \(T\d+(?:, T\d+)*\)")
"""What a declaration says to who reads the code; a setting has a field for it."""


class Elsewhere(Struct, frozen=True):
    """A switch that people look for among the settings, and that the process keeps in a place of its own."""

    path: str
    default: bool
    read: Callable[[], bool]
    write: Callable[[bool, str, str | None], Awaitable[None]]
    """With who changes it, and the password. Raises CallError."""
    needs_password: bool = False


@dataclass
class Rules(Generic[S]):
    """What a service knows beyond the types of its settings; it fills this in when it is built."""

    check: Callable[[S], None] | None = None
    """Refuses settings by SettingsError."""
    may: Callable[[S], Awaitable[None]] | None = None
    """Asked before a change is written, for what must be asked of others. Raises CallError."""
    apply: Callable[[S], None] | None = None
    """Takes over those that count at once; they are marked in the guide."""
    elsewhere: dict[str, Elsewhere] = field(default_factory=dict)

    def refuse(self, settings: S) -> None:
        """Raises SettingsError for settings that the service cannot use."""
        if self.check is not None:
            self.check(settings)


class Served(Generic[S]):
    """One file."""

    def __init__(
        self,
        file: SettingsFile[S],
        settings: S,
        rules: Rules[S],
        restart: tuple[str, ...],
        apply: Callable[[S], None] | None = None,
    ) -> None:
        """`settings` is what the process runs with; `restart` names the services that read the file at start.

        `apply` takes over what the kit can at once, before the service's own rules do.
        """
        self.file = file
        self.type = file.type
        self._apply = apply
        self.rules = rules
        self.restart = restart
        self.name = file.path.stem
        self._started = self._present = settings

    @property
    def _leaves(self) -> tuple[Leaf, ...]:
        return leaves(self.type)

    def counts_at_once(self, path: str) -> bool:
        """Whether a changed setting counts without a restart."""
        return guide().note(self.name, path).now

    def way(self, path: str) -> str:
        """How else it is changed; empty: as any other."""
        notes = (guide().note(self.name, leaf.path) for leaf in self._leaves if _is_in(path, leaf.path))
        return next((note.way for note in notes if note.way), "")

    @property
    def kept(self) -> tuple[str, ...]:
        """Settings that a restore leaves as they are."""
        return tuple(leaf.path for leaf in self._leaves if self.way(leaf.path))

    def take_over(self, settings: S) -> None:
        """What counts at once counts now."""
        self._present = settings
        for apply in (self._apply, self.rules.apply):
            if apply is not None:
                apply(settings)

    def settings(self, snapshot: Snapshot[S]) -> tuple[Setting, ...]:
        """Each setting, by what the file says."""
        started, present, read = map(msgspec.to_builtins, (self._started, self._present, snapshot.settings))
        found = [
            self._setting(
                leaf,
                mapping_value(snapshot.data, leaf),
                read=mapping_value(read, leaf),
                running=mapping_value(present if self.counts_at_once(leaf.path) else started, leaf),
            )
            for leaf in self._leaves
        ]
        return (*found, *(self._elsewhere(each) for each in self.rules.elsewhere.values()))

    def _setting(self, leaf: Leaf, value: object, *, read: object, running: object) -> Setting:
        note = guide().note(self.name, leaf.path)
        english = note.en or _ROW.sub("", leaf.doc.partition("\n\n")[0].replace("\n", " "))
        # What has a way of its own may be taken over on that way, without a restart.
        waits = running != read and not (note.way and leaf.kind is SettingKind.TABLES)
        return Setting(
            path=leaf.path, value=_shown(leaf, value), kind=leaf.kind, group=note.group,
            applies=Applies.NOW if note.now else Applies.RESTART,
            en=english, ko=note.ko or english,
            default=None if leaf.default is MISSING else _shown(leaf, leaf.default),
            in_force=_shown(leaf, running) if waits else None,
            unit=leaf.unit, limits=leaf.limits, choices=leaf.choices, way=note.way, row=note.row,
        )  # fmt: skip

    def _elsewhere(self, each: Elsewhere) -> Setting:
        note = guide().note(self.name, each.path)
        return Setting(
            path=each.path, value=as_toml(each.read()), kind=SettingKind.SWITCH, group=note.group, applies=Applies.NOW,
            en=note.en, ko=note.ko, default=as_toml(each.default), needs_password=each.needs_password, row=note.row,
        )  # fmt: skip


def _shown(leaf: Leaf, value: object) -> str:
    if value is None or value is MISSING:
        return ""
    if leaf.kind is SettingKind.TABLES and isinstance(value, (list, tuple)):
        value = [{key: each for key, each in table.items() if each is not None} for table in cast("list[Any]", value)]
    if leaf.kind is SettingKind.NUMBER and isinstance(value, int):
        value = float(value)
    text = hide_secrets(as_toml(value))
    if len(text) > VALUE_MAX_CHARS and isinstance(value, (list, tuple)):
        return f"# {len(value)} entries"
    return text


def _is_in(path: str, array: str) -> bool:
    return path == array or path.startswith(f"{array}.")
