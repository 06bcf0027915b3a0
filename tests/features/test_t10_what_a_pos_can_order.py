"""T10: credit sale and void with their parts, UnionPay, cash receipt, cash-IC, membership, simple pay by code."""

from __future__ import annotations

import pytest

from tests.integration.payment.till import Till
from tpayd_client import InvalidRequest
from tpayd_client.types import (
    Amount,
    CardNetwork,
    CashIcSaleRequest,
    CashReceiptPurpose,
    CashReceiptRequest,
    CashReceiptVoidReason,
    CashReceiptVoidRequest,
    OriginalPayment,
    SaleRequest,
    SimplePayRequest,
    Verdict,
    VoidRequest,
)


def test_a_sale_in_parts_by_installments_and_its_void(till: Till) -> None:
    """VAT, service charge and tax-free part add up; the money goes back once."""
    amount = Amount(
        total_minor=110_000, supply_minor=80_000, vat_minor=10_000, service_charge_minor=5_000, tax_free_minor=15_000
    )
    sold = till.pos.order(SaleRequest("1", amount, installments=3))
    net = till.host_net(sold)
    void = till.pos.order(VoidRequest("1", OriginalPayment(request_id=sold.request_id)))

    assert (Verdict.PAID, 110_000) == (sold.verdict, net)
    assert (Verdict.PAID, 0) == (void.verdict, till.host_net(sold))


def test_parts_that_do_not_add_up_are_refused(till: Till) -> None:
    """Before anything begins."""
    with pytest.raises(InvalidRequest) as refused:
        till.pos.order(SaleRequest("1", Amount(total_minor=110_000, supply_minor=1, vat_minor=1)))
    assert "amount" in str(refused.value.field)


def test_unionpay(till: Till) -> None:
    """The card's own network, with its PIN."""
    till.cards("unionpay-ic")
    order = SaleRequest("1", Amount(total_minor=30_000), network=CardNetwork.UNIONPAY)
    assert Verdict.PAID == till.pos.order(order).verdict


def test_a_cash_receipt_and_its_void(till: Till) -> None:
    """Issued for a deduction, an expense or by itself; a void says why."""
    amount = Amount(total_minor=22_000)
    issued = till.pos.order(CashReceiptRequest("1", amount, CashReceiptPurpose.DEDUCTION, identity="01012345678"))
    original = OriginalPayment(request_id=issued.request_id)
    void = till.pos.order(CashReceiptVoidRequest("1", original, CashReceiptVoidReason.CANCEL))

    assert (Verdict.PAID, Verdict.PAID) == (issued.verdict, void.verdict)


def test_cash_ic(till: Till) -> None:
    """From a bank account, by chip card and PIN."""
    till.cards("cash-ic")
    assert Verdict.PAID == till.pos.order(CashIcSaleRequest("1", Amount(total_minor=21_000))).verdict


def test_simple_pay_by_a_code_that_the_pos_has_scanned(till: Till) -> None:
    """The wallet is known by its code."""
    order = SimplePayRequest("1", Amount(total_minor=9_000), code="281006000123456789012345")
    assert Verdict.PAID == till.pos.order(order).verdict


def test_a_membership_card(till: Till) -> None:
    """Its number is read, and nothing is paid."""
    till.cards("member")
    assert "8800123456789010" == till.pos.membership("1").number
