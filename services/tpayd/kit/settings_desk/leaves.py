"""The single settings that a file may hold, as its Struct declares them: path, kind, default and limits. Pure."""

from __future__ import annotations

import difflib
import enum
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import NODEFAULT, Struct, inspect

from tpayd.kit.toml_edit import NoSuchPlaceError, join, split
from tpayd_contracts.schema.described import member_docs
from tpayd_contracts.settings import SettingKind

__all__ = ["Leaf", "UnknownSettingError", "MISSING", "leaf_at", "leaves", "mapping_value", "read_value"]

MISSING = object()


class UnknownSettingError(LookupError):
    """There is no such setting; the message names the nearest ones."""


class Leaf(Struct, frozen=True):
    """One setting."""

    path: str
    shape: inspect.Type
    default: object
    """MISSING: it must stand in the file."""
    owner: type[Struct]
    """Where it is declared, or inherited."""

    @property
    def doc(self) -> str:
        """What is said of it at its declaration. Reads source files: not for an event loop."""
        return _docs(self.owner).get(split(self.path)[-1], "")

    @property
    def kind(self) -> SettingKind:
        """What its value is."""
        plain = _plain(self.shape)
        if isinstance(plain, (inspect.LiteralType, inspect.EnumType)):
            return SettingKind.CHOICE
        if isinstance(plain, _LISTS):
            return SettingKind.TABLES if _table_of(plain) is not None else SettingKind.LIST
        # What has no simple form is a table, which is changed by hand.
        return next((kind for of, kind in _KINDS.items() if isinstance(plain, of)), SettingKind.TABLES)

    @property
    def choices(self) -> tuple[str, ...]:
        """The words of a CHOICE."""
        plain = _plain(self.shape)
        if isinstance(plain, inspect.LiteralType):
            return tuple(map(str, plain.values))
        if isinstance(plain, inspect.EnumType):
            return tuple(str(member.value) for member in plain.cls)
        return ()

    @property
    def limits(self) -> str:
        """What is allowed, for people; empty: anything of its kind."""
        plain = _plain(self.shape)
        if isinstance(plain, (inspect.IntType, inspect.FloatType)):
            return _range(plain)
        if isinstance(plain, (inspect.StrType, *_LISTS)) and plain.max_length is not None:
            what = "characters" if isinstance(plain, inspect.StrType) else "entries"
            return f"{plain.min_length or 0} to {plain.max_length} {what}"
        return ""

    @property
    def unit(self) -> str:
        """By the last word of its name."""
        return _UNITS.get(split(self.path)[-1].rpartition("_")[2], "")


_LISTS = (inspect.ListType, inspect.VarTupleType)
_KINDS: dict[type[inspect.Type], SettingKind] = {
    inspect.BoolType: SettingKind.SWITCH,
    inspect.IntType: SettingKind.WHOLE,
    inspect.FloatType: SettingKind.NUMBER,
    inspect.StrType: SettingKind.TEXT,
}
_UNITS = {"s": "s", "ms": "ms", "min": "min", "days": "days", "mib": "MiB", "minor": "KRW", "baud": "bit/s"}


@cache
def leaves(settings_type: type[Struct]) -> tuple[Leaf, ...]:
    """Every setting of a file, in the order of its Struct; an array of tables is one setting."""
    return tuple(_walk(settings_type, (), None))


def leaf_at(settings_type: type[Struct], path: str) -> Leaf:
    """One setting, within an array of tables as well: `lanes.1.terminal_id`. Raises UnknownSettingError."""
    known = {leaf.path: leaf for leaf in leaves(settings_type)}
    if path in known:
        return known[path]
    try:
        parts = split(path)
    except NoSuchPlaceError:
        raise UnknownSettingError(f"{path!r} is no setting's name") from None
    for depth in range(1, len(parts) - 1):
        array = known.get(join(*parts[:depth]))
        table = _table_of(_plain(array.shape)) if array is not None else None
        if table is not None:
            inner = {leaf.path: leaf for leaf in leaves(table)}
            last = join(*parts[depth + 1 :])
            if last in inner:
                return Leaf(path, inner[last].shape, inner[last].default, inner[last].owner)
            raise UnknownSettingError(_unknown(path, {join(*parts[: depth + 1], *split(name)) for name in inner}))
    raise UnknownSettingError(_unknown(path, set(known)))


