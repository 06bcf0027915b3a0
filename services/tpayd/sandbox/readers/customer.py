"""The customer before a virtual reader: the cards and wallets that he carries, and what he does when he is asked."""

from __future__ import annotations

from dataclasses import dataclass

from tpayd.sandbox.card_list import CardKind, TestCard
from tpayd_contracts.sandbox import Keying, Signing

__all__ = ["CASH_IC_TYPES", "MEMBERSHIP_TYPE", "STRIPE_TYPES", "UNIONPAY_TYPES", "Customer", "fits"]

UNIONPAY_TYPES = frozenset({"02", "10"})
CASH_IC_TYPES = frozenset({"03", "11"})
MEMBERSHIP_TYPE = "04"
STRIPE_TYPES = frozenset({"07", "10"})
"""Asks for the stripe of a card whose chip has failed."""

_CASH_RECEIPT_TYPE = "06"
_NO_PAYMENT_CARDS = frozenset({CardKind.CASH_IC, CardKind.MEMBERSHIP, CardKind.CASH_RECEIPT, CardKind.WALLET})
_TELEPHONE = "01000001234"
# Every reading passes these, and to look a member up in its enum takes longer than what is done with it.
_WALLET, _CASH_IC, _MEMBERSHIP = CardKind.WALLET, CardKind.CASH_IC, CardKind.MEMBERSHIP


def fits(card: TestCard, type_: str) -> bool:
    """Whether a transaction of this type can be made with the card."""
    if type_ in CASH_IC_TYPES:
        return card.kind is _CASH_IC
    if type_ == MEMBERSHIP_TYPE:
        return card.kind is _MEMBERSHIP
    if type_ == _CASH_RECEIPT_TYPE:
        return card.kind is CardKind.CASH_RECEIPT or card.kind not in _NO_PAYMENT_CARDS
    return card.kind not in _NO_PAYMENT_CARDS and card.unionpay is (type_ in UNIONPAY_TYPES)


@dataclass(slots=True)
class Customer:
    """See the module."""

    purse: tuple[TestCard, ...] = ()
    """What he has with him: he presents by himself the first that fits."""
    delay_ms: int = 0
    """How long he takes for each thing that is asked of him."""
    signing: Signing = Signing.SIGNS
    keying: Keying = Keying.RIGHT
    number: str = _TELEPHONE
    """What he keys where a number is wanted."""
    _given: TestCard | None = None
    _failed: TestCard | None = None

    def give(self, card: TestCard) -> None:
        """Put this in his hand: he presents it at the wait under way or the next one, whether it fits or not."""
        self._given = card

    @property
    def hurries(self) -> bool:
        """Whether he has something in his hand already."""
        return self._given is not None

    def card_for(self, type_: str) -> TestCard | None:
        """The card that he presents now."""
        if type_ in STRIPE_TYPES:
            card, self._failed = self._failed, None
            return card or self._of_purse(type_)
        if self._given is not None and self._given.kind is not _WALLET:
            card, self._given = self._given, None
            return card
        return self._of_purse(type_)

    def wallet(self) -> TestCard | None:
        """The code that he shows now, or the card that he puts in instead."""
        if self._given is not None:
            card, self._given = self._given, None
            return card
        return next((card for card in self.purse if card.kind is _WALLET), None)

    def took_back(self, card: TestCard) -> None:
        """The chip failed: it is this card's stripe that he will be asked for."""
        self._failed = card

    def pin_of(self, card: TestCard) -> str | None:
        """The PIN that he keys; None: he does nothing. A wrong one has all digits but the right ones."""
        if self.keying is Keying.WALKS_AWAY:
            return None
        if self.keying is Keying.WRONG:
            return "".join(str((int(digit) + 1) % 10) for digit in card.pin)
        return card.pin

    def _of_purse(self, type_: str) -> TestCard | None:
        first = None
        for card in self.purse:
            if card.kind is _WALLET:
                continue
            if fits(card, type_):
                return card
            first = first or card
        return first
