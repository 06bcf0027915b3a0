"""The journal's database, used from one thread through one connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import Dialect, bindparam, select, tuple_
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from tpayd.kit import crashpoints
from tpayd.transaction.journal.coding import decode_payment
from tpayd.transaction.journal.database import Database, reason_of
from tpayd.transaction.journal.day_book import KeptClose, keep_close
from tpayd.transaction.journal.entries import Ends, Entry, Rows, StanBlock, rows_of
from tpayd.transaction.journal.errors import DoubtError, StorageError
from tpayd.transaction.journal.migrating import is_outdated, upgrade
from tpayd.transaction.journal.opening import Found, check_end, read_ends, read_open, rebuild
from tpayd.transaction.journal.owning import Owner, Writership, put_about
from tpayd.transaction.journal.progress import Progress, silent
from tpayd.transaction.journal.retention import Purged, PurgePlace, Retention
from tpayd.transaction.journal.schema import chains, events, payments, stan_blocks
from tpayd.transaction.journal.statements import ChunkedInsert, Query
from tpayd.transaction.journal.stubs import purge_stub
from tpayd.transaction.payment import Payment

__all__ = ["JournalStore", "Store"]

T = TypeVar("T")

TRANSIENT_TRIES = 5
"""How often a transaction is begun again that lost against another one."""
_TRANSIENT_WAIT_S = 0.02

_CHANGING = ("last_position", "state", "open", "business_day", "stan", "record")


class _Statements:
    """What the journal runs for every payment."""

    def __init__(self, dialect: Dialect, writership: Writership) -> None:
        self.insert_events = ChunkedInsert(events, dialect)
        self.put_payments = ChunkedInsert(payments, dialect, replace=_CHANGING)
        self.put_chains = ChunkedInsert(chains, dialect, replace=("seq", "hash", "newest"))
        self.put_blocks = ChunkedInsert(stan_blocks, dialect, replace=("reserved_to",))
        self.writer = writership.query(dialect)
        of_key = payments.c.lane == bindparam("its_lane"), payments.c.request_id == bindparam("its_request_id")
        self.find = Query(select(payments.c.record).where(*of_key), dialect)


class Store(Protocol):
    """What the journal needs of whatever keeps it. Used from one thread at a time."""

    def open(self) -> Found:
        """Make it ready, and read what is open. Raises StorageError, JournalVersionError, JournalDamagedError."""
        ...

    def write(self, entries: list[Entry], blocks: list[StanBlock]) -> None:
        """Write all or nothing, durably. Raises StorageError, and DoubtError where it may have been written.

        After an error the same entries come again, first in the next call, until they are on disk. Whether the failed
        call wrote them all the same is for the store to find out: none is ever written twice.
        """
        ...

    def find(self, lane: str, request_id: str) -> Payment | None:
        """A payment by its idempotency key. Raises StorageError."""
        ...

    def keys(self, after: tuple[str, str], limit: int) -> list[tuple[str, str]]:
        """Request id and lane of the payments behind that key, in their order. Raises StorageError."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class _Doubt(Struct, frozen=True):
    """A transaction of which nobody knows whether it was committed."""

    entries: int
    ends: Ends
    """Where the journal ends if it was."""


