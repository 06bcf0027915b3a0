"""Message authentication codes: AES-CMAC (NIST SP 800-38B) cut to its leftmost 8 bytes, as ISO 8583's DE 128 holds.

SP 800-38B, A.2, asks for at least 64 bits where a forger may try only a few times: a message with a wrong MAC is
never answered with money, and each try is counted.
"""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC

from tpayd.crypto.errors import KeySizeError

__all__ = ["MAC_BYTES", "cmac", "cmac8", "verify8"]

MAC_BYTES = 8


def cmac(key: bytes, data: bytes) -> bytes:
    """The whole 16-byte AES-CMAC.

    Raises:
        KeySizeError: the key is not an AES key.
    """
    try:
        state = CMAC(algorithms.AES(key))
    except ValueError:
        raise KeySizeError(f"an AES key has 16, 24 or 32 bytes, not {len(key)}") from None
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
