"""The file around a backup: two lines in clear, then the archive in age's format (age-encryption.org/v1).

    tpayd backup 1
    {"taken_at_ms": …, "version": …, "sandbox": …, "key": "age-encryption.org…" or null, "recipients": […]}
    age-encryption.org/v1 …

The archive is encrypted to a key made for it alone, and to the recipients. With a passphrase that key stands in the
second line, itself encrypted by the passphrase in age's armour; without one it is forgotten once the backup is
verified. So a backup can be opened without tpayd: `tail -n +3 FILE | age -d -i KEY | tar -x`.

What is in clear is for people and scripts; nothing relies on it, the manifest is inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import msgspec
from msgspec import Struct

from tpayd.backup.errors import BackupDamagedError, BackupError, BackupKeyError, BackupStorageError

if TYPE_CHECKING:
    from pyrage import x25519

__all__ = ["MIN_PASSPHRASE", "Head", "Keys", "Unlocker", "decrypt", "encrypt", "identities_in", "read_head"]

MAGIC = b"tpayd backup 1\n"
MIN_PASSPHRASE = 12
"""Characters. The file may lie where anybody can try."""
_MAX_HEAD_BYTES = 64 * 1024


class Head(Struct, frozen=True, kw_only=True):
    """The second line."""

    backup_id: str
    taken_at_ms: int
    version: str
    host: str
    home: str
    sandbox: bool
    key: str | None = None
    """The archive's own key, encrypted by a passphrase, in age's armour."""
    recipients: tuple[str, ...] = ()
    """Public keys whose owners can open it."""


@dataclass(frozen=True, repr=False)
class Keys:
    """Who may open a new backup, and the key by which it is verified after writing."""

    own: x25519.Identity
    sealed: str | None
    recipients: tuple[str, ...]

    @classmethod
    def made(cls, passphrase: str | None, recipients: Sequence[str]) -> Keys:
        """Raises BackupKeyError."""
        from pyrage import RecipientError, x25519  # noqa: PLC0415
        from pyrage import passphrase as by_passphrase  # noqa: PLC0415

        if passphrase is None and not recipients:
            raise BackupKeyError("a backup holds keys and secrets: name who may open it, by passphrase or age key")
        if passphrase is not None and len(passphrase) < MIN_PASSPHRASE:
            raise BackupKeyError(f"the passphrase has fewer than {MIN_PASSPHRASE} characters")
        for recipient in recipients:
            try:
                x25519.Recipient.from_str(recipient)
            except RecipientError:
                raise BackupKeyError(f"{recipient!r} is no age public key; they begin with age1") from None
        own = x25519.Identity.generate()
        sealed = None
        if passphrase is not None:
            sealed = by_passphrase.encrypt(str(own).encode(), passphrase, armored=True).decode("ascii")
        return cls(own, sealed, tuple(recipients))


@dataclass(frozen=True, repr=False)
class Unlocker:
    """What somebody has to open a backup with."""

    passphrase: str | None = None
    identities: tuple[x25519.Identity, ...] = ()

    def opens(self, head: Head) -> list[x25519.Identity]:
        """The keys to try. Raises BackupKeyError."""
        from pyrage import DecryptError, x25519  # noqa: PLC0415
        from pyrage import passphrase as by_passphrase  # noqa: PLC0415

        if self.identities or head.key is None:
            if not self.identities:
                raise BackupKeyError("it is encrypted to age keys: name the file of one with --identity")
            return list(self.identities)
        if self.passphrase is None:
            raise BackupKeyError("it is encrypted by a passphrase: name the file with it, or type it")
        try:
            clear = by_passphrase.decrypt(head.key.encode("ascii"), self.passphrase)
            return [x25519.Identity.from_str(clear.decode("ascii"))]
        except DecryptError:
            raise BackupKeyError("the passphrase does not open it") from None
        except ValueError:
            raise BackupDamagedError("the key in its head is damaged") from None


def identities_in(text: str) -> tuple[x25519.Identity, ...]:
    """The keys in an age identity file. Raises BackupKeyError."""
    from pyrage import IdentityError, x25519  # noqa: PLC0415

    lines = [line.strip() for line in text.splitlines()]
    try:
        found = tuple(x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#"))
    except IdentityError:
        raise BackupKeyError("is no age identity file: its lines begin with AGE-SECRET-KEY-1, or with #") from None
    if not found:
        raise BackupKeyError("holds no key")
    return found


def encrypt(head: Head, keys: Keys, archive: BinaryIO, to: BinaryIO) -> None:
    """Write head and encrypted archive. Raises BackupStorageError."""
    from pyrage import EncryptError, encrypt_io, x25519  # noqa: PLC0415

    try:
        to.write(MAGIC)
        to.write(msgspec.json.encode(head) + b"\n")
        recipients = [keys.own.to_public(), *map(x25519.Recipient.from_str, keys.recipients)]
        encrypt_io(archive, to, recipients)
    except (EncryptError, OSError) as error:
        raise BackupStorageError(f"the backup could not be written: {error}") from error


def read_head(file: BinaryIO) -> Head:
    """Raises BackupDamagedError; leaves `file` where the encrypted part begins."""
    if file.readline(len(MAGIC)) != MAGIC:
        raise BackupDamagedError("is no backup of tpayd, or of a newer version of it")
    line = file.readline(_MAX_HEAD_BYTES)
    try:
        return msgspec.json.decode(line, type=Head)
    except msgspec.MsgspecError:
        raise BackupDamagedError("its head is damaged") from None


def decrypt(file: BinaryIO, identities: Sequence[x25519.Identity], to: BinaryIO) -> None:
    """The archive, from where `read_head` left off. Raises BackupKeyError, BackupDamagedError."""
    from pyrage import DecryptError, decrypt_io  # noqa: PLC0415

    try:
        decrypt_io(file, to, list(identities))
    except DecryptError as error:
        if "key" in str(error).lower():
            raise BackupKeyError("none of the keys opens it") from None
        raise BackupDamagedError("it is damaged, or cut off") from None
    except BackupError:
        raise
    except OSError:
        raise BackupDamagedError("it is damaged, or cut off") from None
