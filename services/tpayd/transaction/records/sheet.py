"""A receipt as data, from the payment and the store. Pure, so a reprint says what the first print said."""

from __future__ import annotations

from msgspec.structs import replace

from tpayd.kit.store_settings import Merchant
from tpayd.transaction.payment import Payment
from tpayd.transaction.receipt import receipt_of
from tpayd.transaction.records.receipt_text import lines_of
from tpayd_contracts.money import Amount
from tpayd_contracts.records import (
    OriginalOnReceipt,
    ReceiptAmounts,
    ReceiptMerchant,
    ReceiptRequest,
    ReceiptSheet,
)

__all__ = ["sheet_of"]


def sheet_of(payment: Payment, merchant: Merchant, asked: ReceiptRequest) -> ReceiptSheet | None:
    """The receipt that was asked for, this print counted; None for a payment that has none."""
    receipt = receipt_of(payment, merchant)
    if receipt is None or payment.amount is None or payment.approval_code is None:
        return None
    order, prints = payment.ordered, payment.prints.get(asked.copy.value, 0)
    sheet = ReceiptSheet(
        lane=payment.lane,
        request_id=payment.request_id,
        kind=order.kind,
        copy=asked.copy,
        language=asked.language,
        reprint=asked.reprint or prints > 1,
        prints=prints,
        merchant=ReceiptMerchant(
            id=receipt.merchant_id, name=receipt.merchant_name, business_number=receipt.business_number,
            address=merchant.address, tel=merchant.tel,
            representative=merchant.representative,
        ),
        terminal_id=receipt.terminal_id,
        amounts=_amounts(payment.amount, -1 if order.rules.takes_back else 1),
        approval_code=payment.approval_code,
        approved_at=receipt.printed_at,
        lines=(),
        installments=order.installments,
        card=payment.card,
        purpose=order.purpose.value if order.purpose is not None else None,
        original=_original(payment),
        reference=order.reference,
        voided_minor=payment.voided_minor,
        emv=payment.emv,
    )  # fmt: skip
    return replace(sheet, lines=lines_of(sheet))


def _amounts(amount: Amount, sign: int) -> ReceiptAmounts:
    return ReceiptAmounts(
        total_minor=sign * amount.total_minor,
        supply_minor=sign * amount.supply,
        vat_minor=sign * amount.vat_minor,
        service_charge_minor=sign * amount.service_charge_minor,
        tax_free_minor=sign * amount.tax_free_minor,
        currency=amount.currency,
    )


def _original(payment: Payment) -> OriginalOnReceipt | None:
    claim = payment.claim
    if claim is None:
        return None
    return OriginalOnReceipt(claim.approval_code, claim.approved_on, claim.request_id)
