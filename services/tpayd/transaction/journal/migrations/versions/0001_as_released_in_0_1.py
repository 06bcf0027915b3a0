"""The schema of tpayd 0.1. A journal that was made before there were migrations has these tables already."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Every journal has run this once: never change it after a release."""
    op.create_table(
        "about",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.String(128), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "events",
        sa.Column("position", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("lane", sa.String(16), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("payment_id", sa.String(36), nullable=False),
        sa.Column("event", sa.String(24), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=True),
        sa.Column("payload_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("previous", sa.LargeBinary(32), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "chains",
        sa.Column("lane", sa.String(16), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "payments",
        sa.Column("lane", sa.String(16), primary_key=True),
        sa.Column("request_id", sa.String(36), primary_key=True),
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
        if_not_exists=True,
    )
    is_open = sa.text("open")
    op.create_index(
        "payments_open", "payments", ["open"], sqlite_where=is_open, postgresql_where=is_open, if_not_exists=True
    )
    op.create_table(
        "stan_blocks",
        sa.Column("profile", sa.String(16), primary_key=True),
        sa.Column("terminal_id", sa.String(8), primary_key=True),
        sa.Column("reserved_to", sa.Integer, nullable=False),
        if_not_exists=True,
    )
