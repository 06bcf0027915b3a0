"""Takes a backup: copy, verify the copy, write `.part`, verify what was written, rename, keep the last few.

Killed at any moment it leaves the former backups as they are, and files that the next one removes.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tpayd import __version__
from tpayd.backup.archive import piped, read_archive, write_archive
from tpayd.backup.contents import STAGING, Part, collected, describe
from tpayd.backup.envelope import Head, Keys, decrypt, encrypt, read_head
from tpayd.backup.errors import BackupDamagedError, BackupError, BackupRefusedError, BackupStorageError
from tpayd.backup.last import LastBackup, write_last
from tpayd.backup.manifest import JournalFacts, Manifest
from tpayd.kit.durable_file import commit_file
from tpayd.kit.instance import Instance
from tpayd.kit.lock import AlreadyRunningError, ServiceLock
from tpayd.kit.store_settings import StoreSettings
from tpayd.transaction.journal import JournalPlace
from tpayd.transaction.journal.database import Database
from tpayd.transaction.journal.progress import Progress
from tpayd.transaction.journal.schema import SCHEMA_VERSION
from tpayd.transaction.journal.verifying import verify

if TYPE_CHECKING:
    from pyrage import x25519

__all__ = ["SUFFIX", "Backup", "Wanted", "backups_in", "create", "verified"]

SUFFIX = ".tpayd-backup"
_PART = ".part"
_NAME = re.compile(r"tpayd-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_MARGIN_BYTES = 16 << 20


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a backup is to be."""

    directory: Path
    keys: Keys
    journal: JournalPlace | None
    """None: without the journal, whose database has backups of its own."""
    keep: int | None = None
    """So many of this instance's backups stay in the directory; None: all."""


@dataclass(frozen=True)
class Backup:
    """A backup that was taken."""

    file: Path
    size_bytes: int
    manifest: Manifest
    removed: tuple[Path, ...]
    """Older ones."""


def create(instance: Instance, store: StoreSettings, wanted: Wanted, progress: Progress) -> Backup:
    """Take one. Raises BackupError, StorageError, JournalVersionError, JournalUrlError."""
    with _alone(instance), _staging(instance) as staging:
        directory = _ready(wanted.directory)
        _check_room(instance, staging, directory)
        taken_at_ms = time.time_ns() // 1_000_000
        parts = collected(instance, wanted.journal, staging, progress)
        facts = _facts(staging / "journal.sqlite3", wanted.journal, progress)
        manifest, parts = _manifest(instance, store, parts, facts, taken_at_ms, staging)
        head = Head(
            backup_id=manifest.backup_id, taken_at_ms=taken_at_ms, version=__version__, host=manifest.host,
            home=manifest.home, sandbox=manifest.sandbox, key=wanted.keys.sealed, recipients=wanted.keys.recipients,
        )  # fmt: skip
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(taken_at_ms / 1000))
        target = directory / f"tpayd-{stamp}-{manifest.backup_id[:8]}{SUFFIX}"
        _write(target, head, wanted.keys, manifest, parts, progress)
    size_bytes = target.stat().st_size
    removed = _keep(directory, head, wanted.keep) if wanted.keep is not None else ()
    with suppress(OSError):
        write_last(instance, LastBackup(taken_at_ms, str(target), size_bytes, manifest.backup_id))
    return Backup(target, size_bytes, manifest, removed)


def verified(
    path: Path, identities: Sequence[x25519.Identity], progress: Progress, into: Path | None = None
) -> Manifest:
    """Open a backup and check each hash; put the files below `into`, if that is given.

    Raises BackupKeyError, BackupDamagedError, BackupStorageError.
    """
    try:
        with path.open("rb") as file:
            read_head(file)
            with piped(partial(decrypt, file, identities)) as archive:
                what = "verifying" if into is None else "unpacking"
                return read_archive(archive, into, lambda done, total: progress(what, done, total))
    except BackupError:
        raise
    except OSError as error:
        raise BackupStorageError(f"{path}: {error.strerror or error}") from error


def backups_in(directory: Path) -> Iterator[tuple[Path, Head]]:
    """The backups in a directory, newest first."""
    found = []
    for path in directory.glob(f"tpayd-*{SUFFIX}"):
        try:
            with path.open("rb") as file:
                found.append((path, read_head(file)))
        except (OSError, BackupDamagedError):
            continue
    yield from sorted(found, key=lambda each: each[1].taken_at_ms, reverse=True)


