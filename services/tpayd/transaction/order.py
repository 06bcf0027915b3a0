"""What was ordered, as the journal keeps it, and what each kind of order asks of the state table.

A number that was typed or scanned at the POS never becomes part of an order: it travels beside it, in memory.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from tpayd_contracts.device import TransactionType
from tpayd_contracts.money import Amount
from tpayd_contracts.orders import CardNetwork, CashReceiptPurpose, CashReceiptVoidReason, OriginalPayment
from tpayd_contracts.payment import PaymentKind as K

__all__ = ["RULES", "OnUnknown", "Order", "Reads", "Rules"]


class Reads(enum.StrEnum):
    """What a reader has to read."""

    NOTHING = "nothing"
    CARD = "card"
    CODE = "code"
    NUMBER = "number"
    """No reader: the customer keys it, on a pad or on the lane's screen."""


class OnUnknown(enum.Enum):
    """What follows when the host's answer is lost."""

    REVERSE = "reverse"
    INQUIRE = "inquire"
    NOTHING = "nothing"
    """No money was to move."""


class Rules(Struct, frozen=True, kw_only=True):
    """One kind of order."""

    reads: Reads = Reads.CARD
    on_unknown: OnUnknown = OnUnknown.REVERSE
    card: TransactionType = TransactionType.CREDIT
    """What the reader is told the card is for."""
    finishes_card: bool = False
    """The card in the reader has the last word (second GENERATE AC)."""
    signs: bool = False
    asks_duplicate: bool = False
    needs_open_terminal: bool = False
    """Refused at a terminal that is not open, while fraud-cancel prevention is on [부정취소 방지]."""
    takes_back: frozenset[K] = frozenset()
    """The kinds of payment whose money it gives back; empty: none."""


RULES: Mapping[K, Rules] = MappingProxyType(
    {
        K.SALE: Rules(finishes_card=True, signs=True, asks_duplicate=True, needs_open_terminal=True),
        K.VOID: Rules(reads=Reads.NOTHING, takes_back=frozenset({K.SALE, K.SIMPLE_PAY}), needs_open_terminal=True),
        K.SIMPLE_PAY: Rules(reads=Reads.CODE, asks_duplicate=True),
        K.SIMPLE_PAY_VOID: Rules(reads=Reads.NOTHING, takes_back=frozenset({K.SIMPLE_PAY})),
        K.CASH_RECEIPT: Rules(card=TransactionType.CASH_RECEIPT),
        K.CASH_RECEIPT_VOID: Rules(reads=Reads.NOTHING, takes_back=frozenset({K.CASH_RECEIPT})),
        K.CASH_IC_SALE: Rules(card=TransactionType.CASH_IC, on_unknown=OnUnknown.INQUIRE, asks_duplicate=True),
        K.CASH_IC_REFUND: Rules(
            card=TransactionType.CASH_IC, on_unknown=OnUnknown.INQUIRE, takes_back=frozenset({K.CASH_IC_SALE})
        ),
        K.CASH_IC_BALANCE: Rules(card=TransactionType.CASH_IC_INQUIRY, on_unknown=OnUnknown.NOTHING),
    }
)


# Bound once: to look a member up in its enum takes ten times as long as to read a name of the module.
_SELF_ISSUE = CashReceiptPurpose.SELF_ISSUE
_UNIONPAY = CardNetwork.UNIONPAY


class Order(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One order. Holds nothing by which a customer could be named."""

    kind: K = K.SALE
    amount: Amount | None = None
    """None for a balance, and for a void until its original is known."""
    installments: int = 0
    reference: str | None = None
    network: CardNetwork = CardNetwork.CREDIT
    allow_duplicate: bool = False
    original: OriginalPayment | None = None
    purpose: CashReceiptPurpose | None = None
    void_reason: CashReceiptVoidReason | None = None
    shown: str | None = None
    """The number that came with the request, masked."""
    standalone: bool = False
    """Made without a POS [단독결제]: see `tpayd.transaction.standalone`."""
    reuse_signature: bool = False
    """The last signature of the lane counts for it as well, if it was given for the same card."""
    keys_number: bool = False
    """The customer keys for whom a cash receipt is."""
    provider: str | None = None
    """The wallet that a scanned code belongs to."""

    @property
    def rules(self) -> Rules:
        return RULES[self.kind]

    @property
    def reads(self) -> Reads:
        """What a reader has to read for this order."""
        if self.shown is not None or self.purpose is _SELF_ISSUE:
            return Reads.NOTHING
        return Reads.NUMBER if self.keys_number else self.rules.reads

    @property
    def card_type(self) -> TransactionType:
        """What the reader is told the card is for."""
        return TransactionType.UNIONPAY if self.network is _UNIONPAY else self.rules.card
