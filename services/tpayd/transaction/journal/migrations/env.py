"""Alembic's entry: runs on the connection, and in the transaction, of whoever opens the journal."""

from __future__ import annotations

from alembic import context

from tpayd.transaction.journal.indexes import metadata
from tpayd.transaction.journal.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
