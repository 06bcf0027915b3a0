"""What a card number says. The number itself goes no further than this module."""

from __future__ import annotations

import hmac
from datetime import date

from msgspec import Struct

from tpayd.sandbox.host.codes import Code
from tpayd.sandbox.secrets import PAN_TOKEN_KEY

__all__ = ["Card", "read_track"]

_ACQUIRER = "모의매입사"
_TOKEN_BYTES = 16
_DOUBLED = str.maketrans("0123456789", "0246813579")
"""Each digit to the digit sum of its double."""


class Card(Struct, frozen=True):
    """A card without its number."""

    masked_pan: str
    """First six and last four digits at most (PCI DSS 4.0.1, 3.4.1)."""
    token: str
    """Stands for the number: the same for the same card, and no way back."""
    issuer: str
    acquirer: str
    refusal: Code | None = None
    """Why this card cannot pay."""


def read_track(track: str, today: date) -> Card:
    """Read a track 2 equivalent: number, separator, expiry YYMM (ISO/IEC 7813)."""
    pan, _, rest = track.replace("=", "D").partition("D")
    return Card(
        masked_pan=_mask(pan),
        token=hmac.digest(PAN_TOKEN_KEY, pan.encode(), "sha256")[:_TOKEN_BYTES].hex(),
        issuer=f"모의카드 {pan[:1]}",
        acquirer=_ACQUIRER,
        refusal=_refusal(pan, rest[:4], today),
    )


def _mask(pan: str) -> str:
    if len(pan) <= 10:
        return "*" * len(pan)
    return pan[:6] + "*" * (len(pan) - 10) + pan[-4:]


def _refusal(pan: str, expiry: str, today: date) -> Code | None:
    if not (12 <= len(pan) <= 19 and _luhn(pan)):
        return Code.NO_SUCH_CARD
    # Two digits of a year compare as they stand until 2099.
    if len(expiry) != 4 or expiry < f"{today.year % 100:02d}{today.month:02d}":
        return Code.EXPIRED_CARD
    return None


def _luhn(pan: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    return sum(map(int, pan[-1::-2] + pan[-2::-2].translate(_DOUBLED))) % 10 == 0
