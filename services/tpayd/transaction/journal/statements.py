"""The journal's hot statements: written in SQLAlchemy Core, compiled once, run by the driver itself.

Core's work per execution (types, result shapes) costs more than SQLite's own; every value here is a str, int, bool or
bytes already, which all drivers take as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Delete, Dialect, Insert, Select, Update
from sqlalchemy.engine import Connection, CursorResult

__all__ = ["Statement"]


class Statement:
    """One statement for one dialect."""

    def __init__(
        self, clause: Insert | Update | Delete | Select[Any], dialect: Dialect, *, columns: Sequence[str] | None = None
    ) -> None:
        """`columns` are an INSERT's."""
        compiled = clause.compile(dialect=dialect, column_keys=None if columns is None else list(columns))
        self._sql = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> CursorResult[Any]:
        """Run it once for all rows."""
        order = self._order
        if order is None:
            return connection.exec_driver_sql(self._sql, [dict(row) for row in rows])
        return connection.exec_driver_sql(self._sql, [tuple([row[name] for name in order]) for row in rows])

    def one(self, connection: Connection, row: Mapping[str, Any]) -> CursorResult[Any]:
        """Run it for one row, with a result."""
        order = self._order
        values = dict(row) if order is None else tuple([row[name] for name in order])
        return connection.exec_driver_sql(self._sql, values)
