"""The vendor's end: makes the key, opens a bundle, and compares it with its manifest."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import IO, Any

import msgspec

from tpayd.log_shipper.manifest import MANIFEST, Manifest

__all__ = ["OpenError", "make_identity", "open_bundle"]

_SAFE = re.compile(r"log/[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")
_MANIFEST_MAX_BYTES = 16 * 1024 * 1024


class OpenError(Exception):
    """This is no bundle, or not one for this key, or it is damaged. The message says which."""


def make_identity(path: Path) -> str:
    """Write a new private key, and return its public half. Raises OSError; an existing file is never replaced."""
    import pyrage  # noqa: PLC0415

    identity = pyrage.x25519.Identity.generate()
    public = str(identity.to_public())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"# public key: {public}\n{identity}\n")
        file.flush()
        os.fsync(file.fileno())
    return public


def open_bundle(bundle: Path, key: Path, target: Path) -> Manifest:
    """Open `bundle` into the new directory `target`. Raises OpenError and OSError; there is no directory then."""
    target.mkdir(mode=0o700)
    try:
        with tempfile.TemporaryFile(dir=target) as plain:
            _decrypt(bundle, key, plain)
            plain.seek(0)
            return _unpack(plain, target)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _decrypt(bundle: Path, key: Path, plain: IO[bytes]) -> None:
    import pyrage  # noqa: PLC0415
    import zstandard  # noqa: PLC0415

    try:
        lines = key.read_text(encoding="ascii").splitlines()
        identities = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (UnicodeDecodeError, pyrage.IdentityError) as error:
        raise OpenError(f"{key} is no private key of age's") from error
    with bundle.open("rb") as source, zstandard.ZstdDecompressor().stream_writer(plain, closefd=False) as sink:
        try:
            pyrage.decrypt_io(source, sink, identities)
        except (pyrage.DecryptError, zstandard.ZstdError) as error:
            raise OpenError(f"{bundle.name} is not for this key, or is damaged: {error}") from error
        except OSError as error:
            if error.errno is not None:
                raise
            raise OpenError(f"{bundle.name} is damaged: {error}") from error


def _unpack(plain: IO[bytes], target: Path) -> Manifest:
    try:
        with tarfile.open(fileobj=plain, mode="r:") as archive:
            members = iter(archive)
            manifest = _manifest_of(archive, next(members, None), target)
            expected = {f"log/{one.name}": one for one in manifest.files}
            (target / "log").mkdir(mode=0o700)
            for member in members:
                packed = expected.pop(member.name, None)
                if packed is None or not _SAFE.fullmatch(member.name) or not member.isreg():
                    raise OpenError(f"{member.name!r} is not in the manifest")
                content = archive.extractfile(member)
                if content is None or _copied(content, target / member.name) != packed.sha256:
                    raise OpenError(f"{member.name} is not what the manifest says")
    except tarfile.TarError as error:
        raise OpenError(f"it holds no archive: {error}") from error
    if expected:
        raise OpenError(f"{next(iter(expected))} is in the manifest, and not in the bundle")
    return manifest


def _manifest_of(archive: tarfile.TarFile, member: tarfile.TarInfo | None, target: Path) -> Manifest:
    if member is None or member.name != MANIFEST or member.size > _MANIFEST_MAX_BYTES:
        raise OpenError("it does not begin with its manifest")
    content = archive.extractfile(member)
    text = content.read() if content is not None else b""
    try:
        manifest = Manifest.of(text)
    except msgspec.DecodeError as error:
        raise OpenError(f"its manifest cannot be read: {error}") from error
    (target / MANIFEST).write_bytes(text)
    return manifest


def _copied(source: IO[Any], path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("xb") as file:
        while block := source.read(1024 * 1024):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()
