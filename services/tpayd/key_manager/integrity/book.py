"""The last results, kept on disk: ten of the files, ten of each reader."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec
from msgspec import Struct

from tpayd.kit.durable_file import replace_file
from tpayd_contracts.integrity import RESULTS_KEPT, IntegrityResult

__all__ = ["Results", "read_results", "write_results"]

_READERS_MAX = 512
"""Twice as many as a store may have: results of readers that are gone make room for new ones."""
_FILE_MODE = 0o640

Kept = tuple[IntegrityResult, ...]


class Results(Struct, frozen=True):
    """Newest first."""

    files: Kept = ()
    readers: dict[str, Kept] = {}

    def put(self, result: IntegrityResult) -> Results:
        """With one more."""
        if result.device is None:
            return Results(_with(self.files, result), self.readers)
        others = {name: kept for name, kept in self.readers.items() if name != result.device}
        if len(others) >= _READERS_MAX:
            del others[min(others, key=lambda name: others[name][0].at_ms)]
        return Results(self.files, {**others, result.device: _with(self.readers.get(result.device, ()), result)})

    def without_others(self, readers: Collection[str]) -> Results:
        """Without the readers that are no longer there."""
        kept = {name: results for name, results in self.readers.items() if name in readers}
        return self if len(kept) == len(self.readers) else Results(self.files, kept)

    def last_of_readers(self) -> Kept:
        """The newest of each reader, by name."""
        return tuple(self.readers[name][0] for name in sorted(self.readers))


def read_results(path: Path) -> Results:
    """What is kept; nothing where the file is missing. Raises OSError, or ValueError for a file that is not one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except FileNotFoundError:
        return Results()


def write_results(path: Path, results: Results) -> None:
    """Durably. Raises OSError: what was kept before stands then."""
    replace_file(path, msgspec.json.encode(results), _FILE_MODE)


def _with(kept: Kept, result: IntegrityResult) -> Kept:
    return (result, *kept)[:RESULTS_KEPT]
