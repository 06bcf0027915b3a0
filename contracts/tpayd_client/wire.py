"""Between MessagePack maps and the types of `tpayd_client.types`."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypeVar

__all__ = ["OpenEnum", "Reply", "many", "maybe", "some", "to_wire"]

T = TypeVar("T")


class OpenEnum(enum.StrEnum):
    """An enum to which a newer daemon may add values: an unknown one becomes a member of its own, not an error."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value.upper()
        member._value_ = value
        return member


class Reply:
    """What every generated type can do."""

    __slots__ = ()

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Self:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        raise NotImplementedError


def maybe(value: object, convert: Callable[[Any], T]) -> T | None:
    """None stays None; anything else is converted."""
    return None if value is None else convert(value)


def many(values: Iterable[Any], convert: Callable[[Any], T] | None) -> tuple[T, ...]:
    """A MessagePack array as a tuple, each element converted."""
    return tuple(values) if convert is None else tuple(convert(value) for value in values)


def some(values: Iterable[Any] | None, convert: Callable[[Any], T] | None) -> tuple[T, ...] | None:
    """None stays None; an array is as `many` makes it."""
    return None if values is None else many(values, convert)


def to_wire(value: object) -> Any:
    """A dataclass as the map that goes out: fields at their default are left out, so an unset one is never nil."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_wire(item)
            for field in dataclasses.fields(value)
            if (item := getattr(value, field.name)) != field.default
        }
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [to_wire(item) for item in value]
    return value
