"""The journal's hot statements: written in SQLAlchemy Core, compiled once, run by the driver itself.

Core's work per execution (types, result shapes) costs more than SQLite's own; every value here is a str, int, bool or
bytes already, which all drivers take as they are. And rows go in together: Python's sqlite3 gives up the interpreter's
lock and fights for it again with every step, which at a row a step costs more than the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Select, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

__all__ = ["ChunkedInsert", "Query"]

_ROWS_MAX = 20
"""Rows per statement at most. Below it each number has a statement of its own, so that a usual batch is one for each
table; and drivers find each among their prepared statements, of which Python's sqlite3 keeps 128."""

Row = Mapping[str, Any]


class Query:
    """A SELECT of one column of one row at most, for one dialect."""

    def __init__(self, clause: Select[Any], dialect: Dialect) -> None:
        compiled = clause.compile(dialect=dialect)
        self._driver = _Driver(dialect)
        self._sql = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup

    def value(self, connection: Connection, row: Row) -> Any:
        """The column of the first row, or None without one. Raises DBAPIError."""
        values = dict(row) if self._order is None else tuple([row[name] for name in self._order])
        found = self._driver.run(connection, self._sql, values, fetch=True)
        return None if found is None else found[0]


class ChunkedInsert:
    """Inserts rows of a table; with `replace`, a row whose key exists gets these columns' new values instead."""

    def __init__(self, table: Table, dialect: Dialect, *, replace: Sequence[str] = ()) -> None:
        self._table = table
        self._dialect = dialect
        self._replace = replace
        self._by_size: dict[int, _Chunk] = {}

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Insert all rows, in their order. Raises DBAPIError."""
        for at in range(0, len(rows), _ROWS_MAX):
            chunk = rows[at : at + _ROWS_MAX]
            self._chunk(len(chunk)).run(connection, chunk)

    def _chunk(self, size: int) -> _Chunk:
        chunk = self._by_size.get(size)
        if chunk is None:
            chunk = self._by_size[size] = _Chunk(self._table, self._dialect, size, self._replace)
        return chunk


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
        self._driver = _Driver(dialect)
        self._sql = str(compiled)
        self._places = places
        self._order = None if compiled.positiontup is None else [places[name] for name in compiled.positiontup]

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        if self._order is None:
            named = {name: rows[at][of] for name, (at, of) in self._places.items()}
            self._driver.run(connection, self._sql, named)
        else:
            self._driver.run(connection, self._sql, tuple([rows[at][of] for at, of in self._order]))


class _Driver:
    """Runs a statement inside SQLAlchemy's transaction, past its bookkeeping of results, which nobody looks at."""

    def __init__(self, dialect: Dialect) -> None:
        self._fault: type[Exception] = dialect.loaded_dbapi.Error
        self._dialect = dialect

    def run(self, connection: Connection, sql: str, values: Any, *, fetch: bool = False) -> Any:
        """The first row if it is to be fetched. Raises DBAPIError, as SQLAlchemy itself would."""
        cursor = connection.connection.cursor()
        try:
            cursor.execute(sql, values)
            return cursor.fetchone() if fetch else None
        except self._fault as error:
            raise DBAPIError.instance(
                sql, None, error, self._fault, hide_parameters=True, dialect=self._dialect
            ) from error
        finally:
            cursor.close()
