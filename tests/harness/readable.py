"""A Python environment that every user of this machine can run, whoever owns the one that runs the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from tests.harness.installation import Installation

_NOT_NEEDED = ("test", "tests", "idlelib", "turtledemo", "ensurepip", "lib2to3", "site-packages")


@dataclass(frozen=True)
class ReadableInstallation(Installation):
    """An environment, and where the shared library of its Python is."""

    libraries: Path

    def run_as(self, uid: int, gid: int, code: str, *arguments: str) -> str:
        """What this code prints when that user runs it. It must end well."""
        done = subprocess.run(
            [str(self.python), "-I", "-c", code, *arguments],
            check=False, capture_output=True, text=True, timeout=60.0, user=uid, group=gid, extra_groups=[], cwd="/",
            env={"LD_LIBRARY_PATH": str(self.libraries)},
        )  # fmt: skip
        assert 0 == done.returncode, done.stderr
        return done.stdout.strip()


def readable_environment(place: Path) -> ReadableInstallation:
    """An environment in `place` with what this process can import, by hard links where the disk allows them.

    A Python in root's home is of no use to a process that is not root's any more.
    """
    base, library = place / "python", Path(sysconfig.get_path("stdlib"))
    below = library.relative_to(sys.base_prefix)
    _copy(library, base / below, _NOT_NEEDED)
    binary = Path(os.path.realpath(sys.executable))
    (base / "bin").mkdir()
    _link(str(binary), str(base / "bin" / binary.name))
    for shared in Path(sys.base_prefix, "lib").glob("libpython*"):
        _link(str(shared), str(base / "lib" / shared.name))
    environment = place / "env"
    subprocess.run(
        [base / "bin" / binary.name, "-I", "-m", "venv", "--without-pip", environment],
        check=True, env=os.environ | {"LD_LIBRARY_PATH": str(base / "lib")},
    )  # fmt: skip
    made = ReadableInstallation(environment, base / "lib")
    imported = [Path(path) for path in sys.path if os.path.isdir(path) and not Path(path).is_relative_to(library)]  # noqa: PTH112
    paths = [_readable(path, place / f"path-{number}") for number, path in enumerate(imported)]
    (made.site / "tests.pth").write_text("".join(f"{path}\n" for path in paths))
    return made


def _readable(path: Path, copy: Path) -> Path:
    """`path`, or a copy where others may not go."""
    if all(parent.stat().st_mode & 0o005 == 0o005 for parent in (path, *path.parents)):
        return path
    _copy(path, copy, ())
    return copy


def _copy(source: Path, target: Path, without: tuple[str, ...]) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*without), copy_function=_link, symlinks=False)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or none of ours
        shutil.copy2(source, target)
