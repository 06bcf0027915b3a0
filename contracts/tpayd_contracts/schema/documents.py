"""One JSON Schema document per operation, each complete in itself."""

from __future__ import annotations

from tpayd_contracts.schema.bundle import DIALECT, Json, needed_definitions

__all__ = ["operation_documents"]


def operation_documents(contract: Json) -> dict[str, Json]:
    """File stem → schema, for each operation, for HELLO, the error body, the events and the envelope."""
    documents = {name: _parts(contract, name, op) for name, op in contract["operations"].items()}
    documents["hello"] = _parts(contract, "hello", contract["hello"])
    documents["error"] = _document(contract, "error", {"error": contract["error"]})
    documents["events"] = _document(contract, "events", dict(contract["events"]))
    documents["envelope"] = {"$schema": DIALECT, "$id": f"{contract['$id']}:envelope"} | contract["envelope"]
    return documents


def _parts(contract: Json, name: str, op: Json) -> Json:
    parts = {part: op[part] for part in ("request", "reply", "progress") if op.get(part) is not None}
    return _document(contract, name, parts)


def _document(contract: Json, name: str, parts: Json) -> Json:
    return {
        "$schema": DIALECT,
        "$id": f"{contract['$id']}:{name}",
        "title": name,
        "description": "Bodies: " + ", ".join(f"`#/$defs/{part}`" for part in parts) + ".",
        "anyOf": [{"$ref": f"#/$defs/{part}"} for part in parts],
        "$defs": parts | needed_definitions(contract, parts.values()),
    }
