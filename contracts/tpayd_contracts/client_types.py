"""Write `tpayd_client/types.py` from the contract: `python -m tpayd_contracts.client_types [--check]`.

The client may not need msgspec, so its types are plain frozen dataclasses, each with a `from_wire` that is written
out field by field. What they say about a field is what the contract says.
"""

from __future__ import annotations

import argparse
import enum
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec import inspect as shapes

from tpayd_contracts import catalogue, errors, gateway, version
from tpayd_contracts.describe import FieldNote, class_doc, closure, fields_of, is_enum
from tpayd_contracts.operation import Empty
from tpayd_contracts.schema.described import member_docs
from tpayd_contracts.secret import is_secret

__all__ = ["main", "render"]

TARGET = Path(__file__).resolve().parent.parent / "tpayd_client" / "types.py"
WIDTH = 116

HEAD = '''\
"""What the gateway's operations carry, as frozen dataclasses.

Generated from tpayd_contracts by `python -m tpayd_contracts.client_types`; change the contract, not this file.
Fields and enum values that a newer daemon adds are let through: unknown fields are ignored, an unknown value becomes
a member of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tpayd_client.wire import OpenEnum, Reply, many, maybe, some

'''


def main(argv: list[str] | None = None) -> int:
    """Write the file, or with --check say by exit code 1 that it is not what the contract gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the file is out of date")
    arguments = parser.parse_args(argv)
    text = render()
    if not arguments.check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("tpayd_client/types.py is out of date: run `python -m tpayd_contracts.client_types`\n")
    return 1


def render() -> str:
    """The whole module as text."""
    classes = [cls for cls in closure(_roots()) if cls is not Empty]
    names = sorted([cls.__name__ for cls in classes] + ["CONTRACT", "EVENTS", "REPLIES"])
    blocks = [
        HEAD + "__all__ = [\n" + "\n".join(_wrapped_names(names)) + "\n]\n",
        f'CONTRACT = "{version.CONTRACT_VERSION}"\n"""The contract version that this client speaks."""\n',
        *("\n" + "\n".join(_enum(cls) if is_enum(cls) else _dataclass(cls)) + "\n" for cls in classes),
        "\n" + "\n".join(_tables()) + "\n",
    ]
    return "\n".join(blocks)


def _roots() -> list[type]:
    roots: list[type] = [errors.ErrorBody, gateway.Hello, gateway.Welcome]
    for op in catalogue.PUBLIC_OPS.values():
        roots += [op.request, op.reply] + ([op.progress] if op.progress else [])
    return roots + list(catalogue.EVENT_BODIES.values())


def _enum(cls: type[enum.Enum]) -> Iterator[str]:
    docs = member_docs(cls)
    yield f"class {cls.__name__}(OpenEnum):"
    yield from _docstring(class_doc(cls) or f"{cls.__name__}, as it crosses the wire.")
    yield ""
    for member in cls:
        yield f'    {member.name} = "{member.value}"'
        if member.name in docs:
            yield from _docstring(docs[member.name])


def _dataclass(cls: type[Struct]) -> Iterator[str]:
    notes = fields_of(cls)
    yield "@dataclass(frozen=True, slots=True)"
    yield f"class {cls.__name__}(Reply):"
    yield from _docstring(class_doc(cls) or f"{cls.__name__}, as it crosses the wire.")
    yield ""
    for note in notes:
        yield f"    {note.name}: {_annotation(note.shape)}{_default(note)}"
        if note.doc:
            yield from _docstring(note.doc)
    yield ""
    yield "    @classmethod"
    yield f"    def from_wire(cls, body: Mapping[str, Any]) -> {cls.__name__}:"
    yield '        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""'
    yield "        return cls("
    yield from (f"            {note.name}={_reading(note)}," for note in notes)
    yield "        )"


def _tables() -> Iterator[str]:
    yield "REPLIES: dict[str, type[Reply] | None] = {"
    for name, op in sorted(catalogue.PUBLIC_OPS.items()):
        yield f'    "{name}": {"None" if op.reply is Empty else op.reply.__name__},'
    yield "}"
    yield '"""Operation → what answers it."""'
    yield ""
    yield "EVENTS: dict[str, type[Reply]] = {"
    for topic, body in sorted(catalogue.EVENT_BODIES.items()):
        yield f'    "{topic}": {body.__name__},'
    yield "}"
    yield '"""Topic → what its events carry."""'


def _annotation(shape: shapes.Type) -> str:
    match shape:
        case shapes.StructType() | shapes.EnumType():
            return shape.cls.__name__
        case shapes.UnionType():
            return " | ".join(_annotation(part) for part in shape.types)
        case shapes.VarTupleType():
            return f"tuple[{_annotation(shape.item_type)}, ...]"
        case shapes.DictType():
            return f"dict[{_annotation(shape.key_type)}, {_annotation(shape.value_type)}]"
        case shapes.Metadata():
            return _annotation(shape.type)
        case shapes.LiteralType():
            return type(shape.values[0]).__name__
    for kind, name in _PLAIN.items():
        if isinstance(shape, kind):
            return name
    raise TypeError(f"the client's generator has no Python type for {shape!r}")


_PLAIN: dict[type[shapes.Type], str] = {
    shapes.StrType: "str",
    shapes.IntType: "int",
    shapes.BoolType: "bool",
    shapes.FloatType: "float",
    shapes.BytesType: "bytes",
    shapes.NoneType: "None",
}


def _default(note: FieldNote) -> str:
    if is_secret(note.shape):
        return " = field(repr=False)" if note.required else f" = field(default={_literal(note.default)}, repr=False)"
    if note.required:
        return ""
    if isinstance(note.default, dict):
        return " = field(default_factory=dict)"
    return f" = {_literal(note.default)}"


def _reading(note: FieldNote) -> str:
    value = f'body["{note.name}"]' if note.required else f'body.get("{note.name}"{_fallback(note)})'
    convert = _converter(note.shape)
    if isinstance(note.shape, shapes.VarTupleType):
        return f"many({value}, {_converter(note.shape.item_type) or 'None'})"
    array = _optional_array(note.shape)
    if array is not None:
        return f"some({value}, {_converter(array.item_type) or 'None'})"
    if convert is None:
        return value
    if isinstance(note.shape, shapes.UnionType):
        return f"maybe({value}, {convert})"
    return f"{convert}({value})"


def _optional_array(shape: shapes.Type) -> shapes.VarTupleType | None:
    """The array of a field that may be left out, as another thing than an empty one."""
    parts = shape.types if isinstance(shape, shapes.UnionType) else ()
    return next((part for part in parts if isinstance(part, shapes.VarTupleType)), None)


def _fallback(note: FieldNote) -> str:
    return "" if note.default is None else f", {_literal(note.default)}"


def _converter(shape: shapes.Type) -> str | None:
    match shape:
        case shapes.EnumType():
            return shape.cls.__name__
        case shapes.StructType():
            return f"{shape.cls.__name__}.from_wire"
        case shapes.DictType():
            return "dict"
        case shapes.UnionType():
            return next((text for part in shape.types if (text := _converter(part))), None)
        case shapes.Metadata():
            return _converter(shape.type)
    return None


def _literal(value: object) -> str:
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _docstring(text: str) -> Iterator[str]:
    lines = text.splitlines()
    if len(lines) == 1 and len(text) <= WIDTH - 10:
        yield f'    """{text}"""'
        return
    wrapped: list[str] = []
    for line in lines:
        wrapped += textwrap.wrap(line, WIDTH - 8) or [""]
    yield f'    """{wrapped[0]}'
    yield from (f"    {line}".rstrip() for line in wrapped[1:])
    yield '    """'


def _wrapped_names(names: list[str]) -> list[str]:
    text = ", ".join(f'"{name}"' for name in names) + ","
    return textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")


if __name__ == "__main__":
    raise SystemExit(main())
