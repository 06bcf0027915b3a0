"""What of an instance is in a backup, and how each part is copied while the store sells.

In it: config/, clients.toml, secrets/, and all of data/ (journal, key store with its audit chain, terminals, settings
history, …). Not in it: logs, signatures, sockets, releases, the sandbox's own host and readers, and what only this
machine's running processes mean by their files.

Small files are written by replacing them as a whole, so reading one gives the old or the new. The two databases are
copied by SQLite's online backup, and a journal in PostgreSQL row by row within one view: neither makes a payment wait.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tpayd.backup.errors import BackupError, BackupStorageError
from tpayd.backup.manifest import BackedUpFile
from tpayd.key_manager.places import store_file
from tpayd.kit.instance import Instance
from tpayd.transaction.journal import JournalPlace
from tpayd.transaction.journal.progress import Progress
from tpayd.transaction.journal.snapshot import copy_sqlite, snapshot

__all__ = ["JOURNAL", "KEY_STORE", "PARTS", "STAGING", "Part", "collected", "describe"]

PARTS = ("config", "clients.toml", "secrets", "data")
"""Below the instance's directory."""
JOURNAL = "data/journal.sqlite3"
KEY_STORE = "data/keys/keys.sqlite3"
STAGING = ".backup"
"""Below data/: copies of the databases while a backup is taken. For the owner alone."""
_NOT_OF_DATA = ("requests", STAGING, "last_backup.json")
_DATABASES = ("journal.sqlite3", "keys.sqlite3")
_CHUNK_BYTES = 1 << 20
_MAX_FILES = 10_000


@dataclass(frozen=True)
class Part:
    """A file, and under which name it goes into the backup."""

    source: Path
    name: str


def collected(instance: Instance, journal: JournalPlace | None, staging: Path, progress: Progress) -> list[Part]:
    """All files of a backup; the databases as copies in `staging`. `journal` is None where it is left out.

    Raises BackupError, StorageError, JournalVersionError.
    """
    # The journal first: what a payment needed of the other parts was there before it.
    databases: list[Part] = []
    if journal is not None:
        snapshot(journal.url, staging / "journal.sqlite3", progress)
        databases.append(Part(staging / "journal.sqlite3", JOURNAL))
    keys = store_file(instance.data)
    if keys.exists():
        copy_sqlite(keys, staging / "keys.sqlite3", lambda done, total: progress("copying keys", done, total))
        databases.append(Part(staging / "keys.sqlite3", KEY_STORE))
    small = list(_small_files(instance))
    if len(small) > _MAX_FILES:
        raise BackupError(f"the instance has more than {_MAX_FILES} files in {', '.join(PARTS)}: something is wrong")
    return [*small, *databases]


def describe(part: Part, into: Path) -> tuple[Part, BackedUpFile]:
    """Hash a file. A small one is read once, into `into`, so that what is hashed is what is archived."""
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with part.source.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o777
            kept = part
            if not part.source.is_relative_to(into):
                kept = Part(into / f"{len(list(into.iterdir()))}.copy", part.name)
            with Path(os.devnull).open("wb") if kept is part else kept.source.open("xb") as copy:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    size_bytes += len(chunk)
                    copy.write(chunk)
    except OSError as error:
        raise BackupStorageError(f"{part.source}: {error.strerror or error}") from error
    return kept, BackedUpFile(part.name, size_bytes, mode, digest.hexdigest())


def _small_files(instance: Instance) -> Iterator[Part]:
    for name in PARTS:
        top = instance.home / name
        # `data` may be a link to another disk.
        if top.is_file():
            yield Part(top, name)
        for directory, folders, files in os.walk(top.resolve(), followlinks=False):
            place = Path(directory)
            within = Path(name) / place.relative_to(top.resolve())
            if within == Path("data"):
                folders[:] = [folder for folder in folders if folder not in _NOT_OF_DATA]
            folders.sort()
            for file in sorted(files):
                if _belongs(place / file, within / file):
                    yield Part(place / file, str(within / file))


def _belongs(path: Path, within: Path) -> bool:
    if path.is_symlink() or not path.is_file() or path.name.endswith((".part", ".new")):
        return False
    if within.parts[0] != "data":
        return True
    of_database = any(path.name == name or path.name.startswith(f"{name}-") for name in _DATABASES)
    return not of_database and path.name not in _NOT_OF_DATA
