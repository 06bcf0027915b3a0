"""What a card number says. The number itself goes no further than this module."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache

from msgspec import Struct, structs

from tpayd.crypto.errors import CryptoError
from tpayd.crypto.pin import decrypt_pin_block
from tpayd.sandbox.host.codes import Code
from tpayd.sandbox.secrets import PAN_TOKEN_KEY, PIN

__all__ = [
    "ACQUIRER",
    "UNKNOWN_CARD",
    "Card",
    "IssuedCards",
    "card_as_booked",
    "is_card_number",
    "mask",
    "pin_holds",
    "read_track",
    "token_of",
]

ACQUIRER = "모의매입사"
_TOKEN_BYTES = 16
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
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


UNKNOWN_CARD = Card(masked_pan="", token="", issuer="", acquirer="")
"""Where a request tells none."""


class IssuedCards:
    """The cards of the sandbox's list, by number: looked up, as an issuer does, and not worked out at each sale.

    Any other card is worked out, and forgotten.
    """

    def __init__(self, pans: Iterable[str] = ()) -> None:
        self._cards = {pan: _card_of(pan) for pan in pans}

    def find(self, pan: str) -> Card:
        """What a number says."""
        card = self._cards.get(pan)
        return _card_of(pan) if card is None else card


_NO_CARDS = IssuedCards()


def read_track(track: str, today: date, issued: IssuedCards = _NO_CARDS) -> Card:
    """Read a track 2 equivalent: number, separator, expiry YYMM (ISO/IEC 7813)."""
    pan, rest = _split(track)
    card, expiry = issued.find(pan), rest[:4]
    if card.refusal is None and (len(expiry) != 4 or expiry < _month(today)):
        return structs.replace(card, refusal=Code.EXPIRED_CARD)
    return card


def card_as_booked(masked_pan: str, token: str) -> Card:
    """A card by what the ledger kept of it."""
    first = masked_pan[:1]
    return Card(
        masked_pan=masked_pan, token=token, issuer=f"모의카드 {first}" if first.isdigit() else "", acquirer=ACQUIRER
    )


def pin_holds(track: str, key: bytes, block: bytes, pins: Mapping[str, str]) -> bool:
    """Whether a PIN block holds this card's PIN. `pins`: of the cards whose PIN is known, by token."""
    pan, _ = _split(track)
    try:
        return hmac.compare_digest(decrypt_pin_block(key, block, pan), pins.get(token_of(pan), PIN))
    except CryptoError:
        return False


def token_of(number: str) -> str:
    """Stands for a number: the same for the same, and no way back."""
    return hmac.digest(PAN_TOKEN_KEY, number.encode(), "sha256")[:_TOKEN_BYTES].hex()


def mask(pan: str) -> str:
    """A card number as it may be kept."""
    if len(pan) <= 10:
        return "*" * len(pan)
    return pan[:6] + "*" * (len(pan) - 10) + pan[-4:]


def is_card_number(text: str) -> bool:
    """Whether it has a card number's length and check digit."""
    return 12 <= len(text) <= 19 and text.isascii() and text.isdigit() and _luhn(text)


def _split(track: str) -> tuple[str, str]:
    pan, _, rest = track.replace("=", "D").partition("D")
    return pan, rest


def _card_of(pan: str) -> Card:
    card = card_as_booked(mask(pan), token_of(pan))
    return card if is_card_number(pan) else structs.replace(card, refusal=Code.NO_SUCH_CARD)


@lru_cache(maxsize=4)
def _month(today: date) -> str:
    """YYMM, to be compared with an expiry: two digits of a year compare as they stand until 2099."""
    return f"{today.year % 100:02d}{today.month:02d}"


def _luhn(pan: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    digits = pan.encode("ascii")
    # The sum of the characters' codes, which is the digits' own and as often the code of 0.
    return (sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED)) - len(digits) * ord("0")) % 10 == 0
