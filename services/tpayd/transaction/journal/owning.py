"""One writer at a time.

A journal belongs to one instance: another one is refused until `tpayd journal claim`. Within an instance, each process
that opens the journal becomes its writer, and every transaction looks, as its last statement, whether it still is: so a
process that was believed dead can write nothing more. The look locks the row until the commit. Whoever opens the
journal, or looks for what became of a commit that got lost, locks it too, and thereby waits for a commit that a dead
process or a lost connection left behind in the server. That needs row locks only, which every database has.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from sqlalchemy import Dialect, Row, Select, bindparam, delete, insert, select, update
from sqlalchemy.engine import Connection

from tpayd.transaction.journal.errors import JournalOwnedError
from tpayd.transaction.journal.schema import about
from tpayd.transaction.journal.statements import Query

__all__ = ["RESTORED", "Owner", "Writership", "carried_over", "is_moved", "moved_to", "put_about", "read_about"]

_OWNER, _OWNER_PLACE, _WRITER, _MOVED_TO = "owner", "owner_place", "writer", "moved_to"
RESTORED = "restored"
"""That the journal was restored from a backup, see `restoring`."""
_CARRIED_OVER = (RESTORED,)
"""What is true of a journal wherever it lies."""


class Owner(Struct, frozen=True):
    """An instance: an id that it keeps, and where it is, for people."""

    id: str
    place: str


@dataclass(frozen=True)
class Writership:
    """One process's right to write. `owner` is None for a journal that nobody else can reach."""

    owner: Owner | None
    token: str = field(default_factory=lambda: str(uuid.uuid4()))

    def take(self, connection: Connection, *, by_force: bool = False) -> None:
        """Become the writer. Raises JournalOwnedError."""
        lock_about(connection)
        destination = read_about(connection, _MOVED_TO)
        if destination is not None and not by_force:
            raise JournalOwnedError(
                f"the journal was moved to {destination}: set journal_url in config/transaction.toml to that place, "
                "or take this one back with `tpayd journal claim`"
            )
        owner_id = read_about(connection, _OWNER)
        if self.owner is not None and owner_id not in (None, self.owner.id) and not by_force:
            place = read_about(connection, _OWNER_PLACE)
            raise JournalOwnedError(
                f"the journal belongs to the instance in {place}; if that one will never run again, "
                "take it over with `tpayd journal claim`"
            )
        if self.owner is not None:
            put_about(connection, _OWNER, self.owner.id)
            put_about(connection, _OWNER_PLACE, self.owner.place)
        if by_force:
            connection.execute(delete(about).where(about.c.name == _MOVED_TO))
        put_about(connection, _WRITER, self.token)

    def query(self, dialect: Dialect) -> Query:
        """The look whether one still is the writer; see `holds`."""
        clause = select(about.c.value).where(about.c.name == bindparam("its_name")).with_for_update()
        return Query(clause, dialect)

    def check(self, connection: Connection, query: Query) -> None:
        """Raises JournalOwnedError where another process has become the writer."""
        if query.value(connection, {"its_name": _WRITER}) != self.token:
            raise JournalOwnedError("another process has taken the journal over; this one writes nothing more")


def moved_to(connection: Connection, destination: str) -> None:
    """Note in a journal that it goes on elsewhere."""
    put_about(connection, _MOVED_TO, destination)


def is_moved(connection: Connection) -> bool:
    """Whether the journal goes on elsewhere."""
    return read_about(connection, _MOVED_TO) is not None


def carried_over(read: Callable[[Select[Any]], Sequence[Row[Any]]], new: Connection) -> None:
    """Take along, to another database, what the journal knows of itself and not of where it is."""
    for row in read(select(about).where(about.c.name.in_(_CARRIED_OVER))):
        put_about(new, row.name, row.value)


def lock_about(connection: Connection) -> None:
    """Wait for whoever writes, and keep others out until the end of the transaction."""
    connection.execute(select(about.c.name).where(about.c.name.in_((_OWNER, _WRITER))).with_for_update()).all()


def read_about(connection: Connection, name: str) -> str | None:
    """One of the facts that the journal knows of itself."""
    value: str | None = connection.execute(select(about.c.value).where(about.c.name == name)).scalar_one_or_none()
    return value


def put_about(connection: Connection, name: str, value: str) -> None:
    """Write one of them down."""
    changed = connection.execute(update(about).where(about.c.name == name).values(value=value[:128]))
    if not changed.rowcount:
        connection.execute(insert(about), [{"name": name, "value": value[:128]}])
