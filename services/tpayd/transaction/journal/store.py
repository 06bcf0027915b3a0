"""The journal's database, used from one thread through one connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import msgspec
from sqlalchemy import Dialect, Engine, bindparam, create_engine, event, func, insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from tpayd.kit import crashpoints
from tpayd.transaction.journal.chain import Link
from tpayd.transaction.journal.entries import OPEN_STATES, Ends, Entry, Rows, StanBlock, decode_payment, rows_of
from tpayd.transaction.journal.errors import JournalVersionError, StorageError
from tpayd.transaction.journal.schema import SCHEMA_VERSION, about, chains, events, metadata, payments, stan_blocks
from tpayd.transaction.journal.statements import ChunkedInsert, Query
from tpayd.transaction.payment import Payment

__all__ = ["Found", "JournalStore", "Store"]

_CHANGING = ("last_position", "state", "open", "business_day", "stan", "record")


class _Statements:
    """What the journal runs for every payment."""

    def __init__(self, dialect: Dialect) -> None:
        self.insert_events = ChunkedInsert(events, dialect)
        self.put_payments = ChunkedInsert(payments, dialect, replace=_CHANGING)
        self.put_chains = ChunkedInsert(chains, dialect, replace=("seq", "hash", "newest"))
        self.put_blocks = ChunkedInsert(stan_blocks, dialect, replace=("reserved_to",))
        self.find = Query(
            select(payments.c.record).where(
                payments.c.lane == bindparam("its_lane"), payments.c.request_id == bindparam("its_request_id")
            ),
            dialect,
        )


@dataclass(frozen=True)
class Found:
    """What a starting process finds."""

    open: tuple[Payment, ...]
    stan_blocks: dict[tuple[str, str], int]
    """(profile, terminal id) → last reserved STAN."""
    unacknowledged: tuple[Payment, ...] = ()
    """Paid, and the POS has not acknowledged it."""
    newest: dict[str, str] = field(default_factory=dict)
    """Lane → request id of the payment that it began last."""


class Store(Protocol):
    """What the journal needs of whatever keeps it. Used from one thread at a time."""

    def open(self) -> Found:
        """Make it ready, and read what is open. Raises StorageError, JournalVersionError."""
        ...

    def write(self, entries: list[Entry], blocks: list[StanBlock]) -> None:
        """Write all or nothing, durably. Raises StorageError; nothing of it is then there, now or later."""
        ...

    def find(self, lane: str, request_id: str) -> Payment | None:
        """A payment by its idempotency key. Raises StorageError."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class JournalStore:
    """Opens the database, writes batches in one transaction each, and reads payments back."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._statements = _Statements(self._engine.dialect)
        self._connection: Connection | None = None
        self._ends = Ends(0, {})

    def open(self) -> Found:
        """Create the tables if need be, and read what is open. Raises JournalVersionError, StorageError."""
        with _told():
            return self._open()

    def _open(self) -> Found:
        metadata.create_all(self._engine)
        self._connection = self._engine.connect()
        with self._connection.begin():
            self._check_version(self._connection)
            self._ends = self._read_ends(self._connection)
            records = self._connection.execute(select(payments.c.record).where(payments.c.open)).scalars().all()
            blocks = self._connection.execute(select(stan_blocks)).all()
        kept = [decode_payment(record) for record in records]
        return Found(
            tuple(payment for payment in kept if payment.state in OPEN_STATES),
            {(block.profile, block.terminal_id): block.reserved_to for block in blocks},
            tuple(payment for payment in kept if payment.state not in OPEN_STATES),
            dict(self._ends.newest),
        )

    def write(self, entries: list[Entry], blocks: list[StanBlock]) -> None:
        with _told():
            self._write(entries, blocks)

    def _write(self, entries: list[Entry], blocks: list[StanBlock]) -> None:
        if self._connection is None:
            self._recover()
        rows = rows_of(entries, self._ends)
        try:
            self._insert(self._live(), rows, blocks)
        except SQLAlchemyError:
            self._drop_connection()
            # A commit can fail after its last byte was written. Only a look tells.
            if not rows.events or self._recover() != rows.ends:
                raise
        self._ends = rows.ends

    def find(self, lane: str, request_id: str) -> Payment | None:
        with _told():
            connection = self._live()
            with connection.begin():
                row = {"its_lane": lane, "its_request_id": request_id}
                record = self._statements.find.run(connection, row).scalar_one_or_none()
            return None if record is None else decode_payment(record)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    def _live(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _insert(self, connection: Connection, rows: Rows, blocks: list[StanBlock]) -> None:
        with connection.begin():
            self._statements.insert_events.run(connection, rows.events)
            self._statements.put_payments.run(connection, rows.payments)
            self._statements.put_chains.run(connection, rows.chains)
            self._statements.put_blocks.run(connection, [asdict(block) for block in blocks])
            crashpoints.passing("journal.before_commit")

    def _recover(self) -> Ends:
        """Connect anew and read the ends of the chains.

        After a failed sync the kernel may have dropped the pages that it could not write, and a log with a hole would
        lose all after the hole. So SQLite's log is first moved into the database file, which is synced, and emptied.
        """
        connection = self._live()
        if self._engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.rollback()
        with connection.begin():
            self._ends = self._read_ends(connection)
        return self._ends

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    @staticmethod
    def _check_version(connection: Connection) -> None:
        row = connection.execute(select(about.c.value).where(about.c.name == "schema_version")).scalar_one_or_none()
        if row is None:
            connection.execute(insert(about), [{"name": "schema_version", "value": str(SCHEMA_VERSION)}])
        elif row != str(SCHEMA_VERSION):
            raise JournalVersionError(
                f"the journal has schema {row}, this version of tpayd uses {SCHEMA_VERSION}: "
                "install the version that wrote it, or move the journal away after close of business"
            )

    @staticmethod
    def _read_ends(connection: Connection) -> Ends:
        position = connection.execute(select(func.max(events.c.position))).scalar_one()
        rows = connection.execute(select(chains)).all()
        return Ends(
            position or 0,
            {row.lane: Link(row.seq, row.hash) for row in rows},
            {row.lane: row.newest for row in rows if row.newest is not None},
        )


@contextmanager
def _told() -> Iterator[None]:
    """Say in one sentence what the database or a record said in many."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StorageError(_reason(error)) from error
    except msgspec.MsgspecError as error:
        raise StorageError(f"the payment's record is damaged: {error}") from error


def _reason(error: SQLAlchemyError) -> str:
    """The driver's own words, without SQLAlchemy's quotation of statement and values."""
    return str(error.__cause__ or error).splitlines()[0]


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable_sqlite)
    return engine


def _durable_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    """FULL is what survives a power cut: NORMAL lost acknowledged rows in tests with copied disk images."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "wal_autocheckpoint=2000"):
        connection.execute(f"PRAGMA {pragma}")
