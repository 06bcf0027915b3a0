"""Operations of the host link: bytes out, the matching bytes back. It does not know what a payment is."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.operation import Empty, Op, Right
from tpayd_contracts.secret import SECRET, HidesSecrets
from tpayd_contracts.shapes import Name

__all__ = [
    "EXCHANGE",
    "LINE_STATUS",
    "TOPIC_LINE",
    "Exchange",
    "Exchanged",
    "Line",
    "LineEvent",
    "LineState",
    "LineStatus",
]

TOPIC_LINE = "host.line"


class LineState(enum.StrEnum):
    DOWN = "down"
    CONNECTING = "connecting"
    SIGNING_ON = "signing_on"
    SIGNED_ON = "signed_on"


class Exchange(HidesSecrets, frozen=True, forbid_unknown_fields=True):
    """Send one sealed message on a signed-on line of a profile, once, and wait for its answer.

    Errors: `host_unavailable` (outcome not_started: no byte left), `timeout` and `peer_lost` (outcome unknown).
    """

    profile: Name
    message: Annotated[bytes, Meta(min_length=4, max_length=8192, extra=SECRET)]
    answer_wait_s: Annotated[float, Meta(gt=0, le=120)]


class Exchanged(HidesSecrets, frozen=True):
    message: Annotated[bytes, Meta(extra=SECRET)]
    """The answer, as it came off the line, without its length prefix."""
    host_us: int
    """Time between the last byte out and the first byte of the answer."""
    line: str


class Line(Struct, frozen=True, omit_defaults=True):
    profile: Name
    name: str
    state: LineState
    address: str
    detail: str | None = None
    in_flight: int = 0


class LineStatus(Struct, frozen=True):
    profile: Name
    lines: tuple[Line, ...]


class LineEvent(Struct, frozen=True):
    line: Line


EXCHANGE = Op("host.exchange", Exchange, Exchanged)
LINE_STATUS = Op("host.status", Empty, LineStatus, right=Right.READ_ONLY)
