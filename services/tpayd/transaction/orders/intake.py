"""Takes in an order: what of it may be written down, and what may only be carried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from tpayd.kit.bus import CallError
from tpayd.transaction.order import Order
from tpayd.transaction.orders.wallets import provider_of
from tpayd_contracts import orders, standalone
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.operation import Op
from tpayd_contracts.payment import EntryMode
from tpayd_contracts.payment import PaymentKind as K

__all__ = ["INTAKE", "Carried", "Taken", "masked", "masked_code"]

SELF_ISSUE_NUMBER = b"0100001234"
"""The tax office's number for a cash receipt that nobody claims [자진발급]."""
_CARD_DIGITS = 13
"""Numbers as long as this may be a card's: BIN6 and last four is all that may be shown (PCI DSS 4.0.1, 3.4.1)."""
_CODE_SHOWN = 6


@dataclass(frozen=True, slots=True, repr=False)
class Carried:
    """A number that came with the request. It lives in memory, until it is encrypted, and never longer."""

    number: bytes
    entry_mode: EntryMode


Taken = tuple[Order, Carried | None]


def masked(number: str) -> str:
    """A typed number as it may be shown and kept."""
    head, tail = (6, 4) if len(number) >= _CARD_DIGITS else (3, 3)
    return number[:head] + "*" * (len(number) - head - tail) + number[-tail:]


def masked_wholly(number: str) -> str:
    """Nothing of a number but its length."""
    return "*" * len(number)


def masked_code(code: str) -> str:
    """A wallet's code as it may be shown and kept: how it begins."""
    return code[:_CODE_SHOWN] + "*" * 10


def _sale(request: orders.SaleRequest) -> Taken:
    return Order(
        amount=request.amount, installments=request.installments, reference=request.reference, network=request.network,
        allow_duplicate=request.allow_duplicate, reuse_signature=request.reuse_signature,
    ), None  # fmt: skip


def _void(request: orders.VoidRequest) -> Taken:
    return Order(kind=K.VOID, amount=request.amount, original=request.original, reference=request.reference), None


def _cash_receipt(request: orders.CashReceiptRequest) -> Taken:
    order = Order(
        kind=K.CASH_RECEIPT, amount=request.amount, purpose=request.purpose, reference=request.reference,
        shown=None if request.identity is None else masked(request.identity), keys_number=request.key_number,
    )  # fmt: skip
    if request.purpose == orders.CashReceiptPurpose.SELF_ISSUE:
        return order, Carried(SELF_ISSUE_NUMBER, EntryMode.KEYED)
    return order, None if request.identity is None else Carried(request.identity.encode(), EntryMode.KEYED)


def _cash_receipt_void(request: orders.CashReceiptVoidRequest) -> Taken:
    return Order(
        kind=K.CASH_RECEIPT_VOID, amount=request.amount, original=request.original, void_reason=request.void_reason,
        reference=request.reference,
    ), None  # fmt: skip


def _cash_ic_sale(request: orders.CashIcSaleRequest) -> Taken:
    return Order(
        kind=K.CASH_IC_SALE, amount=request.amount, reference=request.reference,
        allow_duplicate=request.allow_duplicate,
    ), None  # fmt: skip


def _cash_ic_refund(request: orders.CashIcRefundRequest) -> Taken:
    return Order(kind=K.CASH_IC_REFUND, original=request.original, reference=request.reference), None


def _cash_ic_balance(request: orders.CashIcBalanceRequest) -> Taken:
    return Order(kind=K.CASH_IC_BALANCE, reference=request.reference), None


def _simple_pay(request: orders.SimplePayRequest) -> Taken:
    order = Order(
        kind=K.SIMPLE_PAY, amount=request.amount, installments=request.installments, reference=request.reference,
        allow_duplicate=request.allow_duplicate,
    )  # fmt: skip
    code = request.code
    if code is None:
        return order, None
    provider = provider_of(code)
    if provider is None:
        text = "no wallet has codes like this one; docs/pos-protocol.md lists the wallets"
        raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.code")
    return replace(order, shown=masked_code(code), provider=provider), Carried(code.encode(), EntryMode.BARCODE)


def _standalone_sale(request: standalone.StandaloneSaleRequest) -> Taken:
    return Order(
        amount=request.amount, installments=request.installments, allow_duplicate=request.allow_duplicate,
        standalone=True,
    ), None  # fmt: skip


def _standalone_cash_receipt(request: standalone.StandaloneCashReceiptRequest) -> Taken:
    order, carried = _cash_receipt(
        orders.CashReceiptRequest(request.lane, request.amount, request.purpose, request.identity)
    )
    # Not even the number's masked form is kept.
    return replace(order, standalone=True, shown=order.shown and masked_wholly(order.shown)), carried


INTAKE: Mapping[str, tuple[Op[Any, Any], Callable[[Any], Taken]]] = MappingProxyType(
    {
        op.name: (op, take)
        for op, take in (
            (orders.SALE, _sale),
            (orders.VOID, _void),
            (orders.CASH_RECEIPT_ISSUE, _cash_receipt),
            (orders.CASH_RECEIPT_VOID, _cash_receipt_void),
            (orders.CASH_IC_SALE, _cash_ic_sale),
            (orders.CASH_IC_REFUND, _cash_ic_refund),
            (orders.CASH_IC_BALANCE, _cash_ic_balance),
            (orders.SIMPLE_PAY_SALE, _simple_pay),
            (standalone.STANDALONE_SALE, _standalone_sale),
            (standalone.STANDALONE_CASH_RECEIPT, _standalone_cash_receipt),
        )
    }
)
"""By the operation's name: the operation, and how its request is taken in."""
