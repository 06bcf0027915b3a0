"""What stands in `manifest.json`, the first file of a bundle. Pure."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from tpayd_contracts.logs import ShipPriority

__all__ = ["MANIFEST", "About", "LeftOut", "Manifest", "Packed", "Proof"]

MANIFEST = "manifest.json"
FORMAT = 1


class Packed(Struct, frozen=True):
    """One log file, or a part of it."""

    name: str
    """In the bundle: `log/<name>`."""
    service: str
    size_bytes: int
    sha256: str
    lines: int
    offset_bytes: int
    """Where in the file it begins."""


class LeftOut(Struct, frozen=True):
    """One that the bundle has no room for."""

    name: str
    size_bytes: int


class Proof(Struct, frozen=True):
    """That the files were looked at, all of them."""

    rules: str
    bytes_looked_at: int
    lines: int
    findings: int


class About(Struct, frozen=True):
    """Whose logs, made when, by whom and why."""

    bundle: str
    store: str
    instance: str
    made_at: str
    tpayd: str
    contract: str
    python: str
    system: str
    sandbox: bool
    priority: ShipPriority
    asked_by: str
    reason: str
    since_ms: int | None = None
    until_ms: int | None = None


class Manifest(Struct, frozen=True):
    """The whole of it."""

    format: int
    about: About
    proof: Proof
    files: tuple[Packed, ...]
    left_out: tuple[LeftOut, ...] = ()

    def as_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def of(cls, text: bytes) -> Manifest:
        """Raises msgspec.DecodeError."""
        return msgspec.json.decode(text, type=cls)
