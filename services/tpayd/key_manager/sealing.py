"""The key over the keys: what seals records and signs the audit chain.

`Sealing` is all that the store asks for, so that a PKCS#11 token, where this key never leaves the hardware, can take
the place of the passphrase without a change elsewhere.
"""

from __future__ import annotations

import hmac
import os
from typing import Annotated, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from msgspec import Meta, Struct

from tpayd.key_manager.errors import PassphraseError, SealBrokenError

__all__ = ["MIN_PASSPHRASE_BYTES", "PassphraseSealing", "ScryptCost", "Sealing"]

MIN_PASSPHRASE_BYTES = 16
_NONCE_BYTES = 12


class Sealing(Protocol):
    """Seals records, and signs."""

    def seal(self, clear: bytes, context: bytes) -> bytes:
        """Encrypt, bound to `context`."""

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt; raises SealBrokenError unless sealed by us for the same context."""

    def sign(self, data: bytes) -> bytes:
        """A 32-byte keyed digest of `data`."""


class ScryptCost(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of scrypt (RFC 7914). They stand in clear in the store, hence the bounds: 1 GiB at most."""

    salt: Annotated[bytes, Meta(min_length=16, max_length=64)]
    log2_n: Annotated[int, Meta(ge=14, le=20)] = 15
    """32 MiB with r = 8. The passphrase that `tpayd init` makes has 256 random bits; this is for weaker ones."""
    r: Annotated[int, Meta(ge=8, le=8)] = 8
    p: Annotated[int, Meta(ge=1, le=4)] = 1

    @classmethod
    def fresh(cls) -> ScryptCost:
        """For a new store."""
        return cls(salt=os.urandom(32))


class PassphraseSealing:
    """AES-256-GCM and HMAC-SHA-256 under keys from a passphrase.

    A GCM nonce is random, 96 bits: NIST SP 800-38D, 8.3, allows 2^32 of them per key; a store that seals a counter
    block every 256 payments stays below that for good.
    """

    def __init__(self, passphrase: bytes, cost: ScryptCost) -> None:
        """Takes about a tenth of a second.

        Raises:
            PassphraseError: shorter than 16 bytes.
        """
        passphrase = passphrase.strip()
        if len(passphrase) < MIN_PASSPHRASE_BYTES:
            raise PassphraseError(f"the key store's passphrase has fewer than {MIN_PASSPHRASE_BYTES} bytes")
        root = Scrypt(salt=cost.salt, length=32, n=1 << cost.log2_n, r=cost.r, p=cost.p).derive(passphrase)
        self._cipher = AESGCM(_expand(root, b"tpayd key store: records"))
        self._signing_key = _expand(root, b"tpayd key store: audit")

    def seal(self, clear: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, clear, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise SealBrokenError("a sealed record does not open: altered, moved, or of another store") from None

    def sign(self, data: bytes) -> bytes:
        return hmac.digest(self._signing_key, data, "sha256")


def _expand(root: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(algorithm=SHA256(), length=32, info=purpose).derive(root)
