"""What a test card's chip says of a transaction: DE 55 as BER-TLV (EMV Book 3, annex A), with play cryptograms.

The card's number is not among the tags: it travels encrypted, with the track.
"""

from __future__ import annotations

import os
from random import Random

__all__ = ["chip_data", "cryptogram"]

_play = Random(os.urandom(16)).getrandbits  # noqa: S311  # no bank checks a play cryptogram
_AIDS = {
    "3": "A000000025010801",
    "4": "A0000000031010",
    "5": "A0000000041010",
    "6": "A0000001523010",
}

_ISSUER_DATA = bytes.fromhex(
    "9F270180"  # ARQC
    "9F10070601 0A03A00000"
)
_TERMINAL = bytes.fromhex(
    "95050000008000"  # terminal verification results
    "9C0100"
    "5F2A020410"  # KRW, ISO 4217
    "82023900"
    "9F1A020410"  # Korea, ISO 3166-1
    "9F0306000000000000"
    "9F34031F0302"  # no CVM
    "9F3303E0B0C8"
    "9F350122"
    "9F1E085342583030303031"
    "9F530152"
)
_APPLICATIONS = {first: bytes.fromhex(f"84{len(aid) // 2:02X}{aid}9F09020096") for first, aid in _AIDS.items()}


def chip_data(pan: str, amount_minor: int, at: str, transaction: int) -> bytes:
    """The chip's answer to the first GENERATE AC. `at` is YYYYMMDDhhmmss, `transaction` the card's counter (ATC)."""
    random = _play(96).to_bytes(12, "big")
    return (
        b"\x9f\x26\x08%b%b\x9f\x37\x04%b\x9f\x36\x02%b%b\x9a\x03%b\x9f\x02\x06%b%b\x9f\x41\x04%b"
        % (
            random[:8],  # application cryptogram
            _ISSUER_DATA,
            random[8:],  # unpredictable number
            (transaction & 0xFFFF).to_bytes(2, "big"),
            _TERMINAL,
            bytes.fromhex(at[2:8]),
            bytes.fromhex(f"{amount_minor:012d}"),
            _APPLICATIONS.get(pan[0], _APPLICATIONS["4"]),
            transaction.to_bytes(4, "big"),
        )
    )


def cryptogram() -> str:
    """The chip's answer to the second GENERATE AC, 16 hexadecimal digits."""
    return os.urandom(8).hex().upper()
