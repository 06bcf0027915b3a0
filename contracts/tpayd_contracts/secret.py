"""Fields that no log, traceback or debugger may show."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, structs
from msgspec import inspect as shapes

__all__ = ["SECRET", "HidesSecrets", "Password", "is_secret"]

_MARK = "secret"
SECRET = {_MARK: True}
"""Marks a shape: `Meta(extra=SECRET)`."""

Password = Annotated[
    str,
    Meta(min_length=8, max_length=128, extra=SECRET, description="8 to 128 characters"),
]


def is_secret(shape: shapes.Type) -> bool:
    """Whether a field of this shape must not be shown."""
    match shape:
        case shapes.Metadata():
            return bool((shape.extra or {}).get(_MARK)) or is_secret(shape.type)
        case shapes.UnionType():
            return any(is_secret(part) for part in shape.types)
    return False


class HidesSecrets(Struct, frozen=True):
    """Base of every Struct with such a field: its repr says whether there is one, and no more."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in _shown(self))})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return _shown(self)


def _shown(struct: Struct) -> list[tuple[str, str]]:
    info = shapes.type_info(type(struct))
    assert isinstance(info, shapes.StructType)  # noqa: S101
    hidden = {field.name for field in info.fields if is_secret(field.type)}
    found = ((field.name, getattr(struct, field.name)) for field in structs.fields(struct))
    return [(name, "<hidden>" if name in hidden and value is not None else repr(value)) for name, value in found]
