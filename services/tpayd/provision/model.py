"""Fills values into a settings file and keeps its comments, which are half of what the file is for."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import tomlkit

__all__ = ["NoSuchSettingError", "fill"]


class NoSuchSettingError(LookupError):
    """The model has no such setting: the model and the code that fills it have come apart."""


def fill(text: str, values: Mapping[str, object]) -> str:
    """The TOML text with these settings changed; a name like `merchant.id` reaches into a table.

    A list of mappings becomes an array of tables. Raises NoSuchSettingError for a setting that the text does not have.
    """
    document = tomlkit.parse(text)
    for name, value in values.items():
        *tables, last = name.split(".")
        place: Any = document
        for table in tables:
            place = place.get(table) if isinstance(place, Mapping) else None
        if not isinstance(place, MutableMapping) or last not in place:
            raise NoSuchSettingError(name)
        place[last] = _item(value)
    return tomlkit.dumps(document)


def _item(value: object) -> Any:
    if isinstance(value, list) and value and all(isinstance(entry, Mapping) for entry in value):
        tables = tomlkit.aot()
        for entry in value:
            table = tomlkit.table()
            table.update(entry)
            tables.append(table)
        return tables
    return tomlkit.item(value)
