"""Key check values: what two parties compare to know that they hold the same key, without telling it.

For AES: the CMAC of a block of zeros under the key, its leftmost 5 bytes at most (ANSI X9.24-1-2017, annex A; PCI PIN
Security Requirements, 15-1). Written as ten hexadecimal digits.
"""

from __future__ import annotations

import hmac

from tpayd.crypto.mac import cmac

__all__ = ["CHECK_VALUE_DIGITS", "check_value", "same_check_value"]

CHECK_VALUE_DIGITS = 10


def check_value(key: bytes) -> str:
    """The check value of an AES key: ten upper-case hexadecimal digits.

    Raises:
        KeySizeError: the key is not an AES key.
    """
    return cmac(key, bytes(16)).hex().upper()[:CHECK_VALUE_DIGITS]


def same_check_value(ours: str, theirs: str) -> bool:
    """Whether both name the same key. A shorter one, as some devices show, does not count as the same."""
    return hmac.compare_digest(ours.upper().encode(), theirs.upper().encode())
