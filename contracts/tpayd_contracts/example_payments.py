"""Examples of what a POS orders and is told: a part of `examples`, and told as one story with it."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from tpayd_contracts import orders, payment
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import PaymentKind

__all__ = ["AMOUNT", "AT_MS", "CLOSED", "PAID", "PAYMENTS", "REQUEST_ID", "Example"]


@dataclass(frozen=True)
class Example:
    """The messages of one operation."""

    request: Struct
    reply: Struct
    progress: Struct | None = None


REQUEST_ID = "3f0c2a52-6a0e-4c2f-9a41-5d3c8e1b7f60"
AMOUNT = Amount(total_minor=11_000, supply_minor=10_000, vat_minor=1_000)
AT_MS = 1_772_414_130_000

_ORIGINAL = orders.OriginalPayment(request_id="0a9be2f4-51c7-4d0e-8a55-6f2d1c3b4e70")
_ON_RECEIPT = orders.OriginalPayment(approval_code="30215512", approved_on="20260302", amount_minor=11_000)
PAID = payment.PaymentResult(
    lane="1",
    request_id=REQUEST_ID,
    verdict=payment.Verdict.PAID,
    state=payment.PaymentState.APPROVED,
    message="Approved",
    message_ko="승인되었습니다",
    payment_id="p-1-000042",
    amount=AMOUNT,
    approval_code="30215512",
    response_code="00",
    approved_at_ms=AT_MS,
    card=payment.CardSummary(
        masked_pan="476173******0119",
        entry_mode=payment.EntryMode.IC,
        label="VISA CREDIT",
        issuer="Sandbox Card",
        acquirer="Sandbox Card",
    ),
    stan="000042",
    host_profile="test",
    business_day="20260302",
    reference="R-2026-0001",
    receipt=payment.Receipt(
        merchant_id="TPAYDSANDBOX001",
        merchant_name="Corner Shop",
        business_number="104-86-58278",
        terminal_id="TPAY0001",
        printed_at="2026-03-02T10:15:30+09:00",
        installments=0,
        emv={"84": "A0000000031010", "50": "VISA CREDIT", "95": "0080008000", "9F26": "1122334455667788"},
    ),
    times=payment.TimeSplit(
        total_us=2_412_000, customer_us=1_800_000, reader_us=560_000, host_us=48_000, daemon_us=4_000
    ),
)
_ABORTED = payment.PaymentResult(
    lane="1",
    request_id=REQUEST_ID,
    verdict=payment.Verdict.NOT_PAID,
    state=payment.PaymentState.ABORTED,
    message="Aborted at the register",
    message_ko="결제가 취소되었습니다",
    reason=payment.Reason.ABORTED_BY_POS,
    payment_id="p-1-000042",
    amount=AMOUNT,
)
_WAITING = payment.PaymentResult(
    lane="1",
    request_id=REQUEST_ID,
    verdict=payment.Verdict.WAIT,
    state=payment.PaymentState.SENDING,
    message="Waiting for the card host",
    message_ko="승인 요청 중입니다",
    reason=payment.Reason.IN_PROGRESS,
    known_in_ms=15_000,
    payment_id="p-1-000042",
    amount=AMOUNT,
)
CLOSED = payment.PaymentResult(
    lane="1",
    request_id=REQUEST_ID,
    verdict=payment.Verdict.PAID,
    state=payment.PaymentState.CLOSED,
    message="Approved",
    message_ko="승인되었습니다",
    payment_id="p-1-000042",
    amount=AMOUNT,
    approval_code="30215512",
)


def _done(kind: PaymentKind, entry_mode: payment.EntryMode | None = None, masked: str = "") -> payment.PaymentResult:
    card = None if entry_mode is None else payment.CardSummary(masked_pan=masked, entry_mode=entry_mode)
    return replace(PAID, kind=kind, card=card, reference=None, receipt=None, times=None)


def _step(step: payment.Step, text: str, text_ko: str) -> payment.PaymentProgress:
    return payment.PaymentProgress(step=step, text=text, text_ko=text_ko)


_ASKING = _step(payment.Step.ASKING_HOST, "Asking the card host for approval", "승인 요청 중입니다")
_PIN = _step(payment.Step.ENTER_PIN, "Enter the PIN on the reader", "비밀번호를 입력해 주십시오")
_PRESENT = _step(payment.Step.PRESENT_CARD, "Insert, tap or swipe the card", "카드를 삽입하거나 대 주십시오")
_SHOW = _step(payment.Step.SHOW_CODE, "Show the payment code", "결제 코드를 보여 주십시오")
_BANK_CARD = "621234******1234"

PAYMENTS: dict[str, Example] = {
    orders.SALE.name: Example(
        orders.SaleRequest(lane="1", amount=AMOUNT, installments=3, reference="R-2026-0001"),
        PAID,
        payment.PaymentProgress(
            step=payment.Step.PRESENT_CARD,
            text="Present the card at Reader 1",
            text_ko="Reader 1에 카드를 넣어 주세요",
            reader="Reader 1",
            remaining_ms=30_000,
        ),
    ),
    orders.VOID.name: Example(orders.VoidRequest(lane="1", original=_ORIGINAL), _done(PaymentKind.VOID), _ASKING),
    orders.CASH_RECEIPT_ISSUE.name: Example(
        orders.CashReceiptRequest("1", AMOUNT, orders.CashReceiptPurpose.DEDUCTION, identity="01000000000"),
        _done(PaymentKind.CASH_RECEIPT, payment.EntryMode.KEYED, "010*****000"),
        _ASKING,
    ),
    orders.CASH_RECEIPT_VOID.name: Example(
        orders.CashReceiptVoidRequest("1", _ON_RECEIPT, orders.CashReceiptVoidReason.CANCEL),
        _done(PaymentKind.CASH_RECEIPT_VOID),
        _ASKING,
    ),
    orders.CASH_IC_SALE.name: Example(
        orders.CashIcSaleRequest(lane="1", amount=AMOUNT),
        _done(PaymentKind.CASH_IC_SALE, payment.EntryMode.IC, _BANK_CARD),
        _PIN,
    ),
    orders.CASH_IC_REFUND.name: Example(
        orders.CashIcRefundRequest(lane="1", original=_ORIGINAL),
        _done(PaymentKind.CASH_IC_REFUND, payment.EntryMode.IC, _BANK_CARD),
        _PIN,
    ),
    orders.CASH_IC_BALANCE.name: Example(
        orders.CashIcBalanceRequest(lane="1"),
        replace(
            _done(PaymentKind.CASH_IC_BALANCE, payment.EntryMode.IC, _BANK_CARD), amount=None, balance_minor=250_000
        ),
        _PIN,
    ),
    orders.SIMPLE_PAY_SALE.name: Example(
        orders.SimplePayRequest(lane="1", amount=AMOUNT),
        _done(PaymentKind.SIMPLE_PAY, payment.EntryMode.BARCODE, "281006***************"),
        _SHOW,
    ),
    orders.MEMBERSHIP_READ.name: Example(
        orders.MembershipRequest(lane="1"), orders.MembershipCard(number="8800000000000001"), _PRESENT
    ),
    payment.STATUS.name: Example(payment.PaymentRef(lane="1", request_id=REQUEST_ID), _WAITING),
    payment.CONFIRM.name: Example(payment.Confirmation(lane="1", request_id=REQUEST_ID, proceed=True), _WAITING),
    payment.ABORT.name: Example(payment.PaymentRef(lane="1", request_id=REQUEST_ID), _ABORTED),
    payment.ACKNOWLEDGE.name: Example(payment.PaymentRef(lane="1", request_id=REQUEST_ID), CLOSED),
}
