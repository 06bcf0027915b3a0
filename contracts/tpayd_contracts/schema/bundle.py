"""The whole contract as one JSON document, from which all other files are cut.

msgspec makes the schema of each Struct; added here are the descriptions of fields and enum members, and what JSON has
no word for: `bytes` are MessagePack `bin`, marked `"format": "binary"`, their limits counted in bytes by
`x-min-bytes` and `x-max-bytes`.
"""

from __future__ import annotations

import enum
import inspect
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from tpayd_contracts import envelope
from tpayd_contracts.catalogue import EVENT_BODIES, OPS
from tpayd_contracts.describe import closure
from tpayd_contracts.errors import ErrorBody
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.operation import Op
from tpayd_contracts.schema.described import member_docs
from tpayd_contracts.shapes import END
from tpayd_contracts.version import CONTRACT_VERSION

__all__ = ["DIALECT", "Json", "bundle", "needed_definitions"]

Json = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ENVELOPE_ROW = re.compile(r"^\| (\d+) +\| (\w+) +\| [^|]+\| (.+?) +\|$", re.MULTILINE)


def bundle() -> Json:
    """The contract as it stands in the code, made of what JSON has and nothing else."""
    contract = {
        "$schema": DIALECT,
        "$id": f"urn:tpayd:contract:{CONTRACT_VERSION}",
        "title": "tpayd contract",
        "contract": str(CONTRACT_VERSION),
        "protocol": envelope.PROTOCOL,
        "max_frame_bytes": envelope.MAX_FRAME_BYTES,
        "kinds": {kind.name: kind.value for kind in envelope.Kind},
        "envelope": _envelope_schema(),
        "hello": {"request": _ref(Hello), "reply": _ref(Welcome)},
        "error": _ref(ErrorBody),
        "operations": {name: _operation(op) for name, op in sorted(OPS.items())},
        "events": {topic: _ref(body) for topic, body in sorted(EVENT_BODIES.items())},
        "$defs": _definitions(),
    }
    read: Json = json.loads(json.dumps(contract))
    return read


def needed_definitions(contract: Json, nodes: Iterable[Json]) -> Json:
    """What of `$defs` the given schemas need, directly or through others."""
    needed: Json = {}
    waiting = [name for node in nodes for name in _references(node)]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = contract["$defs"][name]
            waiting.extend(_references(needed[name]))
    return {name: needed[name] for name in sorted(needed)}


def _ref(struct: type) -> Json:
    return {"$ref": f"#/$defs/{struct.__name__}"}


def _operation(op: Op[Any, Any]) -> Json:
    return {
        "right": op.right.value if op.right is not None else None,
        "needs_key": op.needs_key,
        "request": _ref(op.request),
        "reply": _ref(op.reply),
        "progress": _ref(op.progress) if op.progress is not None else None,
    }


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.removeprefix("#/$defs/")
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _roots() -> list[type]:
    roots: list[type] = [Hello, Welcome, ErrorBody, *EVENT_BODIES.values()]
    for op in OPS.values():
        roots += [op.request, op.reply]
        if op.progress is not None:
            roots.append(op.progress)
    return roots


def _definitions() -> Json:
    _, components = msgspec.json.schema_components(_roots(), ref_template="#/$defs/{name}")
    types = {owner.__name__: owner for owner in closure(_roots())}
    return {name: _described(_portable(components[name]), types[name]) for name in sorted(components)}


def _portable(node: Any) -> Any:
    """The same schema with patterns as JSON Schema understands them."""
    if isinstance(node, dict):
        return {
            key: value.replace(END, "$") if key == "pattern" and isinstance(value, str) else _portable(value)
            for key, value in node.items()
        }
    return [_portable(value) for value in node] if isinstance(node, list) else node


def _described(component: Json, owner: type) -> Json:
    node = dict(component)
    docs = member_docs(owner)
    if node.get("description"):
        node["description"] = inspect.cleandoc(node["description"])
    if issubclass(owner, enum.Enum):
        told = {str(member.value): docs[member.name] for member in owner if member.name in docs}
        return node | ({"x-enum-descriptions": told} if told else {})
    if not issubclass(owner, Struct):
        return node
    fields = {field.encode_name: field for field in msgspec.structs.fields(owner)}
    node["properties"] = {
        name: _field(schema, fields[name], docs.get(fields[name].name)) for name, schema in node["properties"].items()
    }
    node.setdefault("required", [])
    return node


def _field(schema: Json, field: msgspec.structs.FieldInfo, doc: str | None) -> Json:
    told = dict(schema)
    if doc is not None:
        told["description"] = doc
    info = msgspec.inspect.type_info(field.type)
    if isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    if isinstance(info, msgspec.inspect.BytesType):
        told = {key: told[key] for key in ("description", "default") if key in told}
        told |= {"type": "string", "format": "binary", "contentEncoding": "base64"}
        limits = {"x-min-bytes": info.min_length, "x-max-bytes": info.max_length}
        told |= {name: limit for name, limit in limits.items() if limit is not None}
    return told


def _envelope_schema() -> Json:
    """The array of ten elements, each described by its row of the table in `tpayd_contracts.envelope`."""
    schema: Json = msgspec.json.schema_components([envelope.Envelope])[1]["Envelope"]
    rows = {int(row[0]): (row[1], row[2]) for row in _ENVELOPE_ROW.findall(envelope.__doc__ or "")}
    elements = [
        {"title": rows[index][0], "description": rows[index][1]} | element
        for index, element in enumerate(schema["prefixItems"])
    ]
    elements[0] |= {"const": envelope.PROTOCOL}
    elements[1] |= {"enum": [kind.value for kind in envelope.Kind]}
    return {
        "title": "Envelope",
        "description": "Every message: one ZeroMQ frame that holds this MessagePack array.",
        "type": "array",
        "prefixItems": elements,
        "items": False,
        "minItems": len(elements),
        "maxItems": len(elements),
    }
