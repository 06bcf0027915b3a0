"""All that a till can ask for, drawn by chance, as one of the store's customers would have it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tpayd_client.types import (
    Amount,
    CashIcBalanceRequest,
    CashIcRefundRequest,
    CashIcSaleRequest,
    CashReceiptPurpose,
    CashReceiptRequest,
    CashReceiptVoidReason,
    CashReceiptVoidRequest,
    OriginalPayment,
    PaymentResult,
    SaleRequest,
    SimplePayRequest,
    VoidRequest,
)

__all__ = ["EVERYTHING", "PHONE", "TRIGGERS", "WALLET_CODE", "Customers", "Order", "Wish"]

PHONE = "01098765432"
"""Keyed for cash receipts. Must never reach a disk, as no card number may."""
WALLET_CODE = "281006000123456789012345"
TRIGGERS = (*[0] * 36, 51, 91, 92, 93, 94, 94, 95, 96, 96, 97, 98)
"""The last four digits of amounts: what the host does with them, from approval to hanging up."""
EVERYTHING = {
    "sale": 50.0,
    "void": 12.0,
    "cash_receipt": 8.0,
    "cash_receipt_void": 4.0,
    "cash_ic_sale": 8.0,
    "cash_ic_refund": 4.0,
    "cash_ic_balance": 2.0,
    "simple_pay": 9.0,
}
_ORIGINALS = {
    "void": ("sale", "simple_pay"),
    "cash_receipt_void": ("cash_receipt",),
    "cash_ic_refund": ("cash_ic_sale",),
}
_BY_RECEIPT = 0.2
"""Share of originals that are named as their receipt shows them, which any lane may do."""

Order = (
    SaleRequest | VoidRequest | CashReceiptRequest | CashReceiptVoidRequest | CashIcSaleRequest | CashIcRefundRequest
    | CashIcBalanceRequest | SimplePayRequest
)  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """An order, and the amount under which the books compare it."""

    kind: str
    order: Order
    amount_minor: int
    original: PaymentResult | None = None


@dataclass
class Customers:
    """Those of one lane; they bring back what they have bought."""

    lane: str
    chance: random.Random
    next_number: Callable[[], int]
    kinds: dict[str, float]
    triggers: tuple[int, ...]
    bought: dict[str, list[PaymentResult]] = field(default_factory=dict)

    def next(self) -> Wish:
        """What the next one wants. Without anything to take back, a sale."""
        (kind,) = self.chance.choices(list(self.kinds), list(self.kinds.values()))
        if kind in _ORIGINALS:
            originals = [each for of in _ORIGINALS[kind] for each in self.bought.get(of, [])]
            if originals:
                return self._give_back(kind, self.chance.choice(originals))
            kind = "sale"
        if kind == "cash_ic_balance":
            return Wish(kind, CashIcBalanceRequest(self.lane), 0)
        total_minor = self.next_number() * 10_000 + self.chance.choice(self.triggers)
        return Wish(kind, self._order(kind, Amount(total_minor=total_minor)), total_minor)

    def learn(self, wish: Wish, result: PaymentResult) -> None:
        """The verdict is known: what was bought may be brought back, and what was given back is gone."""
        if result.verdict != "PAID":
            return
        if wish.original is None:
            self.bought.setdefault(wish.kind, []).append(result)
            return
        for results in self.bought.values():
            if wish.original in results:
                results.remove(wish.original)

    def _order(self, kind: str, amount: Amount) -> Order:
        if kind == "cash_receipt":
            return self._cash_receipt(amount)
        if kind == "cash_ic_sale":
            return CashIcSaleRequest(self.lane, amount)
        if kind == "simple_pay":
            return SimplePayRequest(self.lane, amount, code=self.chance.choice((WALLET_CODE, None)))
        return SaleRequest(self.lane, amount, installments=self.chance.choice((0, 0, 3)))

    def _cash_receipt(self, amount: Amount) -> CashReceiptRequest:
        purpose = self.chance.choice(list(CashReceiptPurpose))
        if purpose is CashReceiptPurpose.SELF_ISSUE:
            return CashReceiptRequest(self.lane, amount, purpose)
        number = {CashReceiptPurpose.DEDUCTION: PHONE, CashReceiptPurpose.EXPENSE: "1048658278"}[purpose]
        return CashReceiptRequest(self.lane, amount, purpose, identity=self.chance.choice((number, None)))

    def _give_back(self, kind: str, sold: PaymentResult) -> Wish:
        amount_minor = sold.amount.total_minor if sold.amount is not None else 0
        original = OriginalPayment(request_id=sold.request_id)
        if self.chance.random() < _BY_RECEIPT and sold.approved_at_ms is not None:
            day = time.strftime("%Y%m%d", time.localtime(sold.approved_at_ms / 1000))
            original = OriginalPayment(approval_code=sold.approval_code, approved_on=day, amount_minor=amount_minor)
        if kind == "cash_receipt_void":
            order: Order = CashReceiptVoidRequest(self.lane, original, self.chance.choice(list(CashReceiptVoidReason)))
        elif kind == "cash_ic_refund":
            order = CashIcRefundRequest(self.lane, original)
        else:
            order = VoidRequest(self.lane, original)
        return Wish(kind, order, amount_minor, sold)
