"""Changes TOML as a person would: values are replaced where they stand, and comments, order and spacing stay. Pure.

A setting is named by its path: `card_wait_s`, `profiles.live.tls.enabled`. In an array of tables the entry's `name` is
part of the path: `lanes.kiosk-2.terminal_id`. A part that holds a dot is quoted: `lanes."a.b".terminal_id`.

Every process can change its settings, and hardly any does: tomlkit is imported by what needs it, when it does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = [
    "NoSuchPlaceError", "as_toml", "drop_entry", "drop_value", "dumps", "entries", "flat", "join", "parsed",
    "put_entry", "put_value", "split", "value_at",
]  # fmt: skip

_PARTS = re.compile(r"""\s*(?:"((?:[^"\\])*)"|([A-Za-z0-9_-]+))\s*(?:\.(?=.)|$)""")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_KEY = "name"
"""What tells the entries of an array of tables apart, in every settings file."""


class NoSuchPlaceError(LookupError):
    """There is no such place; `path` is the part that leads nowhere, `known` what stands beside it."""

    def __init__(self, path: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(path)
        self.path = path
        self.known = known


def split(path: str) -> tuple[str, ...]:
    """The parts of a path. Raises NoSuchPlaceError for what is no path."""
    parts, at = [], 0
    while at < len(path):
        match = _PARTS.match(path, at)
        if match is None:
            raise NoSuchPlaceError(path)
        parts.append(match[2] or match[1])
        at = match.end()
    if not parts:
        raise NoSuchPlaceError(path)
    return tuple(parts)


def join(*parts: str) -> str:
    """The path of these parts."""
    return ".".join(part if _BARE.fullmatch(part) else f'"{part}"' for part in parts)


def value_at(data: Mapping[str, Any], path: str) -> Any:
    """The value there. Raises NoSuchPlaceError."""
    here: Any = data
    for depth, part in enumerate(parts := split(path)):
        here = _step(here, part, join(*parts[: depth + 1]))
    return here


def put_value(document: MutableMapping[str, Any], path: str, value: object) -> None:
    """Set a value; missing tables are made, missing entries of an array are not. Raises NoSuchPlaceError."""
    import tomlkit  # noqa: PLC0415
    from tomlkit.items import AoT  # noqa: PLC0415

    *tables, last = split(path)
    here: Any = document
    for depth, part in enumerate(tables):
        if isinstance(here, MutableMapping) and part not in here:
            here[part] = tomlkit.table()
        here = _step(here, part, join(*tables[: depth + 1]))
    if not isinstance(here, MutableMapping):
        raise NoSuchPlaceError(path)
    if _is_tables(value) or isinstance(here.get(last), AoT):
        _put_tables(here, last, value)
    else:
        here[last] = tomlkit.item(value)


def drop_value(document: MutableMapping[str, Any], path: str) -> None:
    """Remove a value, so that its default counts. Nothing to do where there is none."""
    *tables, last = split(path)
    here: Any = document
    for part in tables:
        try:
            here = _step(here, part, part)
        except NoSuchPlaceError:
            return
    if isinstance(here, MutableMapping):
        here.pop(last, None)


def entries(document: Mapping[str, Any], array: str) -> list[MutableMapping[str, Any]]:
    """The tables of an array of tables, to be changed in place; none where it is missing or empty."""
    found = document.get(array, [])
    return [each for each in found if isinstance(each, MutableMapping)]


def put_entry(document: MutableMapping[str, Any], array: str, entry: Mapping[str, object]) -> None:
    """Change the entry of this name, or add it at the end of the array. Values that `entry` lacks stay."""
    import tomlkit  # noqa: PLC0415
    from tomlkit.items import AoT  # noqa: PLC0415

    for table in entries(document, array):
        if table.get(_KEY) == entry[_KEY]:
            for key, value in entry.items():
                if table.get(key) != value:
                    table[key] = tomlkit.item(value)
            return
    if not isinstance(document.get(array), AoT):
        _put_tables(document, array, [*entries(document, array), entry])
    else:
        document[array].append(_table(entry))


def drop_entry(document: MutableMapping[str, Any], array: str, name: str) -> bool:
    """Remove the entry of this name; whether there was one."""
    kept = [table for table in entries(document, array) if table.get(_KEY) != name]
    if len(kept) == len(entries(document, array)):
        return False
    found = document[array]
    for index in reversed(range(len(found))):
        if found[index].get(_KEY) == name:
            del found[index]
    if not kept:
        del document[array]
    return True


def parsed(text: str) -> TOMLDocument:
    """A document to change. Raises ValueError for what is no TOML."""
    import tomlkit  # noqa: PLC0415
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise ValueError(str(error)) from error


def dumps(document: TOMLDocument) -> str:
    """The text. Raises ValueError where it would not say what the document says: better no change than another one."""
    import tomlkit  # noqa: PLC0415
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    text = tomlkit.dumps(document)
    try:
        agrees = tomllib.loads(text) == document.unwrap()
    except (tomllib.TOMLDecodeError, TOMLKitError) as error:
        raise ValueError(f"the change cannot be written as TOML: {error}") from error
    if not agrees:
        raise ValueError("the change cannot be written at that place of the file; write it by hand")
    return text


def as_toml(value: object) -> str:
    """A value as it stands in a file, on one line."""
    import tomlkit  # noqa: PLC0415

    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{join(str(key))} = {as_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(as_toml(each) for each in value) + "]"
    return tomlkit.item(value).as_string()  # type: ignore[no-any-return,unused-ignore]


def flat(data: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every value by its path, as TOML: what two versions of a file are compared by."""
    for key, value in data.items():
        here = (*above, key)
        if isinstance(value, Mapping):
            yield from flat(value, here)
        elif _is_tables(value) and all(_KEY in each for each in value):
            for each in value:
                yield from flat({k: v for k, v in each.items() if k != _KEY} or {_KEY: each[_KEY]}, (*here, each[_KEY]))
        else:
            yield join(*here), as_toml(value)


def _step(here: Any, part: str, path: str) -> Any:
    if isinstance(here, Mapping):
        if part in here:
            return here[part]
        raise NoSuchPlaceError(path, tuple(here))
    if _is_tables(here):
        for each in here:
            if each.get(_KEY) == part:
                return each
        raise NoSuchPlaceError(path, tuple(str(each.get(_KEY)) for each in here))
    raise NoSuchPlaceError(path)


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _put_tables(table: MutableMapping[str, Any], key: str, value: object) -> None:
    """An array of tables is written last: what stands after it would belong to its last table."""
    import tomlkit  # noqa: PLC0415

    table.pop(key, None)
    if not _is_tables(value):
        table[key] = tomlkit.item(value)
        return
    tables = tomlkit.aot()
    for each in value:  # type: ignore[attr-defined]
        tables.append(_table(each))
    table[key] = tables


def _table(entry: Mapping[str, object]) -> Any:
    import tomlkit  # noqa: PLC0415

    table = tomlkit.table()
    for key, value in entry.items():
        table[key] = tomlkit.item(value)
    return table
