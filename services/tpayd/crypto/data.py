"""A keyed number or a scanned code on its way to the host, encrypted under the data key of one transaction.

Padded as PKCS#7 (RFC 5652, 6.3) to a multiple of 64 bytes, so that the lengths of phone, business and card numbers
look alike; then AES-CBC with a zero IV: each key encrypts one message only (DUKPT, usage 'data encryption'). The
cipher text has no seal of its own; the MAC of the host message covers it.
"""

from __future__ import annotations

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import modes

from tpayd.crypto.ciphers import Aes
from tpayd.crypto.errors import CardDataError

__all__ = ["DATA_MAX_BYTES", "decrypt_data", "encrypt_data"]

DATA_MAX_BYTES = 512
"""The longest code that a wallet shows (EMV QR, consumer-presented)."""

_BLOCK_BITS = 64 * 8
_ZERO_IV = modes.CBC(bytes(16))


def encrypt_data(key: bytes, data: bytes) -> bytes:
    """Encrypt 1 to 512 bytes into 64 to 576.

    Raises:
        CardDataError: no byte, or too many.
        KeySizeError: the key is not an AES key.
    """
    if not 0 < len(data) <= DATA_MAX_BYTES:
        raise CardDataError(f"what is encrypted here has 1 to {DATA_MAX_BYTES} bytes")
    padder = padding.PKCS7(_BLOCK_BITS).padder()
    encryptor = Aes(key, _ZERO_IV).encryptor()
    return encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()


def decrypt_data(key: bytes, cipher: bytes) -> bytes:
    """The bytes of a cipher text.

    Raises:
        CardDataError: not of this format under this key.
        KeySizeError: the key is not an AES key.
    """
    if not cipher or len(cipher) * 8 % _BLOCK_BITS:
        raise CardDataError("encrypted data comes in blocks of 64 bytes")
    decryptor = Aes(key, _ZERO_IV).decryptor()
    unpadder = padding.PKCS7(_BLOCK_BITS).unpadder()
    padded = decryptor.update(cipher) + decryptor.finalize()
    try:
        data = unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise CardDataError("not data under this key") from None
    if not 0 < len(data) <= DATA_MAX_BYTES:
        raise CardDataError("not data under this key")
    return data
