"""Payments and events are written as arrays from here on: see `journal.coding`, and docs/adr/0036.

What is there stays as it is. No table changes: the version alone keeps an earlier daemon, which knows maps alone, away.
"""

from __future__ import annotations

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Every journal has run this once: never change it after a release."""
