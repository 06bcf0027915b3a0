"""The Python environment that is checked, and what its interpreter may import besides."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

__all__ = ["Environment", "isolated_paths", "start_doubts"]

_ASK_LIMIT_S = 30.0


class Environment(Struct, frozen=True):
    """A virtual environment of its own; nothing else lies below its root."""

    root: Path
    site: str
    """site-packages, relative to the root."""

    @classmethod
    def current(cls) -> Environment | None:
        """The one that this process runs from; None for a Python that is shared with the system."""
        if sys.prefix == sys.base_prefix:
            return None
        return cls.at(Path(sys.prefix))

    @classmethod
    def at(cls, root: Path, version: str = f"{sys.version_info[0]}.{sys.version_info[1]}") -> Environment:
        """The environment in this directory, made by a Python of this version."""
        real = Path(os.path.realpath(root))
        base = str(real)
        told = sysconfig.get_path(
            "purelib", "venv", {"base": base, "platbase": base, "py_version_short": version}
        )  # fmt: skip
        return cls(real, os.path.relpath(os.path.realpath(told), real))

    def foreign_paths(self, paths: Iterable[str]) -> list[str]:
        """Those of a search path that are neither below the root nor the standard library's."""
        library = {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
        library |= {os.path.join(each, "lib-dynload") for each in library}  # noqa: PTH118 (texts, as in sys.path)
        return [path for path in paths if not self._is_known(path, library)]

    def _is_known(self, path: str, library: set[str]) -> bool:
        real = Path(os.path.realpath(path))
        absent_zip = real.suffix == ".zip" and not real.exists()
        return str(real) in library or absent_zip or (bool(path) and real.is_relative_to(self.root))


def isolated_paths() -> list[str]:
    """The search path of a process that is started with `-I`, as the daemon's are."""
    told = subprocess.run(
        [sys.executable, "-I", "-c", "import json, sys; print(json.dumps(sys.path))"],
        check=True, capture_output=True, timeout=_ASK_LIMIT_S,
    )  # fmt: skip
    paths: list[str] = json.loads(told.stdout)
    return paths


def start_doubts(environment: Environment) -> list[str]:
    """What is wrong with how this very process was started: each a sentence."""
    doubts = [
        f"{path or 'the working directory'} is on Python's search path, and is no part of the installation"
        for path in environment.foreign_paths(sys.path)
    ]
    if not sys.flags.isolated:
        doubts.append("this process was started without -I; start it with `tpayd up`")
    prefix = sys.pycache_prefix
    if prefix is None or not _is_private(Path(prefix)):
        doubts.append("this process was started without a private directory for bytecode; start it with `tpayd up`")
    return doubts


def _is_private(directory: Path) -> bool:
    try:
        found = directory.lstat()
    except OSError:
        return False
    # Root's, where the launcher is root and this process has a user of its own.
    return directory.is_dir() and found.st_uid in (os.geteuid(), 0) and not found.st_mode & 0o022
