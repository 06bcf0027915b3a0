"""Lists and signs an environment on the machine where it lies.

Whoever signs answers for what is signed. So first every file is looked at: it must be one that an installed package
claims, with the very bytes that its RECORD says, or one that `python -m venv` makes. Bytecode has no digest in any
RECORD: what lies there is thrown away and made anew from the sources, not to be checked against their dates. So is the
archive of it that the launcher starts the processes with.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tpayd.integrity.environment import Environment
from tpayd.integrity.errors import NotSignableError
from tpayd.integrity.manifest import MANIFEST_NAMES, FileEntry, Kind, Manifest, is_made_by_installer
from tpayd.integrity.records import claims
from tpayd.releases.bytecode import ARCHIVE_NAME, make_archive

__all__ = ["installation_manifest", "list_files"]

_COMPILE_LIMIT_S = 600.0
_VENV_FILES = re.compile(
    r"pyvenv\.cfg|\.gitignore|bin/(?:activate(?:\.csh|\.fish)?|Activate\.ps1)|lib64|bin/python(?:3(?:\.\d+)?)?|bin/𝜋thon"
)
"""What `python -m venv` makes; the last one is Python 3.14's. Links among them lead to the system's interpreter."""


def installation_manifest(environment: Environment, version: str, made_at_ms: int) -> Manifest:
    """The list of an environment, with its bytecode made anew. Takes some seconds.

    Raises NotSignableError, with the paths that nobody answers for.
    """
    files, links = list_files(environment.root)
    _vouched_for(environment, files, links)
    _compile(environment)
    make_archive(environment.root)
    files, links = list_files(environment.root)
    return Manifest(Kind.INSTALLATION, version, made_at_ms, files, links)


def list_files(root: Path) -> tuple[dict[str, FileEntry], dict[str, str]]:
    """Files with size and SHA-256, and links with their targets, relative to the root. Raises NotSignableError."""
    files: dict[str, FileEntry] = {}
    links: dict[str, str] = {}
    for path in _paths(root):
        name = path.relative_to(root).as_posix()
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            links[name] = str(path.readlink())
        elif stat.S_ISREG(mode):
            content = path.read_bytes()
            files[name] = FileEntry(len(content), hashlib.sha256(content).hexdigest())
        else:
            raise NotSignableError(f"{path} is no file", (name,))
    for name in MANIFEST_NAMES.values():
        files.pop(name, None)
    return files, links


def _paths(root: Path) -> Iterator[Path]:
    for directory, folders, names in os.walk(root):
        place = Path(directory)
        yield from (place / name for name in names)
        yield from (path for name in folders if (path := place / name).is_symlink())


def _vouched_for(environment: Environment, files: dict[str, FileEntry], links: dict[str, str]) -> None:
    claimed = claims(environment.root, environment.site)
    site = f"{environment.site}/"
    unclaimed, changed = [], []
    for name, entry in files.items():
        by_installer = name.startswith(site) and is_made_by_installer(name.removeprefix(site))
        if name in claimed and claimed[name] is not None:
            if claimed[name] != entry.sha256:
                changed.append(name)
        elif not by_installer and not _VENV_FILES.fullmatch(name) and name != ARCHIVE_NAME:
            unclaimed.append(name)
    unclaimed += [name for name in links if not _VENV_FILES.fullmatch(name)]
    gone = sorted(name for name, digest in claimed.items() if digest is not None and name not in files)
    for paths, fault in (
        (changed, "differ from what their package installed"),
        (unclaimed, "belong to no installed package"),
        (gone, "are missing"),
    ):
        if paths:
            raise NotSignableError(f"{_some(sorted(paths))} {fault}: install anew, then sign", sorted(paths))


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 3} more files" if len(paths) > 3 else ""
    return ", ".join(paths[:3]) + more


def _compile(environment: Environment) -> None:
    """Make all bytecode anew. What does not compile (a template, Python 2) has none, and none is ever read of it."""
    site = environment.root / environment.site
    for folder in [path for path in site.rglob("__pycache__") if not path.is_symlink()]:
        shutil.rmtree(folder)
    subprocess.run(
        [sys.executable, "-I", "-m", "compileall", "-q", "-q", "-f", "-j", "0",
         "--invalidation-mode", "unchecked-hash", str(site)],
        check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        timeout=_COMPILE_LIMIT_S,
    )  # fmt: skip
