"""A wheel under another version, to try an update with: the same code, which says another version of itself."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["rewritten_wheel"]

_VERSION_FILE = "tpayd/__init__.py"


def rewritten_wheel(wheel: Path, version: str, directory: Path, replaced: Mapping[str, bytes] | None = None) -> Path:
    """Write tpayd's wheel anew as `version`, for tries and tests: nothing that is built so belongs into a store.

    Args:
        wheel: of tpayd.
        version: of the new one.
        directory: where it is put.
        replaced: other files with another content (or new ones), by their path in the wheel.
    """
    old = wheel.name.split("-")[1]
    changed = dict(replaced or {})
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.is_dir() or member.filename.endswith("/RECORD"):
                continue
            name = member.filename.replace(f"tpayd-{old}.", f"tpayd-{version}.", 1)
            files[name] = archive.read(member)
    files |= changed
    files[_VERSION_FILE] = _once(rb'(__version__ = ")[^"]+', files[_VERSION_FILE], version)
    metadata = f"tpayd-{version}.dist-info/METADATA"
    files[metadata] = _once(rb"(?m)(^Version: ).+$", files[metadata], version)
    made = directory / wheel.name.replace(f"-{old}-", f"-{version}-", 1)
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [*sorted(files.items()), _record(files, f"tpayd-{version}.dist-info/RECORD")]:
            # One date for all: the same input gives the same wheel.
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            archive.writestr(entry, content)
    return made


def _once(pattern: bytes, content: bytes, version: str) -> bytes:
    changed, times = re.subn(pattern, rb"\g<1>" + version.encode(), content, count=1)
    if not times:
        raise ValueError(f"no version is told by {pattern!r}")
    return changed


def _record(files: Mapping[str, bytes], name: str) -> tuple[str, bytes]:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for path, content in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.writerow([path, f"sha256={digest}", len(content)])
    rows.writerow([name, "", ""])
    return name, text.getvalue().encode()
