"""Whose signature counts: the public keys that an instance pins, and the private keys that sign.

Pinned keys stand in `config/integrity.keys`, one a line:

    installation ed25519:<32 bytes in base64>  # where it comes from

More than one key of a role may stand there, so that a new one can come before the old one goes.
"""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tpayd.integrity.envelope import key_id
from tpayd.integrity.errors import TrustFileError
from tpayd.integrity.manifest import Kind

__all__ = [
    "Trust",
    "load_signing_key",
    "make_signing_key",
    "own_key_file",
    "parse_public",
    "public_line",
    "read_trust",
    "trust_file",
]

_ALGORITHM = "ed25519:"
_LINES_MAX = 64


@dataclass(frozen=True)
class Trust:
    """Pinned keys of each role, by id."""

    keys: dict[Kind, dict[str, Ed25519PublicKey]] = field(default_factory=dict)

    def of(self, kind: Kind) -> dict[str, Ed25519PublicKey]:
        """The keys that may sign lists of this kind."""
        return self.keys.get(kind, {})


def trust_file(config: Path) -> Path:
    """Where the pinned keys stand, below an instance's config directory."""
    return config / "integrity.keys"


def read_trust(path: Path) -> Trust:
    """The pinned keys; none where the file is missing. Raises TrustFileError."""
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return Trust()
    except (OSError, UnicodeDecodeError) as error:
        raise TrustFileError(f"{path} cannot be read: {error}") from error
    keys: dict[Kind, dict[str, Ed25519PublicKey]] = {}
    lines = text.splitlines()
    if len(lines) > _LINES_MAX:
        raise TrustFileError(f"{path} has {len(lines)} lines, {_LINES_MAX} at most are read")
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            role, key = words
            public = parse_public(key)
            keys.setdefault(Kind(role), {})[key_id(public)] = public
        except ValueError:
            shape = f"'<role> {_ALGORITHM}<base64>', with the role {' or '.join(Kind)}"
            raise TrustFileError(f"{path}, line {number}: expected {shape}") from None
    return Trust(keys)


def public_line(kind: Kind, key: Ed25519PublicKey, comment: str = "") -> str:
    """A pinned key's line."""
    text = f"{kind.value} {_ALGORITHM}{base64.b64encode(key.public_bytes_raw()).decode()}"
    return f"{text}  # {comment}\n" if comment else f"{text}\n"


def own_key_file(secrets: Path) -> Path:
    """Where an instance keeps a signing key of its own, made when it is first needed."""
    return secrets / "integrity_signing_key.pem"


def make_signing_key(path: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """A new private key in a file that must not be there yet (PEM, mode 0600). Raises TrustFileError."""
    protection = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    key = Ed25519PrivateKey.generate()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise TrustFileError(f"{path} cannot be made: {error.strerror}") from error
    return key


def load_signing_key(path: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """A private key from a PEM file that its owner alone can reach. Raises TrustFileError."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_bytes()
    except OSError as error:
        raise TrustFileError(f"{path} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise TrustFileError(f"{path} has mode {mode:04o}, so others can reach it; chmod 600")
    try:
        key = load_pem_private_key(text, passphrase)
    except (ValueError, TypeError):
        raise TrustFileError(f"{path} is no private key in PEM, or its passphrase is another one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise TrustFileError(f"{path} holds another kind of key than Ed25519")
    return key


def parse_public(text: str) -> Ed25519PublicKey:
    """A public key as it is pinned: `ed25519:` and 32 bytes in base64. Raises ValueError."""
    if not text.startswith(_ALGORITHM):
        raise ValueError(text)
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix(_ALGORITHM), validate=True))
