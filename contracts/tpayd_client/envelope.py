"""The envelope as this client writes and reads it: one frame, one MessagePack array of ten elements.

docs/pos-protocol.md explains each element. Written with `msgpack`, while the daemon uses another codec, so that the
wire format and not a library decides what is legal.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgpack  # type: ignore[import-untyped]

__all__ = ["MAX_FRAME_BYTES", "PROTOCOL", "BadFrameError", "Kind", "Message", "pack", "unpack"]

PROTOCOL = "tpayd1"
MAX_FRAME_BYTES = 64 * 1024
"""The largest frame that the gateway accepts."""

_ELEMENTS = 10


class BadFrameError(ValueError):
    """A frame that is not an envelope."""


class Kind(enum.IntEnum):
    """What a message is."""

    HELLO = 1
    REQ = 2
    PROGRESS = 3
    REPLY = 4
    ERROR = 5
    CANCEL = 6
    PING = 7
    PONG = 8
    EVENT = 9


class Message(NamedTuple):
    """What a client looks at in a received envelope."""

    kind: int
    id: int
    op: str
    session: str | None
    body: Mapping[str, Any]


def pack(
    kind: Kind,
    number: int,
    *,
    op: str = "",
    ttl_ms: int = 0,
    key: str | None = None,
    trace: str | None = None,
    session: str | None = None,
    body: Mapping[str, Any] | None = None,
) -> bytes:
    """The frame of one message. Raises TypeError or OverflowError for a body that MessagePack cannot hold."""
    elements = (PROTOCOL, int(kind), number, op, ttl_ms, key, trace, session, None, body or {})
    frame: bytes = msgpack.packb(elements)
    return frame


def unpack(frame: bytes) -> Message:
    """Read a frame; raises BadFrameError."""
    try:
        elements = msgpack.unpackb(frame)
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise BadFrameError(f"not MessagePack: {error}") from None
    if not isinstance(elements, list) or len(elements) != _ELEMENTS or elements[0] != PROTOCOL:
        raise BadFrameError(f"not a {PROTOCOL} envelope")
    _, kind, number, op, _, _, _, session, _, body = elements
    if not (isinstance(kind, int) and isinstance(number, int) and isinstance(op, str) and isinstance(body, dict)):
        raise BadFrameError("an element has the wrong type")
    return Message(kind, number, op, session, body)
