"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Every journal has run this once: never change it after a release."""
    ${upgrades if upgrades else "pass"}
