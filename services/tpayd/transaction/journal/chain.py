"""The hash chain: who changes, removes or reorders an event of a lane breaks every hash after it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = ["GENESIS", "Link", "link"]

GENESIS = bytes(32)
"""What a lane's first event is chained to."""


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a lane's chain."""

    seq: int = 0
    hash: bytes = GENESIS


def link(before: Link, lane: str, payment_id: str, event: str, at_ms: int, payload_hash: bytes) -> Link:
    """The link of the event that follows `before`. Each part is told apart by its length."""
    seq = before.seq + 1
    digest = hashlib.sha256(before.hash)
    for part in (lane.encode(), str(seq).encode(), payment_id.encode(), event.encode(), str(at_ms).encode()):
        digest.update(len(part).to_bytes(2, "big") + part)
    digest.update(payload_hash)
    return Link(seq, digest.digest())
