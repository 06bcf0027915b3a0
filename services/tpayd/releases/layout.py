"""Where an instance keeps releases, and which of them is in use.

    releases/current -> 0.2.0        one symbolic link; moved by a rename, it always names the old one or the new one
    releases/0.1.0 -> /opt/tpayd     where tpayd was first installed: a link to that environment
    releases/0.2.0/                  an environment of its own, installed by the updater
    updates/journal                  what became of each attempt: `tpayd.releases.journal`

Who starts processes resolves `current` once and uses the real path from then on: moving the link changes no process
that runs.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CURRENT", "Layout", "is_version", "sync_directory"]

CURRENT = "current"
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){1,3}(?:[-+.]?[a-z0-9.]+)?")


def is_version(name: str) -> bool:
    """Whether a directory of this name may hold a release."""
    return len(name) <= 32 and _VERSION.fullmatch(name) is not None


@dataclass(frozen=True)
class Layout:
    """The places of one instance."""

    home: Path

    @property
    def releases(self) -> Path:
        return self.home / "releases"

    @property
    def updates(self) -> Path:
        return self.home / "updates"

    @property
    def journal(self) -> Path:
        return self.updates / "journal"

    def place(self, version: str) -> Path:
        """Where a release lies, or would lie. Raises ValueError for a name that is no version's."""
        if not is_version(version):
            raise ValueError(f"{version!r} is no version")
        return self.releases / version

    def current(self) -> str:
        """The version in use; empty where none was noted yet."""
        try:
            name = str((self.releases / CURRENT).readlink())
        except OSError:
            return ""
        return name if is_version(name) else ""

    def environment(self, version: str) -> Path | None:
        """The real path of an installed release's environment; None where it is not whole."""
        if not is_version(version):
            return None
        root = Path(os.path.realpath(self.releases / version))
        return root if (root / "bin" / "python").exists() else None

    def python(self) -> Path | None:
        """The interpreter of the release in use."""
        root = self.environment(self.current())
        return root / "bin" / "python" if root is not None else None

    def is_own(self, version: str) -> bool:
        """Whether the updater installed it here, rather than somebody elsewhere."""
        place = self.releases / version
        return is_version(version) and place.is_dir() and not place.is_symlink()

    def installed(self) -> tuple[str, ...]:
        """The versions that are here, whole or not."""
        with contextlib.suppress(FileNotFoundError):
            return tuple(sorted(entry.name for entry in os.scandir(self.releases) if is_version(entry.name)))
        return ()

    def use(self, version: str) -> None:
        """Move the link, for good. Raises OSError: it names what it named before then."""
        _link(self.releases, CURRENT, self.place(version).name)

    def note_installed(self, version: str, root: Path) -> None:
        """Somebody installed a release elsewhere: link to it, and use it from now on. Raises OSError."""
        self.releases.mkdir(mode=0o750, exist_ok=True)
        place = self.place(version)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        for name in self.installed():
            # An environment holds one version at a time: what else is noted of this one is no more.
            if name != version and (self.releases / name).is_symlink() and _same(self.releases / name, root):
                (self.releases / name).unlink()
        _link(self.releases, version, str(root))
        self.use(version)


def sync_directory(path: Path) -> None:
    """Have what was made, renamed or removed in a directory outlast a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _same(link: Path, root: Path) -> bool:
    return os.path.realpath(link) == os.path.realpath(root)


def _link(directory: Path, name: str, target: str) -> None:
    fresh = directory / f".{name}.new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(directory / name)
    sync_directory(directory)
