"""A real installation: an environment of its own with the wheel built from this tree, and a store that runs from it."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.harness.base import ALL_SERVICES, StoreBase
from tests.harness.command_line import Said
from tpayd.integrity.environment import Environment
from tpayd.kit.instance import HOME_VARIABLE

_ROOT = Path(__file__).parents[2]
_LIMIT_S = 200.0
_EXTRA = "store"


@dataclass(frozen=True)
class Installation:
    """`pip install tpayd[store]`, without a download: the packages come from the environment that runs the tests."""

    root: Path

    @classmethod
    def make(cls, place: Path) -> Installation:
        """A new one in `place`, which must be empty."""
        _run(sys.executable, "-m", "venv", "--without-pip", str(place / "env"))
        _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place / "wheel"), cwd=_ROOT)
        made = cls(place / "env")
        wheel = next((place / "wheel").glob("tpayd-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(made.site)
            metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            told = archive.read(metadata).decode()
        needed = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("Requires-Dist:")]
        for name in _closure([Requirement(text) for text in needed], _EXTRA):
            _copy(importlib.metadata.distribution(name), made.site)
        return made

    @property
    def site(self) -> Path:
        environment = Environment.at(self.root)
        return environment.root / environment.site

    @property
    def python(self) -> Path:
        return self.root / "bin" / "python"

    def tpayd(self, *arguments: str, home: Path) -> Said:
        """Run its command line for the instance in `home`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TPAYD_")}
        done = subprocess.run(
            [str(self.python), "-I", "-m", "tpayd", *arguments],
            check=False, capture_output=True, text=True, timeout=_LIMIT_S, stdin=subprocess.DEVNULL,
            env={**kept, HOME_VARIABLE: str(home)},
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)


class InstalledStore(StoreBase):
    """A sandbox store that runs from an installation, under its launcher; `with` starts it with `tpayd up`."""

    def __init__(
        self,
        directory: Path,
        installation: Installation,
        *,
        lanes: int = 2,
        readers: int = 2,
        settings: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        changed = {name: dict(values) for name, values in (settings or {}).items()}
        changed["key_manager"] = {"integrity": "enforced"} | changed.get("key_manager", {})
        super().__init__(directory, lanes=lanes, readers=readers, settings=changed)
        self.installation = installation

    def __enter__(self) -> Self:
        try:
            self.tpayd("up")
        except BaseException:
            self._clear()
            raise
        return self

    def running(self) -> tuple[str, ...]:
        return ALL_SERVICES

    def tpayd(self, *arguments: str, status: int = 0) -> Said:
        """Run the installation's command line; it must end with that status."""
        said = self.installation.tpayd(*arguments, home=self.instance.home)
        assert status == said.status, said
        return said

    def _clear(self) -> None:
        self.installation.tpayd("down", "--limit", "20", home=self.instance.home)
        super()._clear()


def _closure(needed: list[Requirement], extra: str) -> set[str]:
    """Names of all packages that are needed, and of those that they need."""
    wanted = [requirement.name for requirement in needed if _applies(requirement, extra)]
    names: set[str] = set()
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name not in names:
            names.add(name)
            below = [Requirement(text) for text in importlib.metadata.requires(name) or ()]
            wanted += [requirement.name for requirement in below if _applies(requirement, "")]
    return names


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _copy(package: importlib.metadata.Distribution, site: Path) -> None:
    """Its modules and its metadata. Its scripts stay away, and its RECORD no longer names them."""
    for file in package.files or ():
        if ".." in file.parts or file.suffix == ".pyc":
            continue
        content = Path(str(file.locate())).read_bytes()
        if file.name == "RECORD":
            lines = content.decode().splitlines(keepends=True)
            content = "".join(line for line in lines if not line.startswith("../")).encode()
        target = site / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False, cwd=cwd)
    assert 0 == done.returncode, done.stderr
