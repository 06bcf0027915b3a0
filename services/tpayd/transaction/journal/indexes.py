"""The journal's indexes, and `metadata` with them.

Apart from the tables: a condition for PostgreSQL makes SQLAlchemy load that dialect, a tenth of what transaction would
import at its start, and only who makes or compares tables has to know of indexes.
"""

from __future__ import annotations

from sqlalchemy import Index

from tpayd.transaction.journal.schema import metadata, payments

__all__ = ["metadata", "payments_day", "payments_open"]

payments_day = Index(
    "payments_day", payments.c.business_day, sqlite_where=payments.c.business_day.is_not(None),
    postgresql_where=payments.c.business_day.is_not(None),
)  # fmt: skip
"""All payments of a commit are of one day, and rows grow at the end: one page more, whatever the number of lanes."""
payments_open = Index("payments_open", payments.c.open, sqlite_where=payments.c.open, postgresql_where=payments.c.open)
"""What a starting process has to look at."""
