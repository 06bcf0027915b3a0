"""Examples of the questions about what is on record; the payment of `example_payments` once more."""

from __future__ import annotations

from tpayd_contracts import payment, records
from tpayd_contracts.example_payments import AMOUNT, AT_MS, CLOSED, PAID, REQUEST_ID, Example

__all__ = ["RECORDS"]

_REVERSED = payment.PaymentResult(
    lane="1",
    request_id=REQUEST_ID,
    verdict=payment.Verdict.NOT_PAID,
    state=payment.PaymentState.REVERSED,
    message="The card host did not answer; the payment is being reversed",
    message_ko="승인 응답이 없어 망취소를 진행합니다",
    reason=payment.Reason.HOST_SILENT,
    payment_id="p-1-000042",
    amount=AMOUNT,
)

RECORDS: dict[str, Example] = {
    records.LAST.name: Example(records.LaneRef(lane="1"), PAID),
    records.EXPLAIN.name: Example(
        records.ExplainRequest(lane="1", request_id=REQUEST_ID),
        records.Story(
            payment=CLOSED,
            steps=(
                records.StoryStep(
                    number=1,
                    at_ms=AT_MS,
                    at="2026-03-02T10:15:30.000+09:00",
                    offset_ms=0,
                    event="created",
                    share=records.Share.POS,
                    text="Lane 1 asked for a sale of 11,000 won",
                    state=payment.PaymentState.CREATED,
                ),
                records.StoryStep(
                    number=5,
                    at_ms=AT_MS + 2_408,
                    at="2026-03-02T10:15:32.408+09:00",
                    offset_ms=2_408,
                    event="host_approved",
                    share=records.Share.HOST,
                    text="The host approved it: 30215512",
                    state=payment.PaymentState.APPROVED,
                    told=payment.Verdict.PAID,
                ),
            ),
            told=payment.Verdict.PAID,
            told_at_ms=AT_MS + 2_408,
            acknowledged_at_ms=AT_MS + 2_500,
        ),
    ),
    records.RECEIPT.name: Example(
        records.ReceiptRequest(lane="1", request_id=REQUEST_ID, language=records.Language.EN, reprint=True),
        records.ReceiptSheet(
            lane="1",
            request_id=REQUEST_ID,
            kind=payment.PaymentKind.SALE,
            copy=records.ReceiptCopy.CUSTOMER,
            language=records.Language.EN,
            reprint=True,
            prints=1,
            merchant=records.ReceiptMerchant(
                id="TPAYDSANDBOX001", name="Corner Shop", business_number="104-86-58278", tel="02-123-4567"
            ),
            terminal_id="TPAY0001",
            amounts=records.ReceiptAmounts(total_minor=11_000, supply_minor=10_000, vat_minor=1_000),
            approval_code="30215512",
            approved_at="2026-03-02T10:15:30+09:00",
            lines=("Corner Shop", "TOTAL                           11,000 won"),
            card=PAID.card,
            reference="R-2026-0001",
        ),
    ),
    records.UNACKNOWLEDGED.name: Example(
        records.LaneQuery(lane="1"),
        records.UnacknowledgedPayments(
            payments=(
                records.UnacknowledgedPayment(
                    lane="1",
                    request_id=REQUEST_ID,
                    payment_id="p-1-000042",
                    kind=payment.PaymentKind.SALE,
                    amount_minor=11_000,
                    since_ms=AT_MS,
                    policy=records.UnacknowledgedPolicy.KEEP,
                    approval_code="30215512",
                ),
            ),
            after_s=120.0,
            total_minor=11_000,
        ),
    ),
    records.REVERSALS.name: Example(
        records.LaneQuery(),
        records.OwedReversals(
            reversals=(
                records.OwedReversal(
                    lane="1",
                    request_id=REQUEST_ID,
                    payment_id="p-1-000042",
                    state=payment.PaymentState.NEEDS_HUMAN,
                    kind=payment.PaymentKind.SALE,
                    terminal_id="TPAY0001",
                    host_profile="test",
                    amount_minor=11_000,
                    since_ms=AT_MS,
                    tries=6,
                    reason=payment.Reason.HOST_SILENT,
                    stan="000042",
                    reversal_stan="000043",
                    business_day="20260302",
                ),
            ),
            needs_human=1,
        ),
    ),
    records.SETTLE.name: Example(
        records.SettleRequest(
            lane="1", request_id=REQUEST_ID, outcome=records.SettledAs.REVERSED, note="acquirer's desk, case 118"
        ),
        _REVERSED,
    ),
}
