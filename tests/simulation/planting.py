"""Planted bugs: deliberate faults, each of which the simulation must find. See `planted/`.

A bug is data: what it breaks, and which words of which module are replaced by which. The module is changed as it is
imported, in a process that does nothing else; the product's files stay as they are, and hold no switch.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

__all__ = ["Bug", "Patch", "bugs", "plant"]

_FOLDER = Path(__file__).parent / "planted"


@dataclass(frozen=True)
class Patch:
    """Words of one module that are replaced. They must stand there `times` times."""

    module: str
    old: str
    new: str
    times: int = 1

    def applied(self, source: str) -> str:
        """Raises ValueError where the module does not hold these words."""
        found = source.count(self.old)
        if found != self.times:
            raise ValueError(f"{self.module} holds {self.old!r} {found} times, not {self.times}: renew the planted bug")
        return source.replace(self.old, self.new)


@dataclass(frozen=True)
class Bug:
    """A deliberate fault."""

    name: str
    breaks: str
    """The promise that it breaks, for people."""
    patches: tuple[Patch, ...]
    found_by: int = 0
    """The seed that found it when somebody looked last: tried first, and of no use once it finds it no more."""


def bugs() -> tuple[Bug, ...]:
    """All of them, by name."""
    return tuple(_read(path) for path in sorted(_FOLDER.glob("*.toml")))


def _read(path: Path) -> Bug:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    patches = tuple(Patch(**patch) for patch in data["patch"])
    return Bug(path.stem, data["breaks"], patches, data.get("found_by", 0))


def plant(bug: Bug) -> None:
    """From now on the bug is in what is imported. Must come before the first import of the product."""
    by_module: defaultdict[str, list[Patch]] = defaultdict(list)
    for patch in bug.patches:
        if patch.module in sys.modules:
            raise RuntimeError(f"{patch.module} is imported already")
        by_module[patch.module].append(patch)
    sys.meta_path.insert(0, _Finder(by_module))


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, patches: dict[str, list[Patch]]) -> None:
        self._patches = patches

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._patches:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return None
        spec.loader = _Loader(fullname, spec.origin, self._patches[fullname])
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, patches: list[Patch]) -> None:
        super().__init__(fullname, path)
        self._patches = patches

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_data(self.path).decode("utf-8")
        for patch in self._patches:
            source = patch.applied(source)
        return compile(source, self.path, "exec", dont_inherit=True)
