"""The envelope: every message is one ZeroMQ frame that holds one MessagePack array of ten elements.

| # | element   | type        | meaning                                                                       |
|---|-----------|-------------|-------------------------------------------------------------------------------|
| 0 | protocol  | str         | always `tpayd1`: the wire format, not the contract version                    |
| 1 | kind      | int         | `Kind`                                                                        |
| 2 | id        | int         | chosen by the caller, unique among its open requests; answers repeat it       |
| 3 | op        | str         | operation (REQ), topic (EVENT), else empty                                    |
| 4 | deadline  | int         | POS to gateway: time to live in ms. Between services: CLOCK_BOOTTIME in ms    |
| 5 | key       | str or nil  | idempotency key: the POS's request id, a UUID                                 |
| 6 | trace     | str or nil  | W3C traceparent                                                               |
| 7 | session   | str or nil  | given by the answer to HELLO, repeated in each REQ, CANCEL and PING           |
| 8 | principal | str or nil  | the authenticated client; only the gateway sets it                            |
| 9 | body      | map         | one Struct per operation                                                      |

ZeroMQ's own frames cost more than the bytes in them, hence one frame; the body stays undecoded (`msgspec.Raw`) until
the operation is known, so a relay never pays for it.
"""

from __future__ import annotations

import enum

from msgspec import Raw, Struct

__all__ = ["EMPTY_BODY", "MAX_FRAME_BYTES", "PROTOCOL", "UNANSWERED", "Envelope", "Kind"]

PROTOCOL = "tpayd1"
MAX_FRAME_BYTES = 64 * 1024
"""The largest frame anyone may send. The largest honest one, a signature image, is about 8 KiB."""

UNANSWERED = 0
"""The id of a REQ whose answer nobody needs: none is sent. Between services only."""

EMPTY_BODY = Raw(b"\x80")
"""An empty MessagePack map."""


class Kind(enum.IntEnum):
    """What a message is. HELLO is answered by REPLY or ERROR; REQ by any PROGRESS, then one REPLY or ERROR."""

    HELLO = 1
    REQ = 2
    PROGRESS = 3
    REPLY = 4
    ERROR = 5
    CANCEL = 6
    PING = 7
    PONG = 8
    EVENT = 9


class Envelope(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """One message. See the module's table for each element."""

    protocol: str
    kind: int
    id: int
    op: str
    deadline: int
    key: str | None
    trace: str | None
    session: str | None
    principal: str | None
    body: Raw
