"""The AsyncAPI document tells all that a client may say and hear, and nothing of the house."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tpayd_contracts.catalogue import EVENT_BODIES, OPS, PUBLIC_OPS
from tpayd_contracts.schema.asyncapi import asyncapi
from tpayd_contracts.schema.bundle import bundle

_DOCUMENT = asyncapi(bundle())
_OPERATIONS = _DOCUMENT["operations"]


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def follow(reference: str) -> Any:
    node: Any = _DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_every_reference_leads_somewhere() -> None:
    """A tool that follows a reference finds it, inside this document."""
    for reference in set(references(_DOCUMENT)):
        assert follow(reference)


def test_it_is_asyncapi_3() -> None:
    """Tools choose by this field."""
    assert "3.0.0" == _DOCUMENT["asyncapi"]


def test_public_operations_and_events_are_all_there() -> None:
    """HELLO, each public operation, each event: no more, no less."""
    expected = {"hello", *PUBLIC_OPS, *(f"event.{topic}" for topic in EVENT_BODIES)}
    assert expected == _OPERATIONS.keys()


def test_nothing_internal_is_told() -> None:
    """An operation between services is no client's business; nor are its bodies."""
    internal = [op.request.__name__ for op in OPS.values() if op.right is None]
    public = [op.request.__name__ for op in PUBLIC_OPS.values()]
    assert set() == (set(internal) - set(public)) & _DOCUMENT["components"]["schemas"].keys()


@pytest.mark.parametrize("name", sorted(PUBLIC_OPS))
def test_an_operation_tells_its_request_and_every_answer(name: str) -> None:
    """Progress where there is progress, the reply, and the error that any request can end in."""
    operation = _OPERATIONS[name]
    answers = [f"{name}.progress"] * (PUBLIC_OPS[name].progress is not None) + [f"{name}.reply", "error"]
    assert "receive" == operation["action"]
    assert [f"#/channels/gateway/messages/{name}.request"] == [*references(operation["messages"])]
    assert [f"#/channels/gateway/messages/{answer}" for answer in answers] == [
        *references(operation["reply"]["messages"])
    ]


def test_an_event_is_sent() -> None:
    """The gateway is the application: it sends events, and receives requests."""
    assert {"send"} == {_OPERATIONS[f"event.{topic}"]["action"] for topic in EVENT_BODIES}


def test_both_sockets_are_told() -> None:
    """ipc for the machine itself, tcp with CURVE for lanes."""
    servers = _DOCUMENT["servers"]
    assert {"ipc", "tcp"} == servers.keys()
    assert [{"$ref": "#/components/securitySchemes/curve"}] == servers["tcp"]["security"]
