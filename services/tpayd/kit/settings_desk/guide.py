"""What people are told of each setting: guide.toml, as values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from tpayd_contracts.settings import SettingGroup

__all__ = ["Guide", "Note", "guide"]

_FILE = Path(__file__).with_name("guide.toml")


class Note(Struct, frozen=True, forbid_unknown_fields=True):
    """One setting."""

    ko: str = ""
    en: str = ""
    group: SettingGroup = SettingGroup.OTHER
    row: str = ""
    now: bool = False
    way: str = ""


class Guide:
    """The notes and presets."""

    def __init__(self, data: Mapping[str, dict[str, object]]) -> None:
        tables = dict(data)
        self.presets = msgspec.convert(tables.pop("presets"), dict[str, dict[str, dict[str, bool]]])
        """Preset → file → setting → value."""
        self.files = msgspec.convert(tables, dict[str, dict[str, Note]])
        """File → pattern of a setting's path → note; "*" is every file."""

    def note(self, file: str, path: str) -> Note:
        """What is said of a setting; an empty note for one that nothing is said of."""
        for table in (self.files.get(file, {}), self.files["*"]):
            for pattern, note in table.items():
                if _fits(pattern, path):
                    return note
        return Note()


@cache
def guide() -> Guide:
    """The guide that is shipped."""
    return Guide(tomllib.loads(_FILE.read_text(encoding="utf-8")))


def _fits(pattern: str, path: str) -> bool:
    if "*" not in pattern:
        return pattern == path
    wanted, found = pattern.split("."), path.split(".")
    return len(wanted) == len(found) and all(map(fnmatchcase, found, wanted))
