"""Logs to pack in tests, a vendor's key, and a bundle opened by other means than the product's."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pyrage
import zstandard

from tpayd.log_shipper.manifest import About
from tpayd.log_shipper.packing import Made, Wanted, Work, make_bundle
from tpayd_contracts.logs import ShipPriority

IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT = str(IDENTITY.to_public())
ABOUT = About(
    bundle="0b0b6c1e-58f1-4c43-9d5e-b8d3c1a2f001", store="shop", instance="3f9a2c71",
    made_at="2026-03-02T01:15:30+00:00", tpayd="0.1.0", contract="1.0", python="3.11", system="Linux", sandbox=True,
    priority=ShipPriority.NOW, asked_by="lane-1", reason="a test",
)  # fmt: skip
CARD = "4111111111111111"


def line(second: int, **fields: object) -> bytes:
    """A line of a log, of that second of a minute."""
    head = {"time": f"2026-01-31T12:00:{second:02}.000Z", "level": "info", "service": "gateway", "event": "x"}
    return json.dumps(head | fields, separators=(",", ":")).encode() + b"\n"


def pack(directory: Path, target: Path, work: Work | None = None, **wanted: Any) -> Made:
    """A bundle of what lies in `directory`."""
    return make_bundle(Wanted(directory, **wanted), ABOUT, [RECIPIENT], target, work or Work())


def members(bundle: Path) -> dict[str, bytes]:
    """Its files by name."""
    packed = pyrage.decrypt(bundle.read_bytes(), [IDENTITY])
    with tarfile.open(fileobj=io.BytesIO(zstandard.ZstdDecompressor().stream_reader(packed).read())) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
