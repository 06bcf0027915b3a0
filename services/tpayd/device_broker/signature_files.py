"""The last signature of each lane as a file, for a POS that prints it from there (T8). Off unless a path is set.

A disk may be slow: it is written apart from the event loop, in order, and a payment waits for none of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tpayd.kit.logs import Log

__all__ = ["LANE", "SignatureFiles"]

LANE = "{lane}"
"""Stands for the lane's name in the path."""


class SignatureFiles:
    """`pattern` is a path with `LANE` in it, below `home` unless it is absolute; None: nothing is kept."""

    def __init__(self, pattern: str | None, home: Path, log: Log) -> None:
        self._pattern = pattern
        self._home = home
        self._log = log
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="signatures")

    def clear(self, lane: str) -> None:
        """A new customer is to sign: nobody shall find the last one's signature meanwhile."""
        self._do(lambda path: path.unlink(missing_ok=True), lane)

    def keep(self, lane: str, image: bytes) -> None:
        """Here is his signature."""
        self._do(lambda path: _write(path, image), lane)

    def close(self) -> None:
        """Finish what is under way."""
        self._disk.shutdown()

    def _do(self, deed: Callable[[Path], None], lane: str) -> None:
        if self._pattern is None:
            return
        path = self._home / self._pattern.replace(LANE, lane)

        def attempt() -> None:
            try:
                deed(path)
            except OSError as error:
                self._log.warning("signature.not_kept", path=str(path), why=error.strerror)

        self._disk.submit(attempt)


def _write(path: Path, image: bytes) -> None:
    """Whole or not at all, and for the owner and his group alone."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "wb") as file:
        file.write(image)
    fresh.replace(path)
