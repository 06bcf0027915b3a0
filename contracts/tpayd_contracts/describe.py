"""Read the contract as data: Structs, enums, their fields, limits and docstrings.

What is generated from the contract (the client's types, the tables of docs/pos-protocol.md) starts here, so that a
field is described in one place: where it is declared.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeGuard

import msgspec
from msgspec import Struct
from msgspec import inspect as shapes

from tpayd_contracts.schema.described import member_docs

__all__ = ["FieldNote", "class_doc", "closure", "fields_of", "is_enum"]


@dataclass(frozen=True)
class FieldNote:
    """One field of a Struct."""

    name: str
    shape: shapes.Type
    required: bool
    default: object
    """The value of a field that is left out; of no meaning where `required`."""
    doc: str


def fields_of(struct: type[Struct]) -> tuple[FieldNote, ...]:
    """The fields of `struct` in the order of declaration."""
    info = shapes.type_info(struct)
    if not isinstance(info, shapes.StructType):
        raise TypeError(f"{struct!r} is not a Struct")
    docs = member_docs(struct)
    return tuple(
        FieldNote(field.name, field.type, field.required, _default(field), docs.get(field.name, ""))
        for field in info.fields
    )


def closure(roots: Iterable[type]) -> tuple[type, ...]:
    """Every Struct and enum that `roots` are made of, each after the ones that it needs."""
    found: dict[type, None] = {}
    for root in roots:
        _collect(shapes.type_info(root), found)
    return tuple(found)


def class_doc(owner: type) -> str:
    """The docstring written at the class itself, or empty; never an inherited one."""
    return inspect.cleandoc(owner.__dict__.get("__doc__") or "")


def is_enum(owner: type) -> TypeGuard[type[enum.Enum]]:
    """Whether `owner` is one of the contract's enums, not a Struct."""
    return issubclass(owner, enum.Enum)


def _default(field: shapes.Field) -> object:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return None


def _collect(shape: shapes.Type, found: dict[type, None]) -> None:
    for part in _parts(shape):
        _collect(part, found)
    if isinstance(shape, shapes.StructType | shapes.EnumType):
        found[shape.cls] = None


def _parts(shape: shapes.Type) -> Iterator[shapes.Type]:
    match shape:
        case shapes.StructType():
            yield from (field.type for field in shape.fields)
        case shapes.UnionType():
            yield from shape.types
        case shapes.VarTupleType():
            yield shape.item_type
        case shapes.DictType():
            yield from (shape.key_type, shape.value_type)
        case shapes.Metadata():
            yield shape.type
        case _:
            return
