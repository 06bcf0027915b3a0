"""Connections to the journal's database: what SQLite and PostgreSQL need before the same statements run on both."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Dialect, create_engine, event, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from tpayd.transaction.journal.errors import JournalUrlError, StorageError, UnreachableError

__all__ = ["Database", "reason_of"]

CONNECT_MAX_S = 3
STATEMENT_MAX_S = 5
"""For one statement on PostgreSQL; half of what a payment waits for the journal."""
LOCK_MAX_S = 3
"""For the lock that a transaction of a lost connection still holds."""
RECONNECT_AFTER_S = 0.5
"""No second attempt to connect before this time: whoever asks meanwhile hears of the first one's failure."""

_TRANSIENT = frozenset({"40001", "40P01"})
"""SQLSTATEs after which the same transaction is simply begun again: serialization failure, deadlock."""

_DURABLE_SQLITE = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=5000",
    "wal_autocheckpoint=2000",
    "cache_size=-16000",
    "temp_store=MEMORY",
)
"""FULL is what survives a power cut: NORMAL lost acknowledged rows in tests with copied disk images. What a statement
of many rows would take back on an error is kept in memory: it was a third of all that was written."""
_PREPARED = 256
"""Statements that Python's sqlite3 keeps ready, instead of 128."""

_POSTGRESQL_SESSION = (
    f"SET statement_timeout = '{STATEMENT_MAX_S}s'",
    f"SET lock_timeout = '{LOCK_MAX_S}s'",
    # A transaction whose client is gone would keep its lock until the server notices.
    "SET idle_in_transaction_session_timeout = '10s'",
)


class Database:
    """Opens connections; whoever uses one closes it."""

    def __init__(self, url: str, *, reading: bool = False) -> None:
        """`reading`: for long looks beside a daemon that writes. Raises JournalUrlError."""
        self._url = _checked(url)
        self._reading = reading
        self._tried_s = -RECONNECT_AFTER_S
        self._refused: StorageError | None = None
        try:
            self._engine = create_engine(self._url, poolclass=NullPool, **self._options())
        except ImportError as error:
            raise JournalUrlError(
                f"PostgreSQL needs one more package ({error}): pip install 'tpayd[postgresql]'"
            ) from None
        event.listen(self._engine, "connect", self._prepare)

    @property
    def dialect(self) -> Dialect:
        return self._engine.dialect

    @property
    def is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    @property
    def name(self) -> str:
        """The URL as it may be shown: without its password."""
        shown = self._url.difference_update_query(["password", "sslpassword"])
        return shown.set(drivername=shown.get_backend_name()).render_as_string(hide_password=True)

    def connect(self) -> Connection:
        """Raises StorageError; at once where it failed a moment ago."""
        if self._refused is not None and time.monotonic() - self._tried_s < RECONNECT_AFTER_S:
            raise self._refused
        if self._reading and self.is_sqlite and not Path(self._url.database or "").exists():
            raise StorageError(f"there is no journal yet: {self._url.database}")
        if self.is_sqlite and not self._reading:
            self._make_private()
        try:
            connection = self._engine.connect()
        except SQLAlchemyError as error:
            kind = StorageError if self.is_sqlite else UnreachableError
            self._tried_s, self._refused = time.monotonic(), kind(reason_of(error))
            raise self._refused from error
        self._refused = None
        return connection

    def _make_private(self) -> None:
        """SQLite would let the group read a new file; the files beside it get this one's mode."""
        with contextlib.suppress(OSError):  # it is there; or SQLite says what is wrong
            os.close(os.open(self._url.database or "", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

    def begin_to_write(self, connection: Connection) -> None:
        """Keep other writers out from now on, until commit; PostgreSQL does so by locks on rows."""
        if self.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    def take_time(self, connection: Connection) -> None:
        """Let the statements of this transaction take as long as they need."""
        if not self.is_sqlite:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")

    def begin_to_read(self, connection: Connection) -> None:
        """One view of everything from now on, until commit or rollback."""
        if self.is_sqlite:
            connection.exec_driver_sql("BEGIN")

    def after_failure(self, connection: Connection) -> None:
        """Make sure of what is on disk, before it is looked at.

        After a failed sync the kernel may have dropped the pages that it could not write, and a log with a hole would
        lose all after the hole. So SQLite's log is first moved into the database file, which is synced, and emptied.
        """
        if self.is_sqlite:
            (held_up, *_) = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            connection.rollback()
            if held_up:
                raise StorageError("the journal's log cannot be taken over while somebody reads it")

    def check_durable(self, connection: Connection) -> None:
        """Raises StorageError where the server may forget what it has acknowledged."""
        if not self.is_sqlite and connection.exec_driver_sql("SHOW fsync").scalar_one() == "off":
            raise StorageError("the server runs with fsync = off: a power cut there could lose payments; switch it on")

    @staticmethod
    def is_transient(error: SQLAlchemyError) -> bool:
        """Whether the same transaction, begun again, may well succeed."""
        return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _TRANSIENT

    def close(self) -> None:
        self._engine.dispose()

    def _options(self) -> dict[str, Any]:
        if self._url.get_backend_name() == "sqlite":
            return {"connect_args": {"cached_statements": _PREPARED}}
        network = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 8000}
        given = {"connect_timeout": CONNECT_MAX_S, "application_name": "tpayd", **network}
        arguments = {name: value for name, value in given.items() if name not in self._url.query}
        # A look at the journal's end after a lost commit must see what was committed while it waited for the lock.
        isolation = "REPEATABLE READ" if self._reading else "READ COMMITTED"
        return {"connect_args": arguments, "isolation_level": isolation}

    def _prepare(self, connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            pragmas = ("busy_timeout=5000", "query_only=1") if self._reading else _DURABLE_SQLITE
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}")
            return
        connection.autocommit = True
        for statement in () if self._reading else _POSTGRESQL_SESSION:
            connection.execute(statement)
        if self._reading:
            connection.execute("SET default_transaction_read_only = on")
        elif connection.execute("SHOW synchronous_commit").fetchone()[0] == "off":
            connection.execute("SET synchronous_commit = on")
        connection.autocommit = False


def reason_of(error: SQLAlchemyError) -> str:
    """The driver's own words, without SQLAlchemy's quotation of statement and values."""
    return str(error.__cause__ or error).splitlines()[0]


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise JournalUrlError("is no database URL; write it like postgresql://user@host/database") from None
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite":
        raise JournalUrlError(f"{parsed.drivername} is not supported; a journal lies in sqlite or postgresql")
    if not parsed.database or parsed.database == ":memory:":
        raise JournalUrlError("names no file; write it like sqlite:////var/lib/tpayd/data/journal.sqlite3")
    return parsed
