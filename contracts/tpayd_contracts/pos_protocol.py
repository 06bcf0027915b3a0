"""Fill the generated parts of docs/pos-protocol.md: `python -m tpayd_contracts.pos_protocol [--check]`.

The page is written by hand but for the blocks between `<!-- generated: <name> -->` and `<!-- end -->`: operations,
types, events, and the bytes of a whole sale. A test runs `--check`, so the page cannot come apart from the contract.
"""

from __future__ import annotations

import argparse
import ast
import enum
import inspect
import itertools
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec import inspect as shapes

from tpayd_contracts import (
    ability,
    business,
    catalogue,
    device,
    errors,
    firmware,
    fleet,
    gateway,
    health,
    host,
    integrity,
    keys,
    logs,
    orders,
    payment,
    pooling,
    records,
    screen,
    settings,
    standalone,
    terminal,
    updates,
)
from tpayd_contracts.describe import FieldNote, class_doc, closure, fields_of, is_enum
from tpayd_contracts.operation import Empty, Op
from tpayd_contracts.schema.described import member_docs
from tpayd_contracts.schema.golden import golden_frames

__all__ = ["main", "render"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "pos-protocol.md"
_BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_HEX_WIDTH = 24

_SALE = (
    ("hello.request", "1. The client says HELLO."),
    ("hello.reply", "2. The gateway gives a session."),
    ("payment.sale.request", "3. The client asks for a sale of 11,000 won; its request id is in the key."),
    ("payment.sale.progress", "4. The gateway tells a step (any number of times)."),
    ("payment.sale.reply", "5. The verdict."),
    ("payment.acknowledge.request", "6. The POS has recorded it."),
)


def main(argv: list[str] | None = None) -> int:
    """Write the page, or with --check say by exit code 1 that it is not what the contract gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the page is out of date")
    check = parser.parse_args(argv).check
    before = PAGE.read_text(encoding="utf-8")
    text = render(before)
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif text != before:
        sys.stderr.write("docs/pos-protocol.md is out of date: run `python -m tpayd_contracts.pos_protocol`\n")
        return 1
    return 0


def render(page: str) -> str:
    """The page with its generated blocks filled anew."""
    blocks: dict[str, Callable[[], Iterator[str]]] = {
        "operations": _operations, "types": _types, "events": _events, "bytes": _bytes,
    }  # fmt: skip
    return _BLOCK.sub(lambda match: match[1] + "\n".join(blocks[match[2]]()) + "\n" + match[3], page)


def _operations() -> Iterator[str]:
    told = {name: text for module in _MODULES for name, text in _assignment_docs(module).items()}
    for name, op in _public():
        yield f"### `{name}`"
        yield ""
        key = "a new request id in the envelope's key; " if op.needs_key else ""
        yield f"Right `{op.right.value if op.right else ''}`; {key}answered with {_link(op.reply)}" + (
            f", before it any number of PROGRESS with {_link(op.progress)}." if op.progress else "."
        )
        yield ""
        for text in (class_doc(op.request) if op.request is not Empty else "", told.get(name, "")):
            if text:
                yield from (_plain(text), "")
        if op.request is Empty:
            yield from ("The body is an empty map.", "")
        else:
            yield from _field_table(op.request)


def _types() -> Iterator[str]:
    requests = {op.request for _, op in _public()}
    roots: list[type] = [gateway.Hello, gateway.Welcome, errors.ErrorBody]
    for _, op in _public():
        roots += [op.request, op.reply, *([op.progress] if op.progress else [])]
    for cls in closure([*roots, *catalogue.EVENT_BODIES.values()]):
        if cls is Empty or cls in requests or cls is errors.ErrorCode:
            continue
        yield f"### {cls.__name__}"
        yield ""
        if class_doc(cls):
            yield from (_plain(class_doc(cls)), "")
        yield from _enum_table(cls) if is_enum(cls) else _field_table(cls)


def _events() -> Iterator[str]:
    yield "| topic | body |"
    yield "|---|---|"
    for topic, body in sorted(catalogue.EVENT_BODIES.items()):
        yield f"| `{topic}` | {_link(body)}: {_plain(class_doc(body)) or 'its new state'} |"


def _bytes() -> Iterator[str]:
    frames = golden_frames()
    for stem, text in _SALE:
        frame = frames[stem]
        yield f"{text} `{stem}`, {len(frame)} bytes:"
        yield ""
        yield "```text"
        for start in range(0, len(frame), _HEX_WIDTH):
            part = frame[start : start + _HEX_WIDTH]
            letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
            yield f"{start:04x}  {part.hex(' '):<{3 * _HEX_WIDTH - 1}}  {letters}"
        yield "```"
        yield ""
        yield "decoded:"
        yield ""
        yield "```text"
        yield from textwrap.wrap(_readable(msgspec.msgpack.decode(frame)), 110, break_on_hyphens=False)
        yield "```"
        yield ""


def _public() -> list[tuple[str, Op[Any, Any]]]:
    return list(catalogue.PUBLIC_OPS.items())


def _field_table(struct: type[Struct]) -> Iterator[str]:
    yield "| field | type | needed | meaning |"
    yield "|---|---|---|---|"
    for note in fields_of(struct):
        yield f"| `{note.name}` | {_type(note.shape)} | {_need(note)} | {_plain(note.doc)} |"
    yield ""


def _enum_table(cls: type[enum.Enum]) -> Iterator[str]:
    docs = member_docs(cls)
    yield "| value | meaning |"
    yield "|---|---|"
    for member in cls:
        yield f"| `{member.value}` | {_plain(docs.get(member.name, ''))} |"
    yield ""


def _need(note: FieldNote) -> str:
    if note.required:
        return "yes"
    if note.default is None:
        return "no"
    default = note.default.value if isinstance(note.default, enum.Enum) else note.default
    return f"no: {_readable(default)}"


def _type(shape: shapes.Type) -> str:
    match shape:
        case shapes.StructType() | shapes.EnumType():
            return _link(shape.cls)
        case shapes.UnionType():
            return " or ".join(_type(part) for part in shape.types)
        case shapes.VarTupleType():
            return f"array of {_type(shape.item_type)}"
        case shapes.DictType():
            return "map of text to text"
        case shapes.Metadata():
            return _type(shape.type)
        case shapes.LiteralType():
            return " or ".join(f'"{value}"' for value in shape.values)
        case shapes.StrType():
            return _text(shape)
        case shapes.IntType():
            return _integer(shape)
    return _NAMES[type(shape)]


_NAMES: dict[type[shapes.Type], str] = {
    shapes.BoolType: "bool",
    shapes.FloatType: "float",
    shapes.BytesType: "bin",
    shapes.NoneType: "nil",
}


def _text(shape: shapes.StrType) -> str:
    if shape.pattern is not None:
        pattern = shape.pattern.replace("(?!\\n)", "").replace("|", "\\|")
        return f"str `{pattern}`"
    return "str" if shape.max_length is None else f"str, at most {shape.max_length}"


def _integer(shape: shapes.IntType) -> str:
    if shape.ge is None and shape.le is None:
        return "int"
    top = "" if shape.le is None else "2^53" if shape.le == 2**53 else f"{shape.le:,}"
    return f"int {shape.ge} to {top}"


def _link(cls: type) -> str:
    anchor = "errors" if cls is errors.ErrorCode else cls.__name__.lower()
    return "an empty map" if cls is Empty else f"[{cls.__name__}](#{anchor})"


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _readable(value: object) -> str:
    match value:
        case None:
            return "nil"
        case bool():
            return "true" if value else "false"
        case dict():
            return "{" + ", ".join(f"{key}: {_readable(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(_readable(item) for item in value) + "]"
        case str():
            return f'"{value}"'
    return str(value)


_MODULES = (
    orders, payment, screen, ability, records, business, terminal, standalone, device, fleet, firmware, pooling, host,
    keys, integrity, logs, gateway, health, settings, updates,
)  # fmt: skip


def _assignment_docs(module: Any) -> dict[str, str]:
    """Operation name → the docstring below the assignment that makes it."""
    body = ast.parse(inspect.getsource(module)).body
    found: dict[str, str] = {}
    for statement, following in itertools.pairwise(body):
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            continue
        op = getattr(module, statement.targets[0].id)
        if isinstance(op, Op) and isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            found[op.name] = str(following.value.value)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