class JournalStore:
    """Opens the database, writes batches in one transaction each, and reads payments back."""

    def __init__(self, url: str, owner: Owner | None = None) -> None:
        """`owner` is None for a file that no other instance uses. Raises JournalUrlError."""
        self._database = Database(url)
        self._writership = Writership(owner)
        self._statements = _Statements(self._database.dialect, self._writership)
        self._retention = Retention(self._database.dialect)
        self._connection: Connection | None = None
        self._ends = Ends(0, {})
        self._doubt: _Doubt | None = None
        self._written = 0
        """Of the entries that come again after an error, those that are on disk."""

    @property
    def is_file(self) -> bool:
        """Whether it lies on this machine's disk, and no server is asked."""
        return self._database.is_sqlite

    @property
    def outdated(self) -> bool:
        """Whether `open` would have an older journal to upgrade first. Raises StorageError."""
        with self._telling(), self._database.connect() as connection, connection.begin():
            return is_outdated(connection)

    def upgrade(self, progress: Progress) -> None:
        """Bring an older journal to this version, all or nothing; an exception of `progress` leaves it as it was.

        Raises StorageError, JournalVersionError, JournalOwnedError.
        """
        with self._telling(), self._database.connect() as connection, connection.begin():
            self._take_over(connection, progress)

    def open(self, *, by_force: bool = False) -> Found:
        """`by_force` takes it from another instance, which writes nothing more from then on."""
        with self._telling():
            connection = self._database.connect()
            try:
                with connection.begin():
                    self._take_over(connection, by_force=by_force)
                    self._ends = read_ends(connection)
                    check_end(connection, self._ends)
                    found = read_open(connection, self._ends)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return found

    def _take_over(self, connection: Connection, progress: Progress = silent, *, by_force: bool = False) -> None:
        """Have a journal of this version that this instance writes."""
        self._database.begin_to_write(connection)
        self._database.check_durable(connection)
        self._database.take_time(connection)
        upgrade(connection, progress)
        self._writership.take(connection, by_force=by_force)

    def write(self, entries: list[Entry], blocks: list[StanBlock]) -> None:
        with self._telling():
            try:
                self._write(entries, blocks)
            except SQLAlchemyError:
                # A commit can fail after its last byte was written. Only a look tells.
                self._drop_connection()
                self._look()
                # Reserved STANs alone leave no event by which a look could tell: they are written again.
                if not entries or self._written < len(entries):
                    raise
            self._written = 0

    def find(self, lane: str, request_id: str) -> Payment | None:
        with self._telling():
            connection = self._live()
            with connection.begin():
                row = {"its_lane": lane, "its_request_id": request_id}
                record = self._statements.find.value(connection, row)
                try:
                    return None if record is None else decode_payment(record)
                except msgspec.MsgspecError as error:
                    return rebuild(connection, lane, request_id, error)

    def purge(self, before_ms: int, place: PurgePlace | None = None) -> Purged:
        """One page of `Retention.purge_page`, in a transaction of its own. Raises StorageError."""
        return self._change(lambda connection: self._retention.purge_page(connection, before_ms, place))

    def purge_stub(self, lane: str, request_id: str) -> Payment | None:
        """See `stubs.purge_stub`; in a transaction of its own. Raises StorageError."""
        return self._change(lambda connection: purge_stub(connection, lane, request_id))

    def keys(self, after: tuple[str, str], limit: int) -> list[tuple[str, str]]:
        key = payments.c.request_id, payments.c.lane
        page = select(*key).where(tuple_(*key) > tuple_(*after)).order_by(*key).limit(limit)
        with self._telling():
            connection = self._live()
            with connection.begin():
                return [(row.request_id, row.lane) for row in connection.execute(page)]

    def note(self, name: str, value: str) -> None:
        """Something that the journal knows of itself. Raises StorageError."""
        self._change(lambda connection: put_about(connection, name, value))

    @property
    def ends(self) -> Ends:
        """Where it ends, as far as this store knows."""
        return self._ends

    def keep_close(self, profile: str, business_day: str, at_ms: int, report: Callable[[int], bytes]) -> KeptClose:
        """See `day_book.keep_close`; in a transaction of its own. Raises StorageError."""
        return self._change(lambda connection: keep_close(connection, profile, business_day, at_ms, report))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._database.close()

    # Writing

    def _write(self, entries: list[Entry], blocks: list[StanBlock]) -> None:
        connection = self._look()
        rest = entries[self._written :]
        rows = rows_of(rest, self._ends)
        doubt = _Doubt(len(rest), rows.ends)
        for attempt in range(1, TRANSIENT_TRIES + 1):
            try:
                self._insert(connection, rows, blocks, doubt)
                break
            except SQLAlchemyError as error:
                if attempt == TRANSIENT_TRIES or not self._database.is_transient(error):
                    raise
                self._doubt = None
                time.sleep(_TRANSIENT_WAIT_S * attempt)
        self._doubt = None
        self._ends = rows.ends

    def _insert(self, connection: Connection, rows: Rows, blocks: list[StanBlock], doubt: _Doubt) -> None:
        with connection.begin():
            self._statements.insert_events.run(connection, rows.events)
            self._statements.put_payments.run(connection, rows.payments)
            self._statements.put_chains.run(connection, rows.chains)
            self._statements.put_blocks.run(connection, [astuple(block) for block in blocks])
            self._writership.check(connection, self._statements.writer)
            crashpoints.passing("journal.before_commit")
            # What fails before is certainly not there.
            self._doubt = doubt

    def _change(self, act: Callable[[Connection], T]) -> T:
        """A change of what is there already, in a transaction of its own."""
        with self._telling():
            connection = self._live()
            with connection.begin():
                self._database.begin_to_write(connection)
                result = act(connection)
                self._writership.check(connection, self._statements.writer)
        return result

    # Connections

    def _live(self) -> Connection:
        """The connection, made anew if need be; what became of a lost commit is known then."""
        if self._connection is None:
            connection = self._database.connect()
            try:
                self._database.after_failure(connection)
                with connection.begin():
                    # Waits for the lock of a commit that is still under way in the server.
                    self._writership.check(connection, self._statements.writer)
                    ends = read_ends(connection)
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
            self._resolve(ends)
            self._connection = connection
        return self._connection

    def _look(self) -> Connection:
        """The same for who writes. Raises DoubtError while nobody knows what became of the last transaction."""
        try:
            return self._live()
        except (SQLAlchemyError, StorageError) as error:
            if self._doubt is None:
                raise
            raise DoubtError(reason_of(error) if isinstance(error, SQLAlchemyError) else str(error)) from error

    def _resolve(self, ends: Ends) -> None:
        if self._doubt is not None and ends == self._doubt.ends:
            self._written += self._doubt.entries
        elif ends != self._ends:
            raise StorageError("the journal ends where this process has not written; see `tpayd journal verify`")
        self._doubt = None
        self._ends = ends

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say in one sentence what the database said in many; after that no connection is trusted."""
        try:
            yield
        except SQLAlchemyError as error:
            self._drop_connection()
            raise StorageError(reason_of(error)) from error
