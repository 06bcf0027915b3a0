"""What a POS may have a reader or pad do outside a payment (T31). Is the daemon alive? is `health.get`.

Each takes its fair turn at a reader like a payment, ends when it is cancelled, and is refused while the lane has a
payment under way.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.device import PadText
from tpayd_contracts.operation import Empty, Op, Right
from tpayd_contracts.payment import PaymentProgress
from tpayd_contracts.screen import Digits
from tpayd_contracts.secret import SECRET, HidesSecrets
from tpayd_contracts.shapes import Lane, Name

__all__ = [
    "ABILITY_OPS",
    "CARD_INSERTED",
    "CODE_SCAN",
    "EJECT_CARD",
    "NUMBER_KEY",
    "TEXT_SHOW",
    "EjectCard",
    "InsertedQuery",
    "KeyNumber",
    "KeyedNumber",
    "ScanCode",
    "ScannedCode",
    "ShowText",
    "Slot",
    "Slots",
]

AbilityWaitS = Annotated[float, Meta(gt=0, le=100)]


class InsertedQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Is a card inserted [카드 삽입 여부]?"""

    lane: Lane


class Slot(Struct, frozen=True, omit_defaults=True):
    """One reader's card slot, by the reader's last word: readers tell every change."""

    device: Name
    label: str
    inside: bool | None = None
    """None: the reader is not connected."""


class Slots(Struct, frozen=True):
    """The readers that the lane may use, and do not serve another lane now."""

    slots: tuple[Slot, ...]
    inserted: bool
    """A card is in one of them."""


class EjectCard(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Have the card taken out: a motor moves it out, other readers ask the customer."""

    lane: Lane
    wait_s: AbilityWaitS = 30.0
    """How long it is waited for; then `card_timeout`."""


class KeyNumber(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Have the customer key a number on the lane's pad or screen [핀패드 번호 입력]. Never a PIN: it is in clear."""

    lane: Lane
    min_digits: Digits = 1
    max_digits: Digits = 20
    lines: PadText = ()
    """What the pad shows; empty: 'enter the number', in the store's language."""
    wait_s: AbilityWaitS = 30.0

    def __post_init__(self) -> None:
        if self.min_digits > self.max_digits:
            raise ValueError("min_digits is above max_digits")


class KeyedNumber(HidesSecrets, frozen=True):
    """What was keyed, for the POS alone. Nothing is kept."""

    number: Annotated[str, Meta(extra=SECRET)]


class ScanCode(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Have a reader scan a QR code or barcode."""

    lane: Lane
    wait_s: AbilityWaitS = 30.0


class ScannedCode(HidesSecrets, frozen=True):
    """What was scanned, for the POS alone. Nothing is kept."""

    code: Annotated[str, Meta(extra=SECRET)]


class ShowText(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Show a text on a pad, for so long; the pad is the lane's as long."""

    lane: Lane
    lines: Annotated[PadText, Meta(min_length=1)]
    show_s: Annotated[float, Meta(ge=0, le=60)] = 5.0


CARD_INSERTED = Op("ability.card", InsertedQuery, Slots, right=Right.POS)
EJECT_CARD = Op("ability.eject", EjectCard, Slots, right=Right.POS)
NUMBER_KEY = Op("ability.number", KeyNumber, KeyedNumber, PaymentProgress, Right.POS)
CODE_SCAN = Op("ability.code", ScanCode, ScannedCode, PaymentProgress, Right.POS)
TEXT_SHOW = Op("ability.show", ShowText, Empty, PaymentProgress, Right.POS)
ABILITY_OPS = (CARD_INSERTED, EJECT_CARD, NUMBER_KEY, CODE_SCAN, TEXT_SHOW)
