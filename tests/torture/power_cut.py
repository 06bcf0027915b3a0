"""The journal as a power cut would leave it: what was synced is there, what was not may be missing or torn."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import create_engine, select

from tests.harness import eventually
from tests.torture.told import Told
from tpayd.transaction.journal.schema import payments
from tpayd.transaction.journal.verifying import verify

__all__ = ["Image", "damages"]

_NAME = "journal.sqlite3"
_WAL_HEADER_BYTES = 32
_DURABLE = frozenset({"approved", "closed", "declined", "unknown", "reversing", "reversed", "needs_human", "charged"})
"""States that a POS is told of only once they are on disk. What ended before anything was sent may be forgotten."""


class Image:
    """Taken in two steps: what must survive is fixed at the first, what else was written may go at the second."""

    def __init__(self, data: Path, told: Iterable[Told]) -> None:
        """All that was told by now was on disk before; `data` holds the journal."""
        self.must_hold = tuple(told)
        self._data = data
        self._log = data / f"{_NAME}-wal"
        self._synced_bytes = self._log.stat().st_size if self._log.exists() else 0
        self._salt = self._header()

    def take(self, target: Path, writer: int, chance: random.Random) -> None:
        """Stop the process that writes, copy its files, and cut the log where a power cut might have."""
        target.mkdir(parents=True)
        os.kill(writer, signal.SIGSTOP)
        try:
            eventually(lambda: _stands_still(writer), timeout_s=5.0, what="every thread stopped")
            shutil.copy(self._data / _NAME, target / _NAME)
            if self._log.exists():
                shutil.copy(self._log, target / self._log.name)
            began_anew = self._header() != self._salt
        finally:
            os.kill(writer, signal.SIGCONT)
        copied = target / self._log.name
        if copied.exists() and not began_anew:
            _tear(copied, self._synced_bytes, chance)

    def _header(self) -> bytes:
        if not self._log.exists():
            return b""
        with self._log.open("rb") as log:
            return log.read(_WAL_HEADER_BYTES)


def damages(image: Path, must_hold: Iterable[Told]) -> list[str]:
    """Open the image as a restarted daemon would: what is damaged in it, and what was told and is not in it."""
    url = f"sqlite:///{image / _NAME}"
    verified = verify(url, lambda *_: None)
    found = [f"power cut: {finding}" for finding in verified.findings]
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(select(payments.c.request_id, payments.c.state))
        states = {row.request_id: row.state for row in rows}
    engine.dispose()
    for each in must_hold:
        state = states.get(each.request_id)
        paid = state in ("approved", "closed")
        if each.state in _DURABLE and (state is None or paid != (each.verdict == "PAID")):
            found.append(f"power cut: {each} was told, and the journal says {state}")
    return found


def _stands_still(process: int) -> bool:
    """Whether all its threads have stopped: SIGSTOP itself waits for nobody."""
    states = [
        entry.read_bytes().rpartition(b")")[2].split()[0] for entry in Path(f"/proc/{process}/task").glob("*/stat")
    ]
    return set(states) == {b"T"}


def _tear(log: Path, synced_bytes: int, chance: random.Random) -> None:
    """Cut at any byte behind what was synced, with noise where the last page was being written."""
    size = log.stat().st_size
    if size <= synced_bytes:
        return
    with log.open("r+b") as torn:
        torn.truncate(chance.randrange(synced_bytes, size))
        torn.seek(0, os.SEEK_END)
        torn.write(chance.randbytes(chance.randrange(0, 512)))
