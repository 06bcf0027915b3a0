"""The SQLite file under the key store.

Why SQLite and not one file per key: activating a key retires another and writes two audit entries, and a crash between
them must leave all or nothing. Why a rollback journal with synchronous=EXTRA and not WAL: writes are few (counters of
all lanes at once, every hundred payments of one, ahead of need and off the event loop), a checker may read the file
beside us, and the journal's directory entry is synced too. One connection writes.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from tpayd.key_manager.errors import StoreError
from tpayd.kit.durable_file import sync_directory

__all__ = ["is_empty", "open_database", "storage", "transaction"]

_BUSY_S = 5.0


def open_database(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Connect, with the file made (mode 0600) where it is missing and may be.

    Raises:
        StoreError: missing and `read_only`, others can reach it, or SQLite cannot open it.
    """
    with storage(f"{path} cannot be opened"):
        if not read_only:
            _create(path)
        _check_mode(path)
        uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
        try:
            if not read_only:
                connection.execute("PRAGMA journal_mode = DELETE")
                connection.execute("PRAGMA synchronous = EXTRA")
                connection.execute("PRAGMA secure_delete = ON")
        except BaseException:
            connection.close()
            raise
        return connection


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing is in it: just made, or a crash came between making the file and filling it."""
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


@contextlib.contextmanager
def storage(what: str) -> Iterator[None]:
    """Turn the disk's and SQLite's errors into StoreError, beginning with `what`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{what}: {error}") from error


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and on disk at the end. Raises StoreError."""
    with storage("the key store did not take a record that must be durable"):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    for directory in (path.parent, path.parent.parent):
        sync_directory(directory)


def _check_mode(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise StoreError(f"{path} has mode {mode:04o}, so others can reach it; chmod 600")
