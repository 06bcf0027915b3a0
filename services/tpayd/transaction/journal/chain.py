"""The hash chain: who changes, removes or reorders an event of a lane breaks every hash after it."""

from __future__ import annotations

from hashlib import sha256

from msgspec import Struct

__all__ = ["GENESIS", "Link", "link"]

GENESIS = bytes(32)
"""What a lane's first event is chained to."""


class Link(Struct, frozen=True):
    """The end of a lane's chain."""

    seq: int = 0
    hash: bytes = GENESIS


def link(before: Link, lane: str, payment_id: str, event: str, at_ms: int, payload_hash: bytes) -> Link:
    """The link of the event that follows `before`. None of the parts can hold the zero that ends each."""
    seq = before.seq + 1
    parts = f"{lane}\0{seq}\0{payment_id}\0{event}\0{at_ms}\0".encode()
    return Link(seq, sha256(before.hash + parts + payload_hash).digest())
