"""Make tpayd-download: one file for one line of releases, for people who have nothing of tpayd yet.

    python -m ops.release.downloader --url https://updates.example.com --root 1.root.json --out tpayd-download

It runs on any machine with Python 3.11 or newer, without anything installed: tuf and what it needs are inside, and
signatures are verified in pure Python. Hand it out by a way that can be trusted: who alters it alters what it trusts.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

from tuf.api.metadata import Metadata, Root

from ops.release.errors import ReleaseToolError
from ops.release.imports import files_needed

__all__ = ["build", "main"]

_BUNDLED = ("tuf", "securesystemslib", "urllib3", "packaging")
_ENTRY = "tpayd.updater.downloader"
_SHEBANG = b"#!/usr/bin/env -S python3 -I\n"
_MAIN = """import sys
from pathlib import Path

from tpayd.updater.downloader import Line, main

ARCHIVE = Path(__file__).resolve().parent
line = Line(url={url!r}, root={root!r}, place=ARCHIVE.parent, name={name!r})
sys.exit(main(line))
"""


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 refused, 2 wrong use."""
    parser = argparse.ArgumentParser(
        prog="downloader", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", required=True, help="of the repository, as stores see it")
    parser.add_argument("--root", type=Path, required=True, help="a root metadata file of it, any version")
    parser.add_argument("--out", type=Path, required=True, help="the file to be")
    parser.add_argument("--name", default="tpayd", help="of the line; what is fetched is called NAME-<version>")
    told = parser.parse_args(arguments)
    try:
        build(told.url, told.root.read_bytes(), told.out, told.name)
    except (ReleaseToolError, OSError) as error:
        print(f"downloader: {error}", file=sys.stderr)
        return 1
    print(f"{told.out}: fetches from {told.url}; start it with --help")
    return 0


def build(url: str, root: bytes, out: Path, name: str = "tpayd") -> None:
    """Write the file. Raises ReleaseToolError, OSError."""
    if not url.startswith(("https://", "http://")):
        raise ReleaseToolError(f"{url!r} is no address of a repository: it begins with https://")
    try:
        Metadata[Root].from_bytes(root)
    except Exception as error:
        # Whatever tuf raises says the same.
        raise ReleaseToolError(f"the root metadata cannot be read: {error}") from error
    files = {"__main__.py": _MAIN.format(url=url, root=root, name=name).encode()}
    source = Path(__file__).resolve().parents[2] / "services"
    files |= {path: (source / path).read_bytes() for path in files_needed(_ENTRY, source, _BUNDLED)}
    for each in _BUNDLED:
        files |= _package(each)
    # Python finds a package without __init__.py in an archive only by an entry of its directory.
    files |= {f"{folder}/": b"" for path in files for folder in map(str, PurePosixPath(path).parents) if folder != "."}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in sorted(files.items()):
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    out.write_bytes(_SHEBANG + content.getvalue())
    out.chmod(0o755)


def _package(name: str) -> dict[str, bytes]:
    """A package's modules and its licence, as it is installed here; compiled code would not run from a file."""
    found = {}
    for path in distribution(name).files or ():
        text = str(path)
        if text.endswith((".so", ".pyd")):
            raise ReleaseToolError(f"{name} has compiled code here ({text}); install its pure wheel")
        if text.endswith(".py") or "/licenses/" in text:
            found[text] = Path(str(path.locate())).read_bytes()
    return found


if __name__ == "__main__":
    sys.exit(main())
