"""A business day's payments are found by an index, and the reports of its closes are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Every journal has run this once: never change it after a release."""
    has_day = sa.text("business_day IS NOT NULL")
    op.create_index("payments_day", "payments", ["business_day"], sqlite_where=has_day, postgresql_where=has_day)
    op.create_table(
        "closes",
        sa.Column("profile", sa.String(16), primary_key=True),
        sa.Column("business_day", sa.String(8), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("report", sa.LargeBinary, nullable=False),
    )
