"""How long work on a journal tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "silent"]

Progress = Callable[[str, int, int], None]
"""What is done, how many of how many."""


def silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""
