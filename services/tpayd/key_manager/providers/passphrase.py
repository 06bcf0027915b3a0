"""The provider that comes with the daemon: a passphrase in secrets/, and scrypt."""

from __future__ import annotations

import hmac
import os
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from msgspec import Meta, Struct

from tpayd.key_manager.errors import PassphraseError, SealBrokenError, StoreError
from tpayd.key_manager.providers.provider import ProviderPlace
from tpayd.key_manager.secret_files import read_secret

__all__ = ["MIN_PASSPHRASE_BYTES", "PassphraseProvider", "PassphraseSealing", "ScryptCost", "provider"]

MIN_PASSPHRASE_BYTES = 16
_NONCE_BYTES = 12


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


class PassphraseProvider:
    """See the module. What the store keeps are scrypt's parameters."""

    name = "passphrase"

    def __init__(self, passphrase: bytes) -> None:
        self._passphrase = passphrase

    def create(self) -> tuple[bytes, PassphraseSealing]:
        cost = ScryptCost.fresh()
        return msgspec.msgpack.encode(cost), PassphraseSealing(self._passphrase, cost)

    def unlock(self, kept: bytes) -> PassphraseSealing:
        try:
            cost = msgspec.msgpack.decode(kept, type=ScryptCost)
        except msgspec.MsgspecError:
            raise StoreError("the parameters of the passphrase were altered, or are another provider's") from None
        return PassphraseSealing(self._passphrase, cost)

    def __repr__(self) -> str:
        return "PassphraseProvider()"


def provider(place: ProviderPlace) -> PassphraseProvider:
    """Made from the option `file`, a secret file. Raises SecretFileError."""
    return PassphraseProvider(read_secret(place.secrets / place.options.get("file", "key_manager.passphrase")))


def _expand(root: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(algorithm=SHA256(), length=32, info=purpose).derive(root)
