"""AES under ECB or CBC, for keys that are used once: of those, setting one up is most of what its use costs."""

from __future__ import annotations

from typing import TypeVar

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tpayd.crypto.errors import KeySizeError

__all__ = ["AES_KEY_BYTES", "Aes", "aes_of"]

M = TypeVar("M", bound=modes.ECB | modes.CBC)

AES_KEY_BYTES = frozenset({16, 24, 32})

_bare = algorithms.AES.__new__


class Aes(Cipher[M]):
    """A cipher of an AES key.

    `Cipher` asks for each key anew whether its mode fits it, a fifth of the set-up. ECB fits every AES key, and so does
    CBC with an IV of 16 bytes: `mode` is such a one, and is not looked at again.
    """

    def __init__(self, key: bytes, mode: M) -> None:
        """Raises KeySizeError."""
        self.algorithm = aes_of(key)
        self.mode = mode


def aes_of(key: bytes) -> algorithms.AES:
    """The algorithm with this key, whose size is looked at once and not, as by the library's own, a second time.

    Raises KeySizeError.
    """
    if len(key) not in AES_KEY_BYTES:
        raise KeySizeError(f"an AES key has 16, 24 or 32 bytes, not {len(key)}")
    algorithm = _bare(algorithms.AES)
    algorithm.key = key
    return algorithm