def _write(target: Path, head: Head, keys: Keys, manifest: Manifest, parts: list[Part], progress: Progress) -> None:
    part = target.with_name(target.name + _PART)

    def archived(to: BinaryIO) -> None:
        write_archive(manifest, parts, to, lambda done, total: progress("writing", done, total))

    try:
        with piped(archived) as archive, _durable(part) as to:
            encrypt(head, keys, archive, to)
        _check_written(part, keys, manifest, progress)
        commit_file(part, target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BackupStorageError(f"{part}: {error.strerror or error}") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def _durable(path: Path) -> Iterator[BinaryIO]:
    """A new file, for the owner alone, on the disk at the end."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as to:
        yield to
        to.flush()
        os.fsync(to.fileno())
        # What is verified is to come from the disk, as far as the kernel will have it so.
        os.posix_fadvise(to.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _check_written(path: Path, keys: Keys, manifest: Manifest, progress: Progress) -> None:
    if verified(path, [keys.own], progress) != manifest:
        raise BackupDamagedError("what was written is not what was read back: the disk is not to be trusted")


def _manifest(
    instance: Instance, store: StoreSettings, parts: list[Part], facts: JournalFacts | None, taken_at_ms: int,
    staging: Path,
) -> tuple[Manifest, list[Part]]:  # fmt: skip
    kept, files = zip(*(describe(part, staging) for part in parts), strict=True)
    manifest = Manifest(
        backup_id=secrets.token_hex(16), taken_at_ms=taken_at_ms, version=__version__, journal_schema=SCHEMA_VERSION,
        host=socket.gethostname(), home=str(instance.home), sandbox=store.sandbox, host_profile=store.host_profile,
        merchant=store.merchant.id, journal=facts, files=files,
    )  # fmt: skip
    return manifest, list(kept)


def _facts(copy: Path, journal: JournalPlace | None, progress: Progress) -> JournalFacts | None:
    if journal is None:
        return None
    found = verify(f"sqlite:///{copy}", progress)
    with closing(Database(journal.url)) as database:
        place = "file" if database.is_sqlite else database.name
    return JournalFacts(
        place=place, events=found.events, payments=found.payments, lanes=found.lanes, damages=found.damages
    )


@contextmanager
def _alone(instance: Instance) -> Iterator[None]:
    try:
        lock = ServiceLock(instance.run_file("backup", "lock"))
    except AlreadyRunningError as error:
        raise BackupRefusedError(str(error)) from None
    with closing(lock):
        yield


@contextmanager
def _staging(instance: Instance) -> Iterator[Path]:
    """A place for copies; what a killed backup left there goes first."""
    staging = instance.data / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(mode=0o700)
    except OSError as error:
        raise BackupStorageError(f"{staging}: {error.strerror}") from error
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _ready(directory: Path) -> Path:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in directory.glob(f"tpayd-*{SUFFIX}{_PART}"):
            # Of a backup that was killed: nobody else writes here under this name and is not done in an hour.
            if _NAME.match(left.name) and time.time() - left.stat().st_mtime > 3600:
                left.unlink()
    except OSError as error:
        raise BackupStorageError(f"{directory}: {error.strerror}") from error
    return directory


def _check_room(instance: Instance, staging: Path, directory: Path) -> None:
    """The copy and the file each take about what the databases take; said before an hour is spent."""
    needed = _MARGIN_BYTES + sum(path.stat().st_size for path in instance.data.glob("journal.sqlite3*"))
    for place in (staging, directory):
        free = shutil.disk_usage(place).free
        if free < needed:
            raise BackupStorageError(
                f"{place} has {free >> 20} MiB free, a backup needs about {needed >> 20}: free some, or name another "
                "directory with --to"
            )


def _keep(directory: Path, head: Head, keep: int) -> tuple[Path, ...]:
    own = [path for path, other in backups_in(directory) if (other.host, other.home) == (head.host, head.home)]
    removed = []
    for path in own[keep:]:
        with suppress(OSError):
            path.unlink()
            removed.append(path)
    return tuple(removed)
