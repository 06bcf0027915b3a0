"""Where the key manager's files lie."""

from __future__ import annotations

from pathlib import Path

__all__ = ["store_file"]


def store_file(data: Path) -> Path:
    """The key store, below the instance's data directory."""
    return data / "keys" / "keys.sqlite3"
