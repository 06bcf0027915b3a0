"""What a test card's chip says of a transaction: DE 55 as BER-TLV (EMV Book 3, annex A), with play cryptograms.

The card's number is not among the tags: it travels encrypted, with the track.
"""

from __future__ import annotations

import os

__all__ = ["chip_data", "cryptogram"]

_AIDS = {
    "3": "A000000025010801",
    "4": "A0000000031010",
    "5": "A0000000041010",
    "6": "A0000001523010",
}


def chip_data(pan: str, amount_minor: int, at: str, transaction: int) -> bytes:
    """The chip's answer to the first GENERATE AC. `at` is YYYYMMDDhhmmss, `transaction` the card's counter (ATC)."""
    random = os.urandom(12)
    aid = _AIDS.get(pan[0], _AIDS["4"])
    return bytes.fromhex(
        f"9F2608{random[:8].hex()}"  # application cryptogram
        "9F270180"  # ARQC
        "9F10070601 0A03A00000"
        f"9F3704{random[8:].hex()}"  # unpredictable number
        f"9F3602{transaction & 0xFFFF:04X}"
        "95050000008000"  # terminal verification results
        f"9A03{at[2:8]}"
        "9C0100"
        f"9F0206{amount_minor:012d}"
        "5F2A020410"  # KRW, ISO 4217
        "82023900"
        "9F1A020410"  # Korea, ISO 3166-1
        "9F0306000000000000"
        "9F34031F0302"  # no CVM
        "9F3303E0B0C8"
        "9F350122"
        "9F1E085342583030303031"
        "9F530152"
        f"84{len(aid) // 2:02X}{aid}"
        "9F09020096"
        f"9F4104{transaction:08X}"
    )


def cryptogram() -> str:
    """The chip's answer to the second GENERATE AC, 16 hexadecimal digits."""
    return os.urandom(8).hex().upper()
