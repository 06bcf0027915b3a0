"""Every transaction that a POS can order travels to the host and back, and ends with one verdict (T10)."""

from __future__ import annotations

import pytest

from tests.integration.payment.till import Till
from tpayd_client import Amount, TpaydError
from tpayd_client.types import (
    CardNetwork,
    CashIcBalanceRequest,
    CashIcRefundRequest,
    CashIcSaleRequest,
    CashReceiptPurpose,
    CashReceiptRequest,
    CashReceiptVoidReason,
    CashReceiptVoidRequest,
    EntryMode,
    OriginalPayment,
    PaymentKind,
    SaleRequest,
    SimplePayRequest,
    VoidRequest,
)
from tpayd_contracts.sandbox import HostMode

AMOUNT = Amount(total_minor=51_000, vat_minor=4_636)
WALLETS = {
    "281006000123456789012345": "kakaopay",
    "800088000123456789012345": "zeropay",
    "hQVDUFYwMWEVTwegAAAAAxAQUApWSVNBIERFQklU": "emv_qr",
    "130123456789012345": "wechat",
    "280123456789012345": "alipay",
    "901234567890123456789": "app_card",
}


@pytest.mark.parametrize(
    ("purpose", "number", "shown"),
    [
        (CashReceiptPurpose.DEDUCTION, "01012345678", "010*****678"),
        (CashReceiptPurpose.EXPENSE, "1048658278", "104****278"),
    ],
)
def test_a_cash_receipt_for_a_keyed_number(till: Till, purpose: CashReceiptPurpose, number: str, shown: str) -> None:
    """The number is shown masked, and needs no reader."""
    issued = till.pos.order(CashReceiptRequest(till.lane, AMOUNT, purpose, identity=number))
    assert ("PAID", PaymentKind.CASH_RECEIPT) == (issued.verdict, issued.kind), (issued.reason, issued.response_code)
    assert issued.card is not None
    assert (shown, EntryMode.KEYED) == (issued.card.masked_pan, issued.card.entry_mode)
    assert 51_000 == till.host_net(issued)


def test_a_cash_receipt_that_nobody_claims(till: Till) -> None:
    """Self-issue [자진발급] goes under the tax office's own number."""
    issued = till.pos.order(CashReceiptRequest(till.lane, AMOUNT, CashReceiptPurpose.SELF_ISSUE))
    assert "PAID" == issued.verdict


def test_a_cash_receipt_for_a_card(till: Till) -> None:
    """A card that only says for whom the receipt is."""
    till.cards("receipt-card")
    issued = till.pos.order(CashReceiptRequest(till.lane, AMOUNT, CashReceiptPurpose.DEDUCTION))
    assert "PAID" == issued.verdict
    assert issued.card is not None
    assert EntryMode.STRIPE == issued.card.entry_mode


def test_a_cash_receipt_is_taken_back_with_a_reason(till: Till) -> None:
    """By its request id or by its receipt."""
    issued = till.pos.order(CashReceiptRequest(till.lane, AMOUNT, CashReceiptPurpose.DEDUCTION, identity="01012345678"))
    taken = till.pos.order(
        CashReceiptVoidRequest(
            till.lane, OriginalPayment(request_id=issued.request_id), CashReceiptVoidReason.MIS_ISSUE
        )
    )
    assert ("PAID", PaymentKind.CASH_RECEIPT_VOID) == (taken.verdict, taken.kind), (taken.reason, taken.response_code)
    assert 51_000 == till.status(issued.request_id).voided_minor
    assert 0 == till.host_net(issued)


def test_a_sale_is_not_taken_back_as_a_cash_receipt(till: Till) -> None:
    """Each kind takes back its own."""
    sale = till.sale(51_001)
    with pytest.raises(TpaydError, match="takes back cash_receipt only"):
        till.pos.order(
            CashReceiptVoidRequest(till.lane, OriginalPayment(request_id=sale.request_id), CashReceiptVoidReason.CANCEL)
        )


@pytest.mark.parametrize("code", sorted(WALLETS))
def test_a_wallet_pays_by_its_code(till: Till, code: str) -> None:
    """The code's beginning says whose it is; the rest is never shown."""
    paid = till.pos.order(SimplePayRequest(till.lane, AMOUNT, code=code))
    assert "PAID" == paid.verdict
    assert paid.card is not None
    assert (WALLETS[code], EntryMode.BARCODE) == (paid.card.label, paid.card.entry_mode)
    assert code[6:] not in repr(paid)


