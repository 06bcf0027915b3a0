"""What a request gets, as a plan of bytes: pure, so that the server only has to send it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from tpayd_contracts.sandbox_updates import UpdatesBehaviour, UpdatesFault

__all__ = ["Plan", "plan"]

_LIE_BYTES = 1024
_RANGE = re.compile(r"bytes=([0-9]{1,18})-")


@dataclass(frozen=True)
class Plan:
    """What is sent for one file."""

    status: int
    start: int = 0
    """From where in the file."""
    end: int = 0
    """Up to where; the connection is closed there."""
    said_bytes: int | None = None
    """Content-Length; None: none is said."""
    content_range: str = ""
    flip_at: int | None = None
    """Which byte of the file comes wrong."""
    bytes_per_s: int = 0
    """0: as fast as it goes."""
    endless: bool = False
    silent: bool = False


def plan(path: str, size_bytes: int, asked_range: str, behaviour: UpdatesBehaviour) -> Plan:
    """For a file of that size.

    Args:
        path: as it was asked for, without the leading slash.
        size_bytes: of the file.
        asked_range: the Range header (RFC 9110, section 14.2), or empty. Only `bytes=N-` is honoured.
        behaviour: what the server was told.
    """
    fault = behaviour.fault if fnmatchcase(path, behaviour.only) else UpdatesFault.NONE
    if fault in _STATUS_ALONE:
        return Plan(_STATUS_ALONE[fault], silent=fault is UpdatesFault.SILENT)
    honest = _honest(size_bytes, "" if fault is UpdatesFault.NO_RESUME else asked_range)
    return honest if honest.status == 416 else _spoilt(honest, size_bytes, fault, behaviour)


_STATUS_ALONE = {UpdatesFault.MISSING: 404, UpdatesFault.REFUSED: 503, UpdatesFault.SILENT: 200}


def _honest(size: int, asked_range: str) -> Plan:
    match = _RANGE.fullmatch(asked_range)
    if match is None:
        return Plan(200, 0, size, size)
    start = int(match[1])
    if start >= size:
        return Plan(416, said_bytes=0, content_range=f"bytes */{size}")
    return Plan(206, start, size, size - start, f"bytes {start}-{size - 1}/{size}")


def _spoilt(honest: Plan, size: int, fault: UpdatesFault, behaviour: UpdatesBehaviour) -> Plan:
    match fault:
        case UpdatesFault.CUT:
            return replace(honest, end=max(honest.start, min(behaviour.at_bytes, size)))
        case UpdatesFault.DRIP:
            return replace(honest, bytes_per_s=behaviour.bytes_per_s)
        case UpdatesFault.ENDLESS:
            return replace(honest, said_bytes=None, endless=True)
        case UpdatesFault.WRONG_SIZE:
            larger = size + _LIE_BYTES
            content_range = f"bytes {honest.start}-{larger - 1}/{larger}" if honest.content_range else ""
            return replace(honest, said_bytes=larger - honest.start, content_range=content_range)
        case UpdatesFault.FLIPPED:
            return replace(honest, flip_at=min(behaviour.at_bytes, size - 1))
        case _:
            return honest
