"""The published JSON Schema accepts what the daemon sends and accepts, and refuses what the daemon refuses."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgpack  # type: ignore[import-untyped]
import pytest

from tpayd_contracts.catalogue import OPS
from tpayd_contracts.schema.bundle import Json, bundle
from tpayd_contracts.schema.documents import operation_documents
from tpayd_contracts.schema.golden import golden_frames

_CONTRACT = bundle()
_DOCUMENTS = operation_documents(_CONTRACT)
_FRAMES = golden_frames()


def as_json(value: Any) -> Any:
    """A MessagePack value as JSON has it: `bin` as base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list) else value


def check(document: str, part: str, body: Any) -> None:
    schema = _DOCUMENTS[document]
    jsonschema.Draft202012Validator({**schema, "anyOf": [{"$ref": f"#/$defs/{part}"}]}).validate(as_json(body))


def nodes(node: object) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from nodes(value)


@pytest.mark.parametrize("stem", sorted(_DOCUMENTS))
def test_every_document_is_a_json_schema(stem: str) -> None:
    """Draft 2020-12's own schema accepts it, and each reference leads somewhere."""
    jsonschema.Draft202012Validator.check_schema(_DOCUMENTS[stem])
    references = {node["$ref"].removeprefix("#/$defs/") for node in nodes(_DOCUMENTS[stem]) if "$ref" in node}
    assert set() == references - _DOCUMENTS[stem].get("$defs", {}).keys()


@pytest.mark.parametrize("op", [*sorted(OPS), "hello"])
@pytest.mark.parametrize("part", ["request", "reply", "progress"])
def test_the_schema_accepts_the_example(op: str, part: str) -> None:
    """What crosses the socket fits what is published."""
    frame = _FRAMES.get(f"{op}.{part}")
    assert (frame is not None) == (part in _DOCUMENTS[op]["$defs"])
    if frame is not None:
        check(op, part, msgpack.unpackb(frame)[9])


@pytest.mark.parametrize("stem", sorted(_FRAMES))
def test_the_envelopes_schema_accepts_every_frame(stem: str) -> None:
    """All kinds of message fit the one array."""
    jsonschema.Draft202012Validator(_DOCUMENTS["envelope"]).validate(as_json(msgpack.unpackb(_FRAMES[stem])))


@pytest.mark.parametrize(
    "change",
    [{"amount": {"total_minor": 1.5}}, {"amount": {"total_minor": -1}}, {"amount": {"total_minor": True}}, {"lane": ""},
     {"colour": "red"}, {"installments": 61}, {"reference": "x" * 65}, {"amount": {"total_minor": 1, "x": 1}}],
)  # fmt: skip
def test_the_schema_refuses_what_the_daemon_refuses(change: Json) -> None:
    """A POS developer finds the fault before the daemon does."""
    body = {"lane": "1", "amount": {"total_minor": 1}}
    check("payment.sale", "request", body)
    with pytest.raises(jsonschema.ValidationError):
        check("payment.sale", "request", body | change)


def test_bytes_are_told_as_binary_with_limits_in_bytes() -> None:
    """No limit of base64 characters is taken for one of bytes."""
    message = _CONTRACT["$defs"]["Exchange"]["properties"]["message"]
    assert ("binary", 4, 8192) == (message["format"], message["x-min-bytes"], message["x-max-bytes"])
    unmarked = [node for node in nodes(_CONTRACT) if "contentEncoding" in node and node.get("format") != "binary"]
    assert [] == unmarked


def test_a_fields_docstring_reaches_the_schema() -> None:
    """A field is explained once, beside the field."""
    sale = _CONTRACT["$defs"]["SaleRequest"]["properties"]
    assert "Months; 0 is a lump sum [일시불], 1 does not exist." == sale["installments"]["description"]
    verdicts = _CONTRACT["$defs"]["Verdict"]["x-enum-descriptions"]
    assert {"WAIT": "Not known yet; ends by itself within `known_in_ms`."} == verdicts