def read_value(leaf: Leaf, text: str) -> object:
    """A value as it was written: TOML, or the bare text where a text is wanted. Raises ValueError."""
    textual = leaf.kind in (SettingKind.TEXT, SettingKind.CHOICE)
    if any(ord(character) < 32 for character in text):
        raise ValueError("a value is one line of TOML")
    try:
        found: dict[str, Any] = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        if textual:
            return text
        raise ValueError(f"{text!r} is no TOML value; write e.g. {_EXAMPLES[leaf.kind]}") from None
    value = found["value"]
    if textual and not isinstance(value, str):
        return text
    if leaf.kind is SettingKind.NUMBER and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


_EXAMPLES = {
    SettingKind.SWITCH: "true",
    SettingKind.WHOLE: "3",
    SettingKind.NUMBER: "3.5",
    SettingKind.LIST: '["a", "b"]',
    SettingKind.TABLES: '[{name = "a"}]',
}


def _walk(struct: type[Struct], above: tuple[str, ...], default: Struct | None) -> Iterator[Leaf]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)  # noqa: S101
    for field in info.fields:
        here = (*above, field.encode_name)
        own = getattr(default, field.name) if default is not None else _default(field)
        plain = _plain(field.type)
        if isinstance(plain, inspect.StructType):
            yield from _walk(plain.cls, here, own if isinstance(own, Struct) else None)
        else:
            value = own if own is MISSING else msgspec.to_builtins(own)
            yield Leaf(join(*here), field.type, value, struct)


@cache
def _docs(struct: type[Struct]) -> dict[str, str]:
    docs: dict[str, str] = {}
    for owner in reversed(struct.__mro__):
        docs |= member_docs(owner) if owner is not Struct and issubclass(owner, Struct) else {}
    return docs


def _default(field: inspect.Field) -> object:
    if field.default is not NODEFAULT:
        return field.default
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    return MISSING


def _plain(kind: inspect.Type) -> inspect.Type:
    """Without what describes it, and without None."""
    if isinstance(kind, inspect.Metadata):
        return _plain(kind.type)
    if isinstance(kind, inspect.UnionType):
        parts = [part for part in kind.types if not isinstance(part, inspect.NoneType)]
        # A text or one of some words is a text.
        return _plain(next((part for part in parts if isinstance(_plain(part), inspect.StrType)), parts[0]))
    return kind


def _table_of(kind: inspect.Type) -> type[Struct] | None:
    if not isinstance(kind, _LISTS):
        return None
    item = _plain(kind.item_type)
    return item.cls if isinstance(item, inspect.StructType) else None


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    low = f"above {kind.gt:g}" if kind.gt is not None else f"{kind.ge:g}" if kind.ge is not None else ""
    most = kind.le if kind.le is not None else kind.lt
    if most is None:
        return f"at least {low}" if kind.ge is not None else low
    high = f"{most:,}" if isinstance(most, int) else f"{most:g}"
    if kind.gt is not None:
        return f"{low}, up to {high}"
    return f"{low or 'any'} to {high}"


def _unknown(path: str, known: set[str]) -> str:
    close = difflib.get_close_matches(path, known, n=3, cutoff=0.5)
    # A last part alone is what people remember: `addresses` is in two profiles.
    close += [name for name in sorted(known) if name.rpartition(".")[2] == path and name not in close]
    return f"{path} is no setting" + (f"; did you mean {' or '.join(close[:3])}?" if close else "")


def mapping_value(data: Mapping[str, Any], leaf: Leaf) -> object:
    """What a file says of a setting, else its default."""
    here: Any = data
    for part in split(leaf.path):
        if not isinstance(here, Mapping) or part not in here:
            return leaf.default
        here = here[part]
    return here.value if isinstance(here, enum.Enum) else here
