"""A place for a journal, on either database, and a hand of its own in it: to look, and to do damage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.harness.postgres import PostgresServer

ENGINES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Place:
    """Where a test's journal lies."""

    engine: str
    url: str

    @classmethod
    def make(cls, engine: str, directory: Path, server: PostgresServer | None) -> Place:
        """An empty place; a file in `directory`, or a database of `server`."""
        if server is None:
            return cls(engine, f"sqlite:///{directory / 'journal.sqlite3'}")
        return cls(engine, server.database())

    @property
    def sqlalchemy_url(self) -> str:
        return self.url.replace("postgresql://", "postgresql+psycopg://")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What is committed there."""
        return self._run(query)

    def run(self, *statements: str) -> None:
        """Change it behind the journal's back."""
        for statement in statements:
            self._run(statement)

    def refuse_events(self) -> None:
        """Take no event from now on, as if the disk were full."""
        if self.engine == "sqlite":
            self.run("create trigger full before insert on events begin select raise(abort, 'disk full'); end")
            return
        self.run(
            "create function refuse() returns trigger language plpgsql as "
            "$$ begin raise exception 'disk full' using errcode = '53100'; end $$",
            'create trigger "full" before insert on events for each row execute function refuse()',
        )

    def allow_events(self) -> None:
        """Take them again."""
        self.run("drop trigger full" if self.engine == "sqlite" else 'drop trigger "full" on events')

    def _run(self, statement: str) -> list[tuple[Any, ...]]:
        engine = create_engine(self.sqlalchemy_url, poolclass=NullPool)
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []
