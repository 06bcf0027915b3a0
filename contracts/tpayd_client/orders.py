"""Every order that a client may place, by the type of its request."""

from __future__ import annotations

from tpayd_client.types import (
    CashIcBalanceRequest,
    CashIcRefundRequest,
    CashIcSaleRequest,
    CashReceiptRequest,
    CashReceiptVoidRequest,
    SaleRequest,
    SimplePayRequest,
    StandaloneCashReceiptRequest,
    StandaloneSaleRequest,
    VoidRequest,
)

__all__ = ["OPS", "Order"]

Order = (
    SaleRequest
    | VoidRequest
    | CashReceiptRequest
    | CashReceiptVoidRequest
    | CashIcSaleRequest
    | CashIcRefundRequest
    | CashIcBalanceRequest
    | SimplePayRequest
    | StandaloneSaleRequest
    | StandaloneCashReceiptRequest
)

OPS: dict[type, str] = {
    SaleRequest: "payment.sale",
    VoidRequest: "payment.void",
    CashReceiptRequest: "cash_receipt.issue",
    CashReceiptVoidRequest: "cash_receipt.void",
    CashIcSaleRequest: "cash_ic.sale",
    CashIcRefundRequest: "cash_ic.refund",
    CashIcBalanceRequest: "cash_ic.balance",
    SimplePayRequest: "simple_pay.sale",
    StandaloneSaleRequest: "standalone.sale",
    StandaloneCashReceiptRequest: "standalone.cash_receipt",
}
