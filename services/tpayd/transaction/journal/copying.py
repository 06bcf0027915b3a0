"""Copies a journal row by row from one database to another, a page at a time.

The rows are what is portable about a journal: the same on SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Row, Select, Table, func, insert, select, tuple_
from sqlalchemy.engine import Connection

from tpayd.transaction.journal.owning import carried_over
from tpayd.transaction.journal.progress import Progress
from tpayd.transaction.journal.schema import chains, closes, events, payments, stan_blocks

__all__ = ["TABLES", "Rows", "copy_tables"]

PAGE = 1_000
"""Rows copied at once."""

TABLES: tuple[tuple[Table, tuple[Any, ...]], ...] = (
    (events, (events.c.position,)),
    (payments, (payments.c.request_id, payments.c.lane)),
    (chains, (chains.c.lane,)),
    (stan_blocks, (stan_blocks.c.profile, stan_blocks.c.terminal_id)),
    (closes, (closes.c.profile, closes.c.business_day, closes.c.number)),
)
"""All that a journal holds, and in which order each table is read. `about` says whose journal it is, and stays."""

Rows = Callable[[Select[Any]], Sequence[Row[Any]]]
"""Runs a query against the source; whose transaction it runs in is the caller's."""


def copy_tables(read: Rows, new: Connection, progress: Progress) -> None:
    """Copy all of it, within the target's transaction."""
    for table, key in TABLES:
        _copy(read, new, table, key, progress)
    carried_over(read, new)


def _copy(read: Rows, new: Connection, table: Table, key: Sequence[Any], progress: Progress) -> None:
    total = read(select(func.count()).select_from(table))[0][0]
    done, page = 0, select(table).order_by(*key).limit(PAGE)
    query = page
    while True:
        rows = read(query)
        if rows:
            new.execute(insert(table), [row._asdict() for row in rows])
            last = [getattr(rows[-1], column.name) for column in key]
            query = page.where(tuple_(*key) > last if len(key) > 1 else key[0] > last[0])
        done += len(rows)
        progress(f"copying {table.name}", done, total)
        if len(rows) < PAGE:
            return
