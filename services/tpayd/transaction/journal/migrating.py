"""Brings a journal's tables to this version, in one transaction with whatever else its opening does.

Alembic runs the migrations in `migrations/versions`; the first is the schema of tpayd 0.1. A journal that is up to date
is recognized without it. There is no way back: an older daemon must not write what a newer one has to read.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from tpayd.transaction.journal.errors import JournalVersionError
from tpayd.transaction.journal.progress import Progress, silent
from tpayd.transaction.journal.schema import SCHEMA_VERSION, VERSION_TABLE, payments

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["alembic_config", "check_version", "is_outdated", "upgrade", "version_of"]


def version_of(connection: Connection) -> str | None:
    """The schema that the journal has; None for none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608
    return version


def is_outdated(connection: Connection) -> bool:
    """Whether there is a journal, of another version: to bring it to this one may take minutes."""
    return inspect(connection).has_table(payments.name) and version_of(connection) != SCHEMA_VERSION


def upgrade(connection: Connection, progress: Progress = silent) -> None:
    """Bring the tables to SCHEMA_VERSION, within the caller's transaction. Raises JournalVersionError."""
    version = version_of(connection)
    if version == SCHEMA_VERSION:
        return
    from alembic import command  # noqa: PLC0415  a quarter of a second, and seldom needed
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = alembic_config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise _other(version)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config.attributes["connection"] = connection
    config.attributes["progress"] = progress
    command.upgrade(config, "head")


def check_version(connection: Connection) -> None:
    """For those who only read. Raises JournalVersionError unless the tables are those of this version."""
    version = version_of(connection)
    if version is None:
        raise JournalVersionError("there is no journal yet; the daemon's first start makes it")
    if version != SCHEMA_VERSION:
        raise _other(version)


def alembic_config() -> Config:
    """Alembic's settings for the journal's migrations."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _other(version: str) -> JournalVersionError:
    return JournalVersionError(
        f"the journal has schema {version}, this version of tpayd uses {SCHEMA_VERSION}: an older schema is upgraded "
        "when the daemon starts; for a newer one install the version of tpayd that wrote it"
    )
