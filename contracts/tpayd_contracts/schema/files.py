"""Which generated file holds what.

* `contract.json`               the whole contract as it stands in the code
* `asyncapi.json`               what a client and the gateway say to each other
* `json/<op>.json`              one JSON Schema per operation
* `released/<version>.json`     `contract.json` as it was when that contract version was released
* `golden/<version>/*.msgpack`  example messages of that version
"""

from __future__ import annotations

import json
from pathlib import Path

from tpayd_contracts.schema.asyncapi import asyncapi
from tpayd_contracts.schema.bundle import Json, bundle
from tpayd_contracts.schema.documents import operation_documents
from tpayd_contracts.schema.golden import golden_frames

__all__ = ["directory", "generated", "release_files", "stale"]

_FROZEN = ("released", "golden")


def directory() -> Path:
    """`contracts/schema` of the source tree; raises FileNotFoundError where the package is installed without it."""
    path = Path(__file__).resolve().parents[2] / "schema"
    if not path.is_dir():
        raise FileNotFoundError(f"{path} does not exist: the schema is generated in a source tree only")
    return path


def generated() -> dict[str, bytes]:
    """Relative path → content of every file that follows the code. The same code gives the same bytes."""
    contract = bundle()
    documents = {"contract.json": contract, "asyncapi.json": asyncapi(contract)}
    documents |= {f"json/{stem}.json": document for stem, document in operation_documents(contract).items()}
    return {path: _text(document) for path, document in documents.items()}


def release_files() -> dict[str, bytes]:
    """Relative path → content of what is frozen when the present contract version is released."""
    contract = bundle()
    version = contract["contract"]
    frames = {f"golden/{version}/{stem}.msgpack": frame for stem, frame in golden_frames().items()}
    return {f"released/{version}.json": _text(contract)} | frames


def stale(root: Path) -> list[str]:
    """Generated files that are missing, differ from the code, or belong to nothing any more."""
    expected = generated()
    present = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.json")
        if path.relative_to(root).parts[0] not in _FROZEN
    }
    differing = {path for path in present & expected.keys() if (root / path).read_bytes() != expected[path]}
    return sorted(differing | (present ^ expected.keys()))


def _text(document: Json) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
