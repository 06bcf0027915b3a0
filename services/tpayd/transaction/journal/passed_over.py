"""How far a journal is purged, and what had to stay.

A row of `about` for each that stays, so that one payment which waits for a person for a year does not have the whole
year looked at with each purge.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection

from tpayd.transaction.journal.owning import put_about, read_about
from tpayd.transaction.journal.schema import about

__all__ = ["PASSED_OVER_MAX", "forget", "note", "passed_over", "purged_to"]

PASSED_OVER_MAX = 1_000
"""Noted at most; with more, each purge begins with the first that could not be noted."""

_DONE_TO = "purged_to"
_PREFIX = "passed_over_"


def purged_to(connection: Connection) -> int:
    """The position up to which all is purged, but for what is noted."""
    return int(read_about(connection, _DONE_TO) or 0)


def passed_over(connection: Connection) -> tuple[int, ...]:
    """Where the payments begin that had to stay."""
    names = connection.execute(select(about.c.name).where(about.c.name.startswith(_PREFIX, autoescape=True))).scalars()
    return tuple(sorted(int(name.removeprefix(_PREFIX)) for name in names))


def note(connection: Connection, start: int, end: int, left: Sequence[int]) -> None:
    """All from `start` to `end` is purged, but for the payments that begin at these positions."""
    if start > purged_to(connection) + 1:
        return
    if left:
        room = PASSED_OVER_MAX - len(passed_over(connection))
        if room < len(left):
            left, end = left[:room], left[room] - 1
        if left:
            connection.execute(insert(about), [{"name": f"{_PREFIX}{position}", "value": ""} for position in left])
    if end >= start:
        put_about(connection, _DONE_TO, str(end))


def forget(connection: Connection, positions: Sequence[int]) -> None:
    """These are purged."""
    if positions:
        connection.execute(delete(about).where(about.c.name.in_([f"{_PREFIX}{position}" for position in positions])))
