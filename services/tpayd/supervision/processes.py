"""Which processes of an instance live, by what /proc says of them. Standard library only: the launcher runs it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["all_processes", "modules_of", "processes_of", "read_or_nothing"]


def processes_of(home: Path) -> list[int]:
    """Ids of all processes of the instance in `home` that supervisor started, now or before, and that still live.

    By their command line, `… -m tpayd.<service> --home <home>`: the environment of a process that forbids memory
    images is hidden even from its owner.
    """
    return list(modules_of(home))


def modules_of(home: Path) -> dict[int, str]:
    """The same, each with its module's name below `tpayd`."""
    place = os.fsencode(home)
    found = {}
    for pid, entry in all_processes():
        arguments = read_or_nothing(entry / "cmdline").split(b"\0")
        follows = dict(itertools.pairwise(arguments))
        module = follows.get(b"-m", b"")
        if module.startswith(b"tpayd.") and follows.get(b"--home") == place:
            found[pid] = os.fsdecode(module.removeprefix(b"tpayd."))
    return found


def all_processes() -> Iterator[tuple[int, Path]]:
    """Every process of the machine: its id, and its entry in /proc."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            yield int(entry.name), entry


def read_or_nothing(path: Path) -> bytes:
    """A file of such an entry; nothing where that cannot be read."""
    try:
        return path.read_bytes()
    except OSError:  # ended meanwhile, or somebody else's
        return b""
