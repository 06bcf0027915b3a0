"""What is in a backup. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from tpayd.backup.errors import BackupDamagedError

__all__ = ["FORMAT", "MANIFEST", "BackedUpFile", "JournalFacts", "Manifest", "checked"]

FORMAT = 1
"""Of archive and manifest. A newer one is refused."""
MANIFEST = "manifest.json"
"""The archive's first member."""

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class BackedUpFile(Struct, frozen=True, forbid_unknown_fields=True):
    """One file, below the instance's directory."""

    path: str
    size_bytes: Annotated[int, Meta(ge=0)]
    mode: Annotated[int, Meta(ge=0, le=0o777)]
    sha256: Sha256


class JournalFacts(Struct, frozen=True, kw_only=True):
    """The journal as it was copied and verified."""

    place: str
    """Where it was: a database's URL without its password, or `file`."""
    events: int
    payments: int
    lanes: int
    damages: int
    """Found when the copy was verified; a damaged journal is backed up as it is, and said to be."""


class Manifest(Struct, frozen=True, kw_only=True):
    """A backup says this of itself."""

    format: int = FORMAT
    backup_id: str
    taken_at_ms: int
    """Nothing that was in the journal by then is missing."""
    version: str
    """Of tpayd, when it was taken."""
    journal_schema: str
    host: str
    """The machine's name."""
    home: str
    sandbox: bool
    host_profile: str
    merchant: str
    """The acquirer's id of the merchant: a backup of another store is noticed."""
    journal: JournalFacts | None
    """None: the store had no journal yet, or it was left out."""
    files: tuple[BackedUpFile, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


def checked(raw: bytes) -> Manifest:
    """Decode it. Raises BackupDamagedError for one that names files outside the instance, or of a newer format."""
    try:
        found = msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BackupDamagedError(f"its manifest does not fit this version of tpayd: {error}") from None
    if found.format != FORMAT:
        raise BackupDamagedError(f"it has format {found.format}; install the version of tpayd that wrote it")
    for file in found.files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or not path.parts or str(path) != file.path:
            raise BackupDamagedError(f"its manifest names the path {file.path!r}, which is not below an instance")
    return found
