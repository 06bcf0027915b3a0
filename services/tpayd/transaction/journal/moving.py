"""Moves a journal to another database: all of it or nothing, checked there before anybody relies on it.

The copy, its verification and its commit are one transaction of the target. Then the old journal is marked as moved,
so that a daemon with a forgotten setting refuses it instead of writing a second truth. Whatever interrupts the move,
it can be begun again: an unfinished copy is not there, and a finished one is recognized.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from tpayd.transaction.journal.copying import TABLES, copy_tables
from tpayd.transaction.journal.database import Database, reason_of
from tpayd.transaction.journal.entries import Ends
from tpayd.transaction.journal.errors import JournalDamagedError, StorageError
from tpayd.transaction.journal.migrating import upgrade
from tpayd.transaction.journal.opening import read_ends
from tpayd.transaction.journal.owning import Writership, is_moved, moved_to
from tpayd.transaction.journal.place import JournalPlace
from tpayd.transaction.journal.progress import Progress
from tpayd.transaction.journal.schema import events
from tpayd.transaction.journal.verifying import Verified, audit, in_transaction

__all__ = ["TargetInUseError", "move"]


class TargetInUseError(StorageError):
    """There is another journal at the target."""


def move(source: JournalPlace, target: JournalPlace, progress: Progress) -> Verified:
    """Copy, verify, commit, and close the old journal. The daemon must not run.

    Raises StorageError, JournalOwnedError, JournalVersionError, JournalUrlError, TargetInUseError, and
    JournalDamagedError where the journal that is to be moved does not verify.
    """
    with _connected(source) as (old_database, old), _connected(target) as (new_database, new):
        with old.begin():
            old_database.begin_to_write(old)
            upgrade(old, progress)
            Writership(source.owner).take(old)
        with old.begin():
            ends = read_ends(old)
        with new.begin():
            new_database.begin_to_write(new)
            new_database.check_durable(new)
            new_database.take_time(new)
            upgrade(new)
            there = read_ends(new)
            if there != ends or not ends.position:
                _make_room(old, new, there, ends)
                Writership(target.owner).take(new, by_force=True)
                copy_tables(lambda query: _rows(old, query), new, progress)
            found = audit(in_transaction(new), progress)
            if not found.intact:
                first = found.findings[0]
                raise JournalDamagedError(
                    f"the journal is damaged at event {first.position}: {first.what}; nothing was moved, "
                    "and `tpayd journal verify` says more"
                )
        with old.begin():
            old_database.begin_to_write(old)
            moved_to(old, new_database.name)
    return found


@contextmanager
def _connected(place: JournalPlace) -> Iterator[tuple[Database, Connection]]:
    with closing(Database(place.url)) as database, closing(database.connect()) as connection:
        try:
            yield database, connection
        except SQLAlchemyError as error:
            raise StorageError(reason_of(error)) from error


def _make_room(old: Connection, new: Connection, there: Ends, ends: Ends) -> None:
    """Empty the target. Raises TargetInUseError, unless it is where this journal once was moved away from."""
    if not there.position:
        return
    in_use = TargetInUseError(f"there is another journal already, with {there.position} events: name an empty place")
    if not is_moved(new):
        raise in_use
    its_last: Select[Any] = select(events.c.lane, events.c.hash).where(events.c.position == there.position)
    if new.execute(its_last).all() != _rows(old, its_last):
        raise in_use
    for table, _ in TABLES:
        new.execute(delete(table))


def _rows(connection: Connection, query: Select[Any]) -> Sequence[Row[Any]]:
    with connection.begin():
        return connection.execute(query).all()
