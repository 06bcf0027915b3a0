"""The journal's hot statements: written in SQLAlchemy Core, compiled once, run by the driver itself.

Core's work per execution (types, result shapes) costs more than SQLite's own; every value here is a str, int, bool or
bytes already, which all drivers take as they are. And rows go in together: Python's sqlite3 gives up the interpreter's
lock and fights for it again with every step, which at a row a step costs more than the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import chain
from typing import Any

from sqlalchemy import Boolean, ClauseElement, Dialect, LargeBinary, Select, Table, bindparam
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["ChunkedInsert", "Query"]

_ROWS_MAX = 64
"""Rows per statement at most. Below it each number has a statement of its own, so that a usual batch is one for each
table; `database` has the driver keep as many prepared ones."""

Row = Sequence[Any]
"""Values in the order of the table's columns."""


_QUICK_ON_SQLITE: dict[type[Any], Callable[[Any], Any]] = {LargeBinary: bytearray, Boolean: int}
"""What a value of such a column is bound as. Python's sqlite3 looks for an adapter of each value that is not exactly an
int, float, str or bytearray: half a microsecond for each bytes or bool, a quarter of what a row of events costs."""

_VALUES = " VALUES "
_CONFLICT = " ON CONFLICT "


class Query:
    """A SELECT of one column of one row at most, for one dialect."""

    def __init__(self, clause: Select[Any], dialect: Dialect) -> None:
        self._driver = _Driver(dialect)
        self._sql, self._order = _compiled(clause, dialect)

    def value(self, connection: Connection, row: Mapping[str, Any]) -> Any:
        """The column of the first row, or None without one. Raises DBAPIError."""
        found = self._driver.run(connection, self._sql, [row[name] for name in self._order], fetch=True)
        return None if found is None else found[0]


class ChunkedInsert:
    """Inserts rows of a table; with `replace`, a row whose key exists gets these columns' new values instead.

    Binary and truth values are never None here: a payload is purged later.
    """

    def __init__(self, table: Table, dialect: Dialect, *, replace: Sequence[str] = ()) -> None:
        # Both databases know ON CONFLICT in the same words; SQLAlchemy has it in each dialect's own `insert`. The other
        # dialect is not imported: PostgreSQL's takes a tenth of this process's start.
        insert = import_module(f"sqlalchemy.dialects.{dialect.name}").insert
        clause = insert(table).values({column.name: bindparam(column.name) for column in table.c})
        if replace:
            keys = list(table.primary_key)
            clause = clause.on_conflict_do_update(
                index_elements=keys, set_={name: clause.excluded[name] for name in replace}
            )
        sql, order = _compiled(clause, dialect)
        assert list(order) == table.c.keys()  # noqa: S101
        self._driver = _Driver(dialect)
        self._start, _, rest = sql.partition(_VALUES)
        self._row, self._conflict, self._end = rest.partition(_CONFLICT)
        self._by_size: dict[int, str] = {}
        self._width = len(table.c)
        self._converted = [
            (place, quick)
            for place, column in enumerate(table.c)
            for kind, quick in _QUICK_ON_SQLITE.items()
            if dialect.name == "sqlite" and isinstance(column.type, kind)
        ]

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Insert all rows, in their order. Raises DBAPIError."""
        for at in range(0, len(rows), _ROWS_MAX):
            chunk = rows[at : at + _ROWS_MAX]
            values = list(chain.from_iterable(chunk))
            for place, quick in self._converted:
                values[place :: self._width] = map(quick, values[place :: self._width])
            self._driver.run(connection, self._sql(len(chunk)), values)

    def _sql(self, size: int) -> str:
        """For so many rows. Put together here: to have SQLAlchemy compile each size takes it milliseconds."""
        sql = self._by_size.get(size)
        if sql is None:
            values = ", ".join([self._row] * size)
            sql = self._by_size[size] = f"{self._start}{_VALUES}{values}{self._conflict}{self._end}"
        return sql


def _compiled(clause: ClauseElement, dialect: Dialect) -> tuple[str, Sequence[str]]:
    """The statement with places for its values, and the names of the values in their order."""
    kind: Callable[..., Dialect] = type(dialect)
    places = kind(paramstyle="qmark" if dialect.name == "sqlite" else "format")
    compiled = clause.compile(dialect=places)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101
    return str(compiled), compiled.positiontup or ()


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
