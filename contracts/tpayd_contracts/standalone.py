"""Payments without a POS [단독결제]: keyed at the console or the command line, where the store has enabled them.

The merchant behind the lane's terminal must have been downloaded (`merchant.download`); show its name and the terminal
before the customer pays. No POS is told, and nothing of the approval is kept once it is acknowledged: what is left
until close of business is a stub without card data, so that the books agree.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from tpayd_contracts.money import Amount
from tpayd_contracts.operation import Op, Right
from tpayd_contracts.orders import CashReceiptPurpose, Identity, Installments
from tpayd_contracts.payment import PaymentProgress, PaymentResult
from tpayd_contracts.secret import HidesSecrets
from tpayd_contracts.shapes import Lane, TerminalId
from tpayd_contracts.terminal import Merchant

__all__ = [
    "STANDALONE_CASH_RECEIPT",
    "STANDALONE_OPS",
    "STANDALONE_SALE",
    "STANDALONE_SHOW",
    "StandaloneCashReceiptRequest",
    "StandaloneQuery",
    "StandaloneSaleRequest",
    "StandaloneTerminal",
]


class StandaloneSaleRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A credit sale without a POS. Show the result, have its receipt printed, then acknowledge it."""

    lane: Lane
    """Whose terminal it is paid on; any reader of that lane takes the card."""
    amount: Amount
    installments: Installments = 0
    """Months; 0 is a lump sum [일시불], 1 does not exist."""
    allow_duplicate: bool = False
    """Do not ask if it looks like a payment that was just made."""

    def __post_init__(self) -> None:
        if self.installments == 1:
            raise ValueError("installments is 0 (lump sum) or 2 and more")


class StandaloneCashReceiptRequest(HidesSecrets, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A cash receipt [현금영수증] without a POS."""

    lane: Lane
    amount: Amount
    purpose: CashReceiptPurpose
    identity: Identity | None = None
    """Phone, business or cash receipt card number; left out: a card is read. Never kept."""

    def __post_init__(self) -> None:
        if self.purpose == CashReceiptPurpose.SELF_ISSUE and self.identity is not None:
            raise ValueError("identity must be left out with purpose self_issue")


class StandaloneQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Ask on whose behalf a lane would take a payment without a POS."""

    lane: Lane


class StandaloneTerminal(Struct, frozen=True):
    """To be shown, and looked at, before the customer pays."""

    lane: Lane
    terminal_id: TerminalId
    merchant: Merchant


STANDALONE_SHOW = Op("standalone.show", StandaloneQuery, StandaloneTerminal, right=Right.ADMIN)
"""Refused as the payment would be: `not_permitted` while such payments are off, `not_found` without merchant info."""
STANDALONE_SALE = Op(
    "standalone.sale", StandaloneSaleRequest, PaymentResult, PaymentProgress, Right.ADMIN, needs_key=True
)
STANDALONE_CASH_RECEIPT = Op(
    "standalone.cash_receipt", StandaloneCashReceiptRequest, PaymentResult, PaymentProgress, Right.ADMIN, needs_key=True
)
STANDALONE_OPS: tuple[Op[Any, Any], ...] = (STANDALONE_SHOW, STANDALONE_SALE, STANDALONE_CASH_RECEIPT)
