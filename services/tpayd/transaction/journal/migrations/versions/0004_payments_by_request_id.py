"""Payments are kept in the order of their request ids, and within one of lanes: see docs/adr/0035."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0004"
down_revision = "0003"

_KEY = "request_id", "lane"
_COLUMNS = (
    "lane, request_id, payment_id, first_position, last_position, state, open, profile, terminal_id, business_day, "
    "stan, amount_minor, created_ms, record"
)
_PAGE = 10_000
"""Rows moved by one statement: what it would take back on an error is kept in memory."""


def upgrade() -> None:
    """Every journal has run this once: never change it after a release."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("payments_pkey", "payments")
        op.create_primary_key("payments_pkey", "payments", list(_KEY))
        return
    # SQLite cannot give a table another key: its rows are moved into a new one.
    op.drop_index("payments_open")
    op.drop_index("payments_day")
    op.rename_table("payments", "payments_before")
    op.create_table(
        "payments",
        sa.Column("lane", sa.String(16), nullable=False),
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("payment_id", sa.String(36), nullable=False),
        sa.Column("first_position", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("profile", sa.String(16), nullable=False),
        sa.Column("terminal_id", sa.String(8), nullable=False),
        sa.Column("business_day", sa.String(8), nullable=True),
        sa.Column("stan", sa.String(6), nullable=True),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("record", sa.LargeBinary, nullable=False),
        sa.Column("last_position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(*_KEY),
    )
    _move()
    op.drop_table("payments_before")
    is_open, has_day = sa.text("open"), sa.text("business_day IS NOT NULL")
    op.create_index("payments_open", "payments", ["open"], sqlite_where=is_open)
    op.create_index("payments_day", "payments", ["business_day"], sqlite_where=has_day)


def _move() -> None:
    """In the order in which they lie, and each page deleted at once: so the file does not grow by a second copy."""
    progress = context.config.attributes.get("progress")
    connection = op.get_bind()
    first, last = connection.execute(sa.text("SELECT min(rowid), max(rowid) FROM payments_before")).one()
    if last is None:
        return
    of_page = "FROM payments_before WHERE rowid BETWEEN :start AND :end"
    put = sa.text(f"INSERT INTO payments ({_COLUMNS}) SELECT {_COLUMNS} {of_page} ORDER BY rowid")
    take = sa.text(f"DELETE {of_page}")
    for start in range(first, last + 1, _PAGE):
        end = min(last, start + _PAGE - 1)
        for statement in (put, take):
            connection.execute(statement, {"start": start, "end": end})
        if progress is not None:
            progress("payments", end - first + 1, last - first + 1)
