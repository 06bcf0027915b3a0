"""Card data as it leaves a reader: the track 2 equivalent, encrypted under the data key of one transaction.

The reader pads the track with `F` to 40 characters (a constant length tells nothing of the card number's), then PKCS#7
to 48 bytes, and encrypts with AES-CBC and a zero IV: each key encrypts one message only (DUKPT, usage 'data
encryption'), so an IV adds nothing. The cipher text has no seal of its own; the MAC of the host message covers it.
"""

from __future__ import annotations

import re

from cryptography.hazmat.primitives.ciphers import modes

from tpayd.crypto.ciphers import Aes
from tpayd.crypto.errors import CardDataError

__all__ = ["CIPHER_BYTES", "TRACK_CHARS", "decrypt_track", "encrypt_track"]

TRACK_CHARS = 40
CIPHER_BYTES = 48

_PADDING = bytes([CIPHER_BYTES - TRACK_CHARS]) * (CIPHER_BYTES - TRACK_CHARS)
_TRACK = re.compile("[0-9]*[D=][0-9]*")
_ZERO_IV = modes.CBC(bytes(16))


def encrypt_track(key: bytes, track: str) -> bytes:
    """Encrypt a track 2 equivalent, e.g. `<PAN>D<expiry YYMM><service code><discretionary>`, into 48 bytes.

    Raises:
        CardDataError: longer than 40 characters, or not digits with one separator `D` or `=`.
        KeySizeError: the key is not an AES key.
    """
    if len(track) > TRACK_CHARS or not _TRACK.fullmatch(track):
        raise CardDataError(f"a track 2 equivalent has at most {TRACK_CHARS} characters: digits and one D or =")
    encryptor = Aes(key, _ZERO_IV).encryptor()
    return encryptor.update(track.ljust(TRACK_CHARS, "F").encode() + _PADDING)  # whole blocks, as in `decrypt_track`


def decrypt_track(key: bytes, cipher: bytes) -> str:
    """The track 2 equivalent of a cipher text, without its padding.

    Raises:
        CardDataError: not 48 bytes, or not a track under this key.
        KeySizeError: the key is not an AES key.
    """
    if len(cipher) != CIPHER_BYTES:
        raise CardDataError(f"encrypted card data has {CIPHER_BYTES} bytes, not {len(cipher)}")
    decryptor = Aes(key, _ZERO_IV).decryptor()
    clear = decryptor.update(cipher)  # whole blocks: `finalize` would have nothing to add or to find
    track = clear[:TRACK_CHARS].decode("latin-1").rstrip("F")
    if clear[TRACK_CHARS:] != _PADDING or not _TRACK.fullmatch(track):
        raise CardDataError("not card data under this key")
    return track