def test_a_wallet_is_scanned_by_a_reader(till: Till) -> None:
    """Where the POS has no scanner."""
    till.cards("kakaopay")
    paid = till.pos.order(SimplePayRequest(till.lane, AMOUNT))
    assert "PAID" == paid.verdict
    assert paid.card is not None
    assert "kakaopay" == paid.card.label


def test_a_wallet_gets_its_money_back(till: Till) -> None:
    """The same void as for a card."""
    paid = till.pos.order(SimplePayRequest(till.lane, AMOUNT, code="281006000123456789012345"))
    voided = till.pos.order(VoidRequest(till.lane, OriginalPayment(request_id=paid.request_id)))
    assert ("PAID", PaymentKind.SIMPLE_PAY_VOID) == (voided.verdict, voided.kind)
    assert 0 == till.host_net(paid)


def test_a_code_of_no_wallet_is_refused(till: Till) -> None:
    """Before anything starts, and the field is named."""
    with pytest.raises(TpaydError) as refused:
        till.pos.order(SimplePayRequest(till.lane, AMOUNT, code="ZZZZ-0000-0000"))
    assert "$.code" == refused.value.field


def test_a_bank_card_pays_with_its_pin(till: Till) -> None:
    """And gets its money back."""
    till.cards("cash-ic")
    paid = till.pos.order(CashIcSaleRequest(till.lane, AMOUNT))
    assert ("PAID", 51_000) == (paid.verdict, till.host_net(paid)), (paid.reason, paid.response_code)
    refunded = till.pos.order(CashIcRefundRequest(till.lane, OriginalPayment(request_id=paid.request_id)))
    assert ("PAID", PaymentKind.CASH_IC_REFUND) == (refunded.verdict, refunded.kind)
    assert 0 == till.host_net(paid)


def test_a_bank_card_tells_its_balance_once(till: Till) -> None:
    """To whoever asked; a later status does not repeat it."""
    till.cards("cash-ic")
    asked = till.pos.order(CashIcBalanceRequest(till.lane))
    assert "PAID" == asked.verdict
    assert asked.balance_minor is not None
    assert till.status(asked.request_id).balance_minor is None


@pytest.mark.parametrize("mode", [HostMode.SILENT, HostMode.HANG_UP])
def test_a_bank_card_payment_without_an_answer_is_inquired(till: Till, mode: HostMode) -> None:
    """The host has booked it, and says so when asked: PAID, and paid once."""
    till.cards("cash-ic")
    till.store.sandbox.host(mode, times=1)
    paid = till.pos.order(CashIcSaleRequest(till.lane, AMOUNT), timeout_s=30)
    assert ("PAID", 51_000) == (paid.verdict, till.host_net(paid)), (paid.reason, paid.response_code)


def test_a_bank_card_payment_that_the_host_never_saw_is_not_paid(till: Till) -> None:
    """It is asked about until the host must know, and then it is not paid."""
    till.cards("cash-ic")
    till.store.sandbox.host(HostMode.DEAF, times=1)
    lost = till.pos.order(CashIcSaleRequest(till.lane, AMOUNT), timeout_s=30)
    assert "NOT_PAID" == lost.verdict
    assert 0 == till.host_net(lost)


def test_unionpay_pays_with_its_pin(till: Till) -> None:
    """China UnionPay [은련]."""
    till.cards("unionpay-ic")
    paid = till.pos.order(SaleRequest(till.lane, AMOUNT, network=CardNetwork.UNIONPAY))
    assert ("PAID", 51_000) == (paid.verdict, till.host_net(paid)), (paid.reason, paid.response_code)


def test_a_membership_card_is_read_and_not_kept(till: Till) -> None:
    """The number goes to the POS, and into no file."""
    till.cards("member")
    card = till.pos.membership(till.lane)
    assert "8800123456789010" == card.number
    assert [] == till.store.card_number_leaks()


def test_above_the_limit_the_customer_signs(till: Till) -> None:
    """Up to 50,000 won nobody does [무서명]."""
    till.cards("visa-ic")
    for amount, expected in ((50_000, False), (50_001, True)):
        paid = till.sale(amount)
        assert "PAID" == paid.verdict
        story = till.pos.explain(till.lane, paid.request_id)
        assert expected == any(step.event == "signed" for step in story.steps)
