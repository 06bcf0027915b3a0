"""The lines of all processes about one payment, from the logs of this machine."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

__all__ = ["MAX_LINES", "lines_about"]

MAX_LINES = 1_000
"""A payment has some ten lines; one that was taken back over a long outage has hundreds."""
_EARLY_S = 1.0
"""A line may be written this long before the journal's clock says that the payment began."""


def lines_about(directory: Path, names: Collection[str], since_ms: int) -> tuple[list[dict[str, Any]], int]:
    """Lines that hold one of `names` (trace id, payment id, request id), in order of time, and how many were left out.

    Rotated files are read too, unless they were closed before `since_ms` (the payment's beginning, since 1970).
    """
    wanted = [name.encode() for name in names]
    found = [
        entry
        for path in sorted(directory.glob("*.jsonl"))
        if _may_hold(path, since_ms)
        for line in _lines(path)
        if any(name in line for name in wanted)
        for entry in _parsed(line)
    ]
    found.sort(key=lambda entry: str(entry.get("time", "")))
    return found[:MAX_LINES], max(0, len(found) - MAX_LINES)


def _may_hold(path: Path, since_ms: int) -> bool:
    try:
        return path.stat().st_mtime >= since_ms / 1000 - _EARLY_S
    except OSError:
        return False


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except FileNotFoundError:  # rotated away, or too old, meanwhile
        return


def _parsed(line: bytes) -> Iterator[dict[str, Any]]:
    try:
        entry = json.loads(line)
    except ValueError:
        return
    if isinstance(entry, dict):
        yield entry
