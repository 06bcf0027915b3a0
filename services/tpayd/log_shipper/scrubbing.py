"""Writes over what must not be in a log file, in place and at the same length.

So a process that is writing to the file is not disturbed, and whoever ships it goes on at the same offsets.
"""

from __future__ import annotations

import os
from pathlib import Path

from tpayd.kit.leaks import leaks_in
from tpayd.kit.redaction import redact_line

__all__ = ["scrubbed"]

_MARK = '{"event":"log.line_scrubbed"}'


def scrubbed(path: Path) -> int:
    """How many lines were written over. Raises OSError."""
    count = offset = 0
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "r+b", buffering=0) as file, path.open("rb") as lines:
        for line in lines:
            bare = line.rstrip(b"\n")
            if leaks_in(bare):
                os.pwrite(file.fileno(), _without(bare), offset)
                count += 1
            offset += len(line)
        if count:
            os.fsync(file.fileno())
    return count


def _without(bare: bytes) -> bytes:
    """As many bytes, of which none says anything."""
    for text in (redact_line(bare.decode("utf-8", "replace")), _MARK):
        clean = text.encode("utf-8", "replace")
        if len(clean) <= len(bare) and not leaks_in(clean):
            return clean.ljust(len(bare))
    return b" " * len(bare)
