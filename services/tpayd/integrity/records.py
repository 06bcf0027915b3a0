"""What installed packages say of their own files: RECORD ('Recording installed projects', PyPA specifications)."""

from __future__ import annotations

import base64
import csv
import io
import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

__all__ = ["claims", "read_record"]

_SHA256 = "sha256="


def claims(root: Path, site: str) -> dict[str, str | None]:
    """Every file that an installed package claims, relative to `root`: its SHA-256 in hex; None where none is told."""
    told: dict[str, str | None] = {}
    for record in sorted((root / site).glob("*.dist-info/RECORD")):
        for name, digest in read_record(record.read_text(encoding="utf-8")):
            path = posixpath.normpath(posixpath.join(site, name))
            inside = os.path.relpath(name, root) if posixpath.isabs(name) else path
            if not inside.startswith("../"):
                told[inside] = digest
    return told


def read_record(text: str) -> Iterator[tuple[str, str | None]]:
    """A RECORD's lines: the file's name as it stands there, and its SHA-256 in hex, if it has one."""
    for row in csv.reader(io.StringIO(text)):
        if row:
            yield row[0], _hex(row[1] if len(row) > 1 else "")


def _hex(digest: str) -> str | None:
    """RECORD has base64url without padding."""
    if not digest.startswith(_SHA256):
        return None
    text = digest.removeprefix(_SHA256)
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
    except ValueError:
        return None
