"""A payment's last event bounds the search for its events; a lane knows what it began last.

Payments that no POS has acknowledged are found by a starting process as well.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Every journal has run this once: never change it after a release."""
    op.add_column("chains", sa.Column("newest", sa.String(36), nullable=True))
    op.add_column("payments", sa.Column("last_position", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("events_by_payment", "events", ["payment_id", "position"])
    op.create_index("payments_by_id", "payments", ["payment_id"])
    op.execute(
        "UPDATE payments SET last_position = "
        "(SELECT max(position) FROM events WHERE events.payment_id = payments.payment_id)"
    )
    op.execute("UPDATE payments SET open = (1 = 1) WHERE state = 'approved'")
    op.execute(
        "UPDATE chains SET newest = (SELECT request_id FROM payments WHERE payments.payment_id = ("
        "SELECT payment_id FROM events WHERE events.position = ("
        "SELECT max(position) FROM events WHERE events.lane = chains.lane AND events.event = 'created')))"
    )
    op.drop_index("payments_by_id")
    op.drop_index("events_by_payment")
