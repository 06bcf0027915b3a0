"""What can be wrong with the journal, by what the reader can do about it."""

from __future__ import annotations

__all__ = [
    "DoubtError",
    "JournalDamagedError",
    "JournalOwnedError",
    "JournalUrlError",
    "JournalVersionError",
    "StorageError",
    "UnreachableError",
]


class StorageError(Exception):
    """The disk did not take it, or did not give it. What was put stays queued, and is written once it can be."""


class DoubtError(StorageError):
    """Nobody knows yet whether the disk took it: a crash now may show either."""


class UnreachableError(StorageError):
    """The database server does not answer, or lets nobody in. It may later."""


class JournalOwnedError(StorageError):
    """It is another instance's journal, or another process has taken it over."""


class JournalDamagedError(Exception):
    """Its end does not fit together: whatever were written now would stand on sand."""


class JournalUrlError(ValueError):
    """The URL names nothing that can hold a journal. The message goes with the setting's name."""


class JournalVersionError(Exception):
    """The journal was written by another version of the daemon."""
