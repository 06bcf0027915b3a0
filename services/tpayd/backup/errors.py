"""What can be wrong with a backup, by what the reader can do about it."""

from __future__ import annotations

__all__ = ["BackupDamagedError", "BackupError", "BackupKeyError", "BackupRefusedError", "BackupStorageError"]


class BackupError(Exception):
    """A sentence with a way out; nothing that was there before has changed."""


class BackupKeyError(BackupError):
    """The passphrase or the key does not open it, or is not one."""


class BackupDamagedError(BackupError):
    """It is no backup, or not as it was written."""


class BackupRefusedError(BackupError):
    """It must not be put there, or not like this."""


class BackupStorageError(BackupError):
    """The disk did not take it, or did not give it."""
