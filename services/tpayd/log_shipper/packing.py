"""Makes a bundle: tar, then zstd, then age. Nothing of it lies on the disk in the clear.

The files are read twice: first they are proven and measured, then packed; both times the same bytes, or there is no
bundle. Every step pulls from the one before it, so that a bundle of any size takes a few megabytes of memory.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from tpayd.kit import crashpoints
from tpayd.kit.durable_file import sync_directory
from tpayd.log_shipper.collecting import Slice, cut, found_logs, newest_within
from tpayd.log_shipper.errors import AlteredError, LeakError, PackError, StoppedError
from tpayd.log_shipper.manifest import FORMAT, MANIFEST, About, LeftOut, Manifest, Packed, Proof
from tpayd.log_shipper.proving import RULES, Finding, Prover

__all__ = ["Made", "Wanted", "Work", "make_bundle", "prove"]

FINDINGS_MAX = 20
"""Told; one is enough to stop a bundle."""
_ZSTD_LEVEL = 6
_BLOCK_BYTES = 256 * 1024
_TAR_BLOCK = 512


class Work:
    """How far it is, for whoever looks on from another thread, and the way to stop it."""

    def __init__(self) -> None:
        self.stop = False
        self.done_bytes = 0
        self.of_bytes = 0

    def did(self, size_bytes: int) -> None:
        """Raises StoppedError."""
        self.done_bytes += size_bytes
        if self.stop:
            raise StoppedError("stopped; it begins anew")


@dataclass(frozen=True)
class Wanted:
    """What shall be in a bundle."""

    directory: Path
    services: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    limit_bytes: int = 2**63


@dataclass(frozen=True)
class Made:
    """A bundle that lies on the disk."""

    size_bytes: int
    sha256: str
    files: int
    logs_bytes: int


def prove(wanted: Wanted, work: Work) -> tuple[list[Finding], int]:
    """What of these logs must not leave, and how many bytes were looked at. Raises OSError, StoppedError."""
    with ExitStack() as stack:
        slices = _slices(wanted, stack)[0]
        work.of_bytes = sum(one.size_bytes for one in slices)
        found: list[Finding] = []
        for one in slices:
            _measured(one, work, found)
        return found, work.done_bytes


def make_bundle(wanted: Wanted, about: About, recipients: Sequence[str], target: Path, work: Work) -> Made:
    """Write a bundle to `target`, durably; a name beside it is used until it is whole.

    Raises LeakError, AlteredError, StoppedError, PackError, OSError; nothing is left behind then.
    """
    with ExitStack() as stack:
        slices, left = _slices(wanted, stack)
        logs_bytes = sum(one.size_bytes for one in slices)
        work.of_bytes = 2 * logs_bytes
        found: list[Finding] = []
        packed = [_measured(one, work, found) for one in slices]
        if found:
            raise LeakError(_told(found))
        proof = Proof(RULES, logs_bytes, sum(one.lines for one in packed), 0)
        left_out = tuple(LeftOut(one.name, one.size_bytes) for one in left)
        manifest = Manifest(FORMAT, about, proof, tuple(packed), left_out)
        partial = target.with_name(f"{target.name}.part")
        try:
            size_bytes, sha256 = _write(partial, _tar(manifest, slices, work), recipients)
            crashpoints.passing("outbox.packed")
            partial.rename(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    sync_directory(target.parent)
    crashpoints.passing("outbox.renamed")
    return Made(size_bytes, sha256, len(packed), logs_bytes)


def _slices(wanted: Wanted, stack: ExitStack) -> tuple[list[Slice], list[Slice]]:
    whole = found_logs(wanted.directory, wanted.services, stack)
    return newest_within(cut(whole, wanted.since_ms, wanted.until_ms), wanted.limit_bytes)


def _measured(one: Slice, work: Work, found: list[Finding]) -> Packed:
    """Hash and proof of a file in one go."""
    digest = hashlib.sha256()
    prover = Prover(one.name, _lines_before(one) + 1)
    first = prover.line
    for block in one.blocks():
        digest.update(block)
        found += prover.feed(block)
        work.did(len(block))
    found += prover.finish()
    return Packed(one.name, one.service, one.size_bytes, digest.hexdigest(), prover.line - first, one.start)


def _lines_before(one: Slice) -> int:
    before = Slice(one.file, one.name, 0, one.start, one.modified_s)
    return sum(block.count(b"\n") for block in before.blocks())


def _told(found: Sequence[Finding]) -> str:
    shown = "; ".join(str(one) for one in found[:FINDINGS_MAX])
    more = f"; and {len(found) - FINDINGS_MAX} more" if len(found) > FINDINGS_MAX else ""
    return (
        f"nothing has left: {shown}{more}. Tell the vendor which lines, remove them with `tpayd logs scrub`, then ship "
        "again; docs/logs.md says how"
    )


def _tar(manifest: Manifest, slices: Sequence[Slice], work: Work) -> Iterator[bytes]:
    """The bytes of the tar archive. Raises AlteredError."""
    text = manifest.as_json()
    yield _header(MANIFEST, len(text), manifest.about.made_at)
    yield text + _padding(len(text))
    for one, packed in zip(slices, manifest.files, strict=True):
        yield _header(f"log/{one.name}", one.size_bytes, one.modified_s)
        digest = hashlib.sha256()
        for block in one.blocks():
            digest.update(block)
            yield block
            work.did(len(block))
        if digest.hexdigest() != packed.sha256:
            raise AlteredError(f"{one.name} was changed while it was read; it begins anew")
        yield _padding(one.size_bytes)
    yield bytes(2 * _TAR_BLOCK)


def _header(name: str, size_bytes: int, modified: float | str) -> bytes:
    about = tarfile.TarInfo(name)
    about.size, about.mode = size_bytes, 0o640
    about.mtime = int(modified) if isinstance(modified, float) else 0
    return about.tobuf(tarfile.PAX_FORMAT)


def _padding(size_bytes: int) -> bytes:
    return bytes(-size_bytes % _TAR_BLOCK)


def _write(path: Path, content: Iterator[bytes], recipients: Sequence[str]) -> tuple[int, str]:
    """Compress, encrypt, write, sync; the size and the hash of what lies there."""
    import pyrage  # noqa: PLC0415  only where a bundle is made
    import zstandard  # noqa: PLC0415

    keys = []
    for text in recipients:
        try:
            keys.append(pyrage.x25519.Recipient.from_str(text))
        except pyrage.RecipientError as error:
            raise PackError(f"log_shipper.recipients: {text} is no age public key; ask the vendor for his") from error
    source = _Pulled(content)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    with os.fdopen(descriptor, "wb", buffering=_BLOCK_BYTES) as file:
        sink = _Hashed(file)
        with closing(zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_reader(cast("BinaryIO", source))) as packed:
            try:
                pyrage.encrypt_io(packed, sink, keys)
            except pyrage.EncryptError as error:
                # It knows nothing of our errors, and wraps them.
                raise (source.fault or sink.fault or PackError(f"it cannot be encrypted: {error}")) from error
        file.flush()
        os.fsync(file.fileno())
    return sink.size_bytes, sink.digest.hexdigest()


class _Pulled(io.RawIOBase):
    """An iterator of bytes as a file to read from."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self._content = content
        self._rest = memoryview(b"")
        self.fault: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            while not self._rest:
                self._rest = memoryview(next(self._content))
        except StopIteration:
            return 0
        except Exception as error:
            self.fault = error
            raise
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class _Hashed(io.RawIOBase):
    """A file to write to that hashes what it takes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size_bytes = 0
        self.fault: Exception | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        try:
            self._file.write(data)
        except OSError as error:
            self.fault = error
            raise
        self.digest.update(data)
        self.size_bytes += len(data)
        return len(data)
