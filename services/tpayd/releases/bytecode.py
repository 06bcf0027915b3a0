"""What an installation's processes import, compiled when it was signed: one file, that the signed list names.

The launcher unpacks it into the directory that it makes anew for each of its runs (docs/adr/0022), instead of compiling
for three seconds while the store waits. It takes the file only where its digest is the one in the list. Whether the
list's own signature counts is for the key manager to say, as for every source: who can put another list in its place
can put other sources beside it. Standard library only, since the launcher runs it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["ARCHIVE_NAME", "listed_archive", "make_archive", "unpack_archive"]

ARCHIVE_NAME = "bytecode.pack"
"""In the environment's root: an index as one line of JSON (where, path, bytes), then the files one after the other."""
_LIST_NAME = "tpayd-installation.manifest"
_OURS, _SYSTEMS = "environment", "system"
"""Where a file belongs: below the environment's root, or below `/`, as the standard library's."""
_MAKE_MAX_S = 120.0


def make_archive(root: Path) -> None:
    """Compile what the environment's processes import, and leave it in its root; nothing where that cannot be done."""
    target = root / ARCHIVE_NAME
    target.unlink(missing_ok=True)
    python = root / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="tpayd-bytecode-") as name:
        made = Path(name)
        command = [str(python), "-I", "-X", f"pycache_prefix={made}", "-m", "tpayd.supervision.warm_up"]
        nothing = subprocess.DEVNULL
        try:
            done = subprocess.run(
                command, check=False, stdin=nothing, stdout=nothing, stderr=nothing, timeout=_MAKE_MAX_S
            )
        except (OSError, subprocess.TimeoutExpired):
            return
        if done.returncode:
            return
        # In the order in which they were compiled: supervisord, which starts first, finds its own first.
        paths = sorted(made.rglob("*.pyc"), key=lambda path: (path.stat().st_mtime_ns, path))
        index = [(*_place(path, made, root), path.stat().st_size) for path in paths]
        target.write_bytes(b"\n".join((json.dumps(index).encode(), b"".join(path.read_bytes() for path in paths))))


def listed_archive(root: Path) -> bytes | None:
    """The archive of the environment in `root`, if its bytes are those that the installation's list names."""
    try:
        content = (root / ARCHIVE_NAME).read_bytes()
        envelope = json.loads((root / _LIST_NAME).read_bytes())
        size, digest = json.loads(base64.b64decode(envelope["payload"]))["files"][ARCHIVE_NAME]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    same = (size, digest) == (len(content), hashlib.sha256(content).hexdigest())
    return content if same else None


def unpack_archive(content: bytes, root: Path, directory: Path) -> None:
    """Fill a directory for bytecode of the environment in `root`, also while processes read it already.

    A file is there whole or not at all: half of one would keep a process from starting, and one that is not there yet
    is compiled by whoever needs it. Raises OSError, ValueError, and takes back what was unpacked.
    """
    mask = os.umask(0o027)  # to be read by processes with users of their own
    try:
        _unpack(content, root, directory)
    except BaseException:
        for child in directory.iterdir():
            shutil.rmtree(child, ignore_errors=True)
        raise
    finally:
        os.umask(mask)


def _place(path: Path, made: Path, root: Path) -> tuple[str, str]:
    """Where a file belongs, and its path there: an environment may move, the system's Python does not."""
    ours = made / root.relative_to("/")
    if path.is_relative_to(ours):
        return _OURS, path.relative_to(ours).as_posix()
    return _SYSTEMS, path.relative_to(made).as_posix()


def _unpack(content: bytes, root: Path, directory: Path) -> None:
    index, _, _ = content.partition(b"\n")
    at = len(index) + 1
    above = {_OURS: f"{directory}{root}", _SYSTEMS: str(directory)}
    made: set[str] = set()
    for place, name, size in json.loads(index):
        path = f"{above[place]}/{name}"
        if "/../" in path:
            raise ValueError(f"{path} is no place for bytecode")
        folder = path.rpartition("/")[0]
        if folder not in made:
            Path(folder).mkdir(parents=True, exist_ok=True)
            made.add(folder)
        part = Path(f"{path}.part")
        part.write_bytes(content[at : at + size])
        part.replace(path)
        at += size
