"""One AsyncAPI 3.0 document: what a client and the gateway say to each other.

The gateway is the application. A message's payload is element 9 of the envelope, the body; elements 0 to 8 are told
as its headers. Operations between services are no client's business and stay out.
"""

from __future__ import annotations

from typing import Any

from tpayd_contracts.envelope import Kind
from tpayd_contracts.schema.bundle import Json, needed_definitions

__all__ = ["asyncapi"]

_CHANNEL = {"$ref": "#/channels/gateway"}
_ELEMENTS_OF_HEADERS = 9


def asyncapi(contract: Json) -> Json:
    """The document, cut from the bundle."""
    public = {name: op for name, op in contract["operations"].items() if op["right"] is not None}
    messages: Json = {
        "hello": _message("HELLO", Kind.HELLO, "", contract["hello"]["request"]),
        "welcome": _message("Answer to HELLO", Kind.REPLY, "", contract["hello"]["reply"]),
        "error": _message("Any request can end in this", Kind.ERROR, "", contract["error"]),
    }
    operations: Json = {
        "hello": _operation("HELLO", "The first message on a connection.", "hello", ["welcome", "error"])
    }
    for name, op in public.items():
        answers = [f"{name}.progress"] * (op["progress"] is not None) + [f"{name}.reply"]
        messages[f"{name}.request"] = _message(f"{name}: request", Kind.REQ, name, op["request"])
        if op["progress"] is not None:
            messages[f"{name}.progress"] = _message(f"{name}: progress", Kind.PROGRESS, "", op["progress"])
        messages[f"{name}.reply"] = _message(f"{name}: reply", Kind.REPLY, "", op["reply"])
        needs = " The envelope must carry an idempotency key." if op["needs_key"] else ""
        told = f"Needs the right `{op['right']}` or more.{needs}"
        operations[name] = _operation(name, told, f"{name}.request", [*answers, "error"])
    for topic, body in contract["events"].items():
        messages[f"event.{topic}"] = _message(f"Event {topic}", Kind.EVENT, topic, body)
        operations[f"event.{topic}"] = {
            "action": "send",
            "title": f"Event {topic}",
            "summary": "To clients that asked for it with events.subscribe.",
            "channel": _CHANNEL,
            "messages": [_in_channel(f"event.{topic}")],
        }
    document: Json = _rewritten(
        {
            "asyncapi": "3.0.0",
            "id": contract["$id"],
            "info": {
                "title": "tpayd gateway",
                "version": contract["contract"],
                "description": "A payment daemon for stores, as a POS sees it. Each message is one ZeroMQ frame with "
                "one MessagePack array of ten elements; docs/pos-protocol.md tells the whole.",
                "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            },
            "defaultContentType": "application/msgpack",
            "servers": {
                "ipc": {
                    "host": "gateway",
                    "pathname": "/run/public/gateway",
                    "protocol": "zmq+ipc",
                    "description": "ZeroMQ ROUTER on a Unix socket of the instance directory; connect a DEALER.",
                },
                "tcp": {
                    "host": "127.0.0.1:7700",
                    "protocol": "zmq+tcp",
                    "description": "ZeroMQ ROUTER on TCP, always with CURVE; connect a DEALER.",
                    "security": [{"$ref": "#/components/securitySchemes/curve"}],
                },
            },
            "channels": {
                "gateway": {
                    "address": None,
                    "title": "The gateway's socket",
                    "servers": [{"$ref": "#/servers/ipc"}, {"$ref": "#/servers/tcp"}],
                    "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                }
            },
            "operations": operations,
            "components": {
                "messages": messages,
                "schemas": _schemas(contract, messages),
                "securitySchemes": {
                    "curve": {
                        "type": "asymmetricEncryption",
                        "description": "CurveZMQ: the client's key pair is made and admitted by `tpayd client add`.",
                    }
                },
            },
        }
    )
    return document


def _message(title: str, kind: Kind, op: str, payload: Json) -> Json:
    return {
        "title": title,
        "contentType": "application/msgpack",
        "headers": {
            "allOf": [{"$ref": "#/components/schemas/EnvelopeHeaders"}],
            "properties": {"kind": {"const": kind.value}, "op": {"const": op}},
        },
        "payload": payload,
    }


def _operation(title: str, summary: str, request: str, answers: list[str]) -> Json:
    return {
        "action": "receive",
        "title": title,
        "summary": summary,
        "channel": _CHANNEL,
        "messages": [_in_channel(request)],
        "reply": {"channel": _CHANNEL, "messages": [_in_channel(answer) for answer in answers]},
    }


def _in_channel(message: str) -> Json:
    return {"$ref": f"#/channels/gateway/messages/{message}"}


def _schemas(contract: Json, messages: Json) -> Json:
    headers = {
        element["title"]: {key: value for key, value in element.items() if key != "title"}
        for element in contract["envelope"]["prefixItems"][:_ELEMENTS_OF_HEADERS]
    }
    schemas = needed_definitions(contract, (message["payload"] for message in messages.values()))
    schemas["EnvelopeHeaders"] = {
        "type": "object",
        "description": "Elements 0 to 8 of the envelope's array, in this order; the payload is element 9.",
        "properties": headers,
        "required": list(headers),
    }
    return schemas


def _rewritten(node: Any) -> Any:
    """The same document with `#/$defs/X` as AsyncAPI's `#/components/schemas/X`."""
    if isinstance(node, dict):
        return {key: _rewritten(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_rewritten(value) for value in node]
    if isinstance(node, str) and node.startswith("#/$defs/"):
        return node.replace("#/$defs/", "#/components/schemas/", 1)
    return node
