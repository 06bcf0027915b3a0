"""Message authentication codes: AES-CMAC (NIST SP 800-38B) cut to its leftmost 8 bytes, as ISO 8583's DE 128 holds.

SP 800-38B, A.2, asks for at least 64 bits where a forger may try only a few times: a message with a wrong MAC is
never answered with money, and each try is counted.
"""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.cmac import CMAC

from tpayd.crypto.ciphers import aes_of

__all__ = ["MAC_BYTES", "cmac", "cmac8", "verify8"]

MAC_BYTES = 8


def cmac(key: bytes, data: bytes) -> bytes:
    """The whole 16-byte AES-CMAC.

    Raises:
        KeySizeError: the key is not an AES key.
    """
    state = CMAC(aes_of(key))
    state.update(data)
    return state.finalize()


def cmac8(key: bytes, data: bytes) -> bytes:
    """The 8-byte MAC of a message.

    Raises:
        KeySizeError: the key is not an AES key.
    """
    return cmac(key, data)[:MAC_BYTES]


def verify8(key: bytes, data: bytes, mac: bytes) -> bool:
    """Whether `mac` is the 8-byte MAC of `data`; takes the same time wherever they differ.

    Raises:
        KeySizeError: the key is not an AES key.
    """
    return hmac.compare_digest(cmac8(key, data), mac)
