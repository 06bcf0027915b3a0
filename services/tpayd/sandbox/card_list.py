"""The test cards of sandbox/cards.toml: public test numbers, never a real card. Readers and host read the same list."""

from __future__ import annotations

import enum
import re
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from tpayd.kit.settings import load
from tpayd_contracts.shapes import Name

__all__ = ["CardKind", "TestCard", "load_cards"]

_ACCOUNT = re.compile("[0-9]{1,13}")


class CardKind(enum.StrEnum):
    """What a test card does."""

    IC = "ic"
    """Inserted; accepts the host's word."""
    CONTACTLESS = "contactless"
    """Held to the reader."""
    STRIPE = "stripe"
    """Swiped; has no chip."""
    IC_BROKEN = "ic_broken"
    """Inserted; the chip does not answer, so the customer pulls it out and swipes it."""
    IC_DECLINES = "ic_declines"
    """Inserted; declines at the second GENERATE AC what the host has approved."""
    IC_UNKNOWN = "ic_unknown"
    """Inserted; has no application that the reader knows, so the reader has to be asked for its stripe."""
    IC_REFUSED = "ic_refused"
    """Inserted; cannot be used at all."""
    CASH_IC = "cash_ic"
    """A bank card [현금IC]: inserted, with accounts and a PIN, and nothing but these."""
    MEMBERSHIP = "membership"
    """Swiped; its number is no secret."""
    CASH_RECEIPT = "cash_receipt"
    """Swiped; says for whom a cash receipt is, and pays nothing."""
    WALLET = "wallet"
    """No card: a QR or barcode on a telephone, shown to the scanner."""


class TestCard(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """One card, or a wallet. Its number, PIN and code stay out of its repr."""

    __test__ = False

    name: Name
    kind: CardKind
    pan: Annotated[str, Meta(pattern=r"^(?:[0-9]{13,19})?$")] = ""
    """Empty for a wallet."""
    expiry: Annotated[str, Meta(pattern=r"^[0-9]{4}$")] = "4912"
    """YYMM."""
    service_code: Annotated[str, Meta(pattern=r"^[0-9]{3}$")] = "201"
    label: Annotated[str, Meta(max_length=16)] = ""
    """The application's name (tag 50)."""
    choices: tuple[Annotated[str, Meta(pattern=r"^[0-9A-Za-z -]{1,16}$")], ...] = ()
    """A bank card's accounts (at most 13 digits), another card's applications. Asked, the customer takes the last."""
    pin: Annotated[str, Meta(pattern=r"^(?:[0-9]{4,12})?$")] = ""
    """Asked for in UnionPay and cash-IC transactions; empty: the card has none."""
    code: Annotated[str, Meta(max_length=512, pattern=r"^[\x20-\x7e]*$")] = ""
    """What a wallet shows."""
    stays_ms: Annotated[int, Meta(ge=0, le=600_000)] = 0
    """How long a forgetful customer leaves the card inside when it is done with."""

    def __post_init__(self) -> None:
        if self.kind is CardKind.WALLET:
            if not self.code or self.pan:
                raise ValueError(f"card {self.name}: a wallet has a code and no number")
        elif not self.pan or not _luhn(self.pan):
            raise ValueError(f"card {self.name}: the number is missing, or its check digit does not fit")
        if self.kind is CardKind.CASH_IC and not all(_ACCOUNT.fullmatch(choice) for choice in self.choices):
            raise ValueError(f"card {self.name}: an account has at most 13 digits")

    def __repr__(self) -> str:
        return f"TestCard({self.name!r}, {self.kind.value})"

    @cached_property
    def masked(self) -> str:
        """BIN6, mask, last four (PCI DSS 3.4.1)."""
        return f"{self.pan[:6]}{'*' * (len(self.pan) - 10)}{self.pan[-4:]}"

    @cached_property
    def track(self) -> str:
        """Track 2 equivalent (ISO/IEC 7813), without discretionary data."""
        return f"{self.pan}D{self.expiry}{self.service_code}"

    @cached_property
    def unionpay(self) -> bool:
        """Whether it is of China UnionPay, by its number."""
        return self.pan.startswith("62")


class _CardList(Struct, frozen=True, forbid_unknown_fields=True):
    cards: Annotated[tuple[TestCard, ...], Meta(min_length=1, max_length=100)]

    def __post_init__(self) -> None:
        for name, times in Counter(card.name for card in self.cards).items():
            if times > 1:
                raise ValueError(f"cards: name {name!r} is given to {times} cards; each needs its own")


def load_cards(path: Path) -> dict[str, TestCard]:
    """The cards by name. Raises SettingsError."""
    return {card.name: card for card in load(path, _CardList).cards}


def _luhn(pan: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    digits = [int(digit) for digit in reversed(pan)]
    return (sum(digits[::2]) + sum(digit * 2 - 9 * (digit > 4) for digit in digits[1::2])) % 10 == 0
