"""What a check says."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Finding", "Level", "note", "ok", "problem", "warning"]


class Level(enum.StrEnum):
    """From nothing to do to do it now."""

    OK = "ok"
    NOTE = "note"
    """Good to know; nothing is wrong."""
    WARNING = "warning"
    """Payments go on; look at it soon."""
    PROBLEM = "problem"
    """Payments do not work, or will not, or are at risk."""


@dataclass(frozen=True)
class Finding:
    """One fact, and what to do about it."""

    level: Level
    text: str
    todo: str = ""
    """Empty where nothing is to be done."""
    check: str = ""
    """Which check said it; filled in by the table."""


def ok(text: str) -> Finding:
    return Finding(Level.OK, text)


def note(text: str, todo: str = "") -> Finding:
    return Finding(Level.NOTE, text, todo)


def warning(text: str, todo: str) -> Finding:
    return Finding(Level.WARNING, text, todo)


def problem(text: str, todo: str) -> Finding:
    return Finding(Level.PROBLEM, text, todo)
