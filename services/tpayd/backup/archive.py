"""Manifest and files as one compressed stream, and back with every hash checked.

Works through pipes: nothing large is held in memory, and nothing unencrypted touches the disk on the way.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from tpayd.backup.contents import Part
from tpayd.backup.errors import BackupDamagedError, BackupStorageError
from tpayd.backup.manifest import MANIFEST, BackedUpFile, Manifest, checked

__all__ = ["Progress", "piped", "read_archive", "write_archive"]

_LEVEL = 3
_CHUNK_BYTES = 1 << 20
_MAX_MANIFEST_BYTES = 8 << 20
_JOIN_S = 60.0

Progress = Callable[[int, int], None]
"""Bytes done, of how many."""


def write_archive(manifest: Manifest, parts: Sequence[Part], to: BinaryIO, progress: Progress) -> None:
    """Raises OSError, BackupStorageError."""
    raw, done = msgspec.json.encode(manifest), 0
    with (
        gzip.GzipFile(fileobj=to, mode="wb", compresslevel=_LEVEL, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        tar.addfile(_member(MANIFEST, len(raw), 0o600), io.BytesIO(raw))
        for part, file in zip(parts, manifest.files, strict=True):
            with part.source.open("rb") as source:
                tar.addfile(_member(file.path, file.size_bytes, file.mode), source)
            done += file.size_bytes
            progress(done, manifest.size_bytes)


def read_archive(source: BinaryIO, into: Path | None, progress: Progress) -> Manifest:
    """Check every file against the manifest; put them below `into`, which is empty, unless it is None.

    Raises BackupDamagedError, BackupStorageError.
    """
    try:
        with gzip.GzipFile(fileobj=source, mode="rb") as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            manifest = _manifest(tar)
            done = 0
            for file in manifest.files:
                member = tar.next()
                if member is None or not member.isreg() or member.name != file.path:
                    raise BackupDamagedError(f"{file.path} is not where its manifest says")
                _file(tar, member, file, into)
                done += file.size_bytes
                progress(done, manifest.size_bytes)
            if tar.next() is not None:
                raise BackupDamagedError("it holds more than its manifest says")
            while packed.read(_CHUNK_BYTES):
                pass
            return manifest
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, ValueError) as error:
        raise BackupDamagedError(f"it is damaged, or cut off: {error}") from error


@contextmanager
def piped(produce: Callable[[BinaryIO], None]) -> Iterator[BinaryIO]:
    """What `produce` writes in a thread of its own, to be read. Where both ends fail, its error is the cause."""
    read_end, write_end = os.pipe()
    failed: list[Exception] = []

    def run() -> None:
        try:
            with os.fdopen(write_end, "wb") as to:
                produce(to)
        except BrokenPipeError:
            pass  # the reader has its own reason
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="backup-archive", daemon=True)
    thread.start()
    source = os.fdopen(read_end, "rb")
    try:
        yield source
    except BaseException:
        with suppress(OSError):
            source.close()
        thread.join(_JOIN_S)
        if failed:
            raise failed[0] from None
        raise
    source.close()
    thread.join(_JOIN_S)
    if failed:
        raise failed[0]


def _manifest(tar: tarfile.TarFile) -> Manifest:
    member = tar.next()
    if member is None or member.name != MANIFEST or member.size > _MAX_MANIFEST_BYTES:
        raise BackupDamagedError("it does not begin with a manifest")
    file = tar.extractfile(member)
    assert file is not None  # noqa: S101
    return checked(file.read())


def _file(tar: tarfile.TarFile, member: tarfile.TarInfo, file: BackedUpFile, into: Path | None) -> None:
    source = tar.extractfile(member)
    assert source is not None  # noqa: S101
    digest, size_bytes = hashlib.sha256(), 0
    target = Path(os.devnull) if into is None else into / file.path
    try:
        if into is not None:
            for folder in reversed([folder for folder in target.relative_to(into).parents if folder.parts]):
                # As `Instance.open` makes them; its secrets and keys are the owner's alone.
                (into / folder).mkdir(mode=0o700, exist_ok=True)
                (into / folder).chmod(0o700 if folder.parts[0] == "secrets" or folder.name == "keys" else 0o750)
        flags = os.O_WRONLY | (0 if into is None else os.O_CREAT | os.O_EXCL) | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(target, flags, file.mode), "wb") as copy:
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
                size_bytes += len(chunk)
                copy.write(chunk)
            if into is not None:
                os.fchmod(copy.fileno(), file.mode)
                copy.flush()
                os.fsync(copy.fileno())
    except OSError as error:
        raise BackupStorageError(f"{target}: {error.strerror or error}") from error
    if (size_bytes, digest.hexdigest()) != (file.size_bytes, file.sha256):
        raise BackupDamagedError(f"{file.path} is not what was backed up")


def _member(name: str, size_bytes: int, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size_bytes, mode
    return member
