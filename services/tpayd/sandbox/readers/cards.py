"""The test cards of sandbox/cards.toml: public test numbers, never a real card."""

from __future__ import annotations

import enum
from collections import Counter
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from tpayd.kit.settings import load
from tpayd_contracts.shapes import Name

__all__ = ["CardKind", "TestCard", "load_cards"]


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
    IC_REFUSED = "ic_refused"
    """Inserted; has no application that the reader knows."""


class TestCard(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One card. Its number stays out of its repr."""

    __test__ = False

    name: Name
    kind: CardKind
    pan: Annotated[str, Meta(pattern=r"^[0-9]{13,19}$")]
    expiry: Annotated[str, Meta(pattern=r"^[0-9]{4}$")]
    """YYMM."""
    service_code: Annotated[str, Meta(pattern=r"^[0-9]{3}$")] = "201"
    label: Annotated[str, Meta(max_length=16)] = ""
    """The application's name (tag 50)."""
    stays_ms: Annotated[int, Meta(ge=0, le=600_000)] = 0
    """How long a forgetful customer leaves the card inside when it is done with."""

    def __post_init__(self) -> None:
        if not _luhn(self.pan):
            raise ValueError(f"card {self.name}: the number's check digit does not fit")

    def __repr__(self) -> str:
        return f"TestCard({self.name!r}, {self.kind.value})"

    @property
    def masked(self) -> str:
        """BIN6, mask, last four (PCI DSS 3.4.1)."""
        return f"{self.pan[:6]}{'*' * (len(self.pan) - 10)}{self.pan[-4:]}"

    @property
    def track(self) -> str:
        """Track 2 equivalent (ISO/IEC 7813), without discretionary data."""
        return f"{self.pan}D{self.expiry}{self.service_code}"


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
