"""What can be wrong with the journal, by what the reader can do about it."""

from __future__ import annotations

__all__ = ["JournalVersionError", "StorageError"]


class StorageError(Exception):
    """The disk did not take it, or did not give it. What was put stays queued, and is written once it can be."""


class JournalVersionError(Exception):
    """The journal was written by another version of the daemon."""
