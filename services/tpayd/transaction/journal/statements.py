"""The journal's hot statements: written in SQLAlchemy Core, compiled once, run by the driver itself.

Core's work per execution (types, result shapes) costs more than SQLite's own; every value here is a str, int, bool or
bytes already, which all drivers take as they are. And rows go in by chunks: Python's sqlite3 gives up the interpreter's
lock and fights for it again with every step, which at a row a step costs more than the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Select, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, CursorResult

__all__ = ["ChunkedInsert", "Query"]

_CHUNKS = (32, 16, 8, 4, 2, 1)
"""Rows per statement. Few sizes, so that drivers find each among their prepared statements."""

Row = Mapping[str, Any]


class Query:
    """A SELECT for one dialect."""

    def __init__(self, clause: Select[Any], dialect: Dialect) -> None:
        compiled = clause.compile(dialect=dialect)
        self._sql = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup

    def run(self, connection: Connection, row: Row) -> CursorResult[Any]:
        values = dict(row) if self._order is None else tuple([row[name] for name in self._order])
        return connection.exec_driver_sql(self._sql, values)


class ChunkedInsert:
    """Inserts rows of a table; with `replace`, a row whose key exists gets these columns' new values instead."""

    def __init__(self, table: Table, dialect: Dialect, *, replace: Sequence[str] = ()) -> None:
        self._by_size = {size: _Chunk(table, dialect, size, replace) for size in _CHUNKS}

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Insert all rows, in their order."""
        at = 0
        for size in _CHUNKS:
            while len(rows) - at >= size:
                self._by_size[size].run(connection, rows[at : at + size])
                at += size


class _Chunk:
    """So many rows in one statement."""

    def __init__(self, table: Table, dialect: Dialect, size: int, replace: Sequence[str]) -> None:
        # Both databases know ON CONFLICT in the same words; SQLAlchemy has it in each dialect's own `insert`.
        insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        places = {f"{column.name}_{row}": (row, column.name) for row in range(size) for column in table.c}
        names = [[f"{column.name}_{row}" for column in table.c] for row in range(size)]
        clause = insert(table).values(
            [{column.name: bindparam(name) for column, name in zip(table.c, row, strict=True)} for row in names]
        )
        if replace:
            keys = list(table.primary_key)
            clause = clause.on_conflict_do_update(
                index_elements=keys, set_={name: clause.excluded[name] for name in replace}
            )
        compiled = clause.compile(dialect=dialect)
        self._sql = str(compiled)
        self._places = places
        self._order = None if compiled.positiontup is None else [places[name] for name in compiled.positiontup]

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        if self._order is None:
            connection.exec_driver_sql(self._sql, {name: rows[at][of] for name, (at, of) in self._places.items()})
        else:
            connection.exec_driver_sql(self._sql, tuple([rows[at][of] for at, of in self._order]))
