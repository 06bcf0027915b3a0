"""Alembic's home; see `migrating`."""
