"""Errors of the key manager, by what an operator can do about them. No text ever holds a key or a passphrase."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "AuditBrokenError",
    "ExchangeFailedError",
    "KeyManagerError",
    "NoPassageError",
    "NoUsableKeyError",
    "NotReservedError",
    "PassphraseError",
    "SealBrokenError",
    "SecretFileError",
    "StoreError",
]


class KeyManagerError(Exception):
    """The root of all errors of this process."""


class SecretFileError(KeyManagerError):
    """A file in secrets/ is missing, readable by others, or not what it should be. The text has the way out."""

    def __init__(self, path: Path, problem: str) -> None:
        # No colon: "…passphrase: x" reads like a secret to whoever redacts, a person included.
        super().__init__(f"{path} {problem}")
        self.path = path
        self.problem = problem


class PassphraseError(KeyManagerError):
    """The passphrase does not open the key store: another one made it, or the store's header was altered."""


class SealBrokenError(KeyManagerError):
    """A sealed record does not open: altered, moved to another place, or sealed under another key."""


class StoreError(KeyManagerError):
    """The key store cannot be read or written: the disk, its schema, or a foreign file."""


class AuditBrokenError(KeyManagerError):
    """The audit chain does not hold. Keys change no more until a person has looked at it (docs/keys.md)."""


class NoPassageError(KeyManagerError):
    """A key cannot go from this state by that event: a fault in the daemon."""


class ExchangeFailedError(KeyManagerError):
    """A key exchange ended without a new key; the one before stays in use.

    `reason` is stable: `bad_answer`, `bad_reader`, `check_value`, `host_refused`, `in_doubt`, `key_reused`,
    `not_genuine`, `reader_refused`, `under_way`.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class NotReservedError(KeyManagerError):
    """No counter of a key is in hand; more are being reserved on disk. Nothing was used: ask again when they are."""


class NoUsableKeyError(KeyManagerError):
    """No key fits what is asked.

    `reason` is stable: `missing`, `expired`, `exhausted`, `audit`, `unknown_terminal`, `no_transport_key`.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
