"""The contract's types as JSON: every field stands there, set or not, so that a script finds one shape always."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

__all__ = ["as_json"]


def as_json(value: object) -> Any:
    """The client's dataclasses, the contract's Structs and what they hold, as JSON values."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): as_json(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [as_json(each) for each in value]
    if (names := _fields(value)) is not None:
        return {name: as_json(getattr(value, name)) for name in names}
    return value


def _fields(value: object) -> tuple[str, ...] | None:
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value))
    names: tuple[str, ...] | None = getattr(type(value), "__struct_fields__", None)
    return names
