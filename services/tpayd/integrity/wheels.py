"""The list of a release, from its wheels: what each wheel's RECORD claims, checked against what the wheel holds."""

from __future__ import annotations

import hashlib
import posixpath
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tpayd.integrity.errors import WheelError
from tpayd.integrity.manifest import SITE, FileEntry, Kind, Manifest, is_made_by_installer
from tpayd.integrity.records import read_record

__all__ = ["release_manifest"]

_DATA = re.compile(r"[^/]+\.data/([^/]+)/(.+)")
"""`<name>-<version>.data/<scheme>/<path>` (binary distribution format)."""
_TO_SITE = ("purelib", "platlib")
_FILE_MAX_BYTES = 512 * 1024 * 1024


def release_manifest(wheels: Iterable[Path], version: str, made_at_ms: int) -> Manifest:
    """The list of all files that these wheels bring into site-packages.

    Entry scripts are made, and scripts changed, by whoever installs them: they stand in the installation's list.

    Raises WheelError.
    """
    files: dict[str, FileEntry] = {}
    owner: dict[str, Path] = {}
    for wheel in sorted(wheels):
        for path, entry in _files(wheel).items():
            if path in files and files[path] != entry:
                raise WheelError(f"{wheel.name} and {owner[path].name} both hold {path}, and not the same")
            files[path], owner[path] = entry, wheel
    if not files:
        raise WheelError("there is no wheel to list")
    return Manifest(Kind.RELEASE, version, made_at_ms, files)


def _files(wheel: Path) -> dict[str, FileEntry]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return _listed(wheel.name, archive)
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise WheelError(f"{wheel.name} cannot be read: {error}") from error


def _listed(name: str, archive: zipfile.ZipFile) -> dict[str, FileEntry]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    records = [member for member in members if re.fullmatch(r"[^/]+\.dist-info/RECORD", member.filename)]
    if len(records) != 1:
        raise WheelError(f"{name} has {len(records)} RECORD files, not one")
    claimed = dict(read_record(archive.read(records[0]).decode()))
    files: dict[str, FileEntry] = {}
    for member in members:
        if member in records:
            continue
        if member.file_size > _FILE_MAX_BYTES:
            raise WheelError(f"{name}: {member.filename} is larger than {_FILE_MAX_BYTES} bytes")
        content = archive.read(member)
        digest = hashlib.sha256(content).hexdigest()
        if claimed.pop(member.filename, None) != digest:
            raise WheelError(f"{name}: {member.filename} is not what its RECORD says")
        place = _place(name, member.filename)
        if place is not None:
            files[place] = FileEntry(len(content), digest)
    left = [path for path, digest in claimed.items() if digest is not None]
    if left:
        raise WheelError(f"{name}: its RECORD names {left[0]}, which is not there")
    return files


def _place(wheel: str, member: str) -> str | None:
    """Where the file comes to lie; None for what goes elsewhere than into site-packages."""
    if posixpath.normpath(member) != member or member.startswith(("/", "../")):
        raise WheelError(f"{wheel}: {member!r} leaves the wheel")
    data = _DATA.fullmatch(member)
    if data is not None:
        return SITE + data[2] if data[1] in _TO_SITE else None
    if is_made_by_installer(member):
        raise WheelError(f"{wheel}: {member} is an installer's to make, no wheel's")
    return SITE + member
