"""Puts the launcher outside all releases: it judges them, so none of them may be able to take it away.

    launcher/<digest>/__main__.py and what it imports: standard library and `tpayd.releases`, run by the system's Python

A directory for each content: a copy that is half made is never run, and one that runs is never changed. The launcher
of the release that somebody types `tpayd up` with is the one that runs, until the next `tpayd up`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

import tpayd
from tpayd import releases
from tpayd.kit.instance import Instance
from tpayd.releases.layout import Layout, sync_directory

__all__ = ["base_python", "launcher_outside", "note_release"]

_PACKAGE = Path(__file__).parents[1]
# By hand: to read the imports of each would cost every start. A test compares this with what they are.
_MODULES = (
    "__init__", "changeover", "control", "judge", "launcher", "private_bytecode", "processes", "supervisord",
    "wakefulness",
)  # fmt: skip
_MAIN = """import sys

from tpayd.supervision.launcher import main

sys.exit(main())
"""


def launcher_outside(instance: Instance) -> Path:
    """The directory that `python` can run, made where it is missing. Raises OSError."""
    files = _files()
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
    place = instance.home / "launcher" / digest
    if not place.is_dir():
        place.parent.mkdir(mode=0o750, exist_ok=True)
        fresh = place.with_name(f".{digest}.{os.getpid()}")
        for name, content in files.items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")
        os.sync()
        try:
            fresh.rename(place)
        except OSError:  # somebody else was first
            shutil.rmtree(fresh)
        sync_directory(place.parent)
    return place


def base_python() -> str:
    """The interpreter that environments are made from."""
    base: str = getattr(sys, "_base_executable", "") or sys.executable
    return base


def note_release(instance: Instance) -> None:
    """Note the environment that this process runs from as a release of the instance, where it is not one already.

    Whoever types `tpayd up` in an environment means that one, unless the updater has gone beyond it: a release that
    it has installed counts as long as it is the same version or a newer one. Raises OSError.
    """
    if sys.prefix == sys.base_prefix:
        return
    layout, root = Layout(instance.home), Path(os.path.realpath(sys.prefix))
    used, version = layout.current(), tpayd.__version__
    if layout.environment(used) == root and used == version:
        return
    if layout.is_own(used) and layout.environment(used) is not None and numbers(used) >= numbers(version):
        return
    layout.note_installed(version, root)


def numbers(version: str) -> tuple[int, ...]:
    """For comparison: 0.10.0 is after 0.9.0."""
    return tuple(int(part) for part in version.replace("-", ".").replace("+", ".").split(".") if part.isdigit())


def _files() -> dict[str, str]:
    found = {"__main__.py": _MAIN, "tpayd/__init__.py": ""}
    for path in sorted(Path(releases.__file__).parent.glob("*.py")):
        found[f"tpayd/releases/{path.name}"] = path.read_text(encoding="utf-8")
    for name in _MODULES:
        found[f"tpayd/supervision/{name}.py"] = (_PACKAGE / "supervision" / f"{name}.py").read_text(encoding="utf-8")
    return found
