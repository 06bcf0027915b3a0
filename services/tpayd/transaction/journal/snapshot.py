"""A consistent copy of a journal that a daemon writes to, as one SQLite file: what a backup holds of it.

The writer waits for nobody: a reader of SQLite's log keeps its own view, and so does a transaction of PostgreSQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from tpayd.transaction.journal.copying import copy_tables
from tpayd.transaction.journal.database import Database, reason_of
from tpayd.transaction.journal.errors import StorageError
from tpayd.transaction.journal.migrating import check_version, upgrade
from tpayd.transaction.journal.progress import Progress

__all__ = ["copy_sqlite", "snapshot"]

_PAGES_AT_ONCE = 2_000
_BUSY_S = 10.0


def snapshot(url: str, target: Path, progress: Progress) -> None:
    """Copy the journal at `url` into a new file.

    Raises StorageError, JournalVersionError, JournalUrlError.
    """
    with closing(Database(url, reading=True)) as database, closing(database.connect()) as old:
        try:
            with old.begin():
                database.begin_to_read(old)
                check_version(old)
                if not database.is_sqlite:
                    _copy_rows(old, target, progress)
        except SQLAlchemyError as error:
            raise StorageError(reason_of(error)) from error
        if database.is_sqlite:
            source = Path(make_url(url).database or "")
            copy_sqlite(source, target, lambda done, total: progress("copying the journal", done, total))
    _one_file(target)


def _copy_rows(old: Connection, target: Path, progress: Progress) -> None:
    with closing(Database(f"sqlite:///{target}")) as fresh, closing(fresh.connect()) as new, new.begin():
        fresh.begin_to_write(new)
        upgrade(new)
        copy_tables(lambda query: old.execute(query).all(), new, progress)


def copy_sqlite(source: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    """SQLite's online backup (sqlite.org/backup.html) of a file that others write to. Raises StorageError."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)) as old,
            closing(sqlite3.connect(target, isolation_level=None)) as new,
        ):
            target.chmod(0o600)
            log = old.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            if log:
                # One view from here on: else each commit of the daemon would begin the copy anew.
                old.execute("BEGIN")
                old.execute("SELECT count(*) FROM sqlite_master").fetchone()
            # Without a log a reader keeps the writer out: then all at once, and it is a small file.
            old.backup(
                new, pages=_PAGES_AT_ONCE if log else -1, progress=lambda _, left, total: progress(total - left, total)
            )
    except (sqlite3.Error, OSError) as error:
        raise StorageError(str(error)) from error


def _one_file(path: Path) -> None:
    """Without a log beside it."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StorageError(str(error)) from error
