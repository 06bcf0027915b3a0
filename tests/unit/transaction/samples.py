"""Payments and events for tests, one of each kind."""

from __future__ import annotations

import itertools

from msgspec.structs import replace

from tpayd.hosts import ReversalReason
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.order import Order
from tpayd.transaction.payment import Claim, InquiryRecord, Payment, ReversalRecord, body_hash
from tpayd_contracts.money import Amount
from tpayd_contracts.orders import OriginalPayment
from tpayd_contracts.payment import CardSummary, EntryMode, PaymentKind, PaymentState, Reason
from tpayd_contracts.records import ReceiptCopy, SettledAs

NOW_MS = 1_790_000_000_000
SALE = Order(amount=Amount(total_minor=11_000, vat_minor=1_000))
PAYMENT = Payment(
    payment_id="11111111-1111-4111-8111-111111111111",
    lane="1",
    request_id="22222222-2222-4222-8222-222222222222",
    body_hash=body_hash(SALE),
    order=SALE,
    terminal_id="TPAY0001",
    profile="test",
    created_ms=NOW_MS - 5_000,
)
CARD = CardSummary(masked_pan="411111******1111", entry_mode=EntryMode.IC)
KEYED = CardSummary(masked_pan="010*****678", entry_mode=EntryMode.KEYED)

EVENTS: tuple[ev.Event, ...] = (
    ev.Leased("r1", "counter A"),
    ev.ReaderLost("r1"),
    ev.CardRead(CARD, chip=True, customer_us=2_000_000, reader_us=300_000),
    ev.Confirmed(),
    ev.Signed("r1", customer_us=4_000_000, reader_us=100_000),
    ev.NumberKeyed(KEYED, customer_us=5_000_000, reader_us=0),
    ev.CardFailed(Reason.CARD_TIMEOUT),
    ev.Stopped(Reason.READER_UNAVAILABLE),
    ev.AbortAsked(),
    ev.PosGone(),
    ev.Sealed("000001", "20260922120000", "20260922", "key", b"h" * 32, NOW_MS),
    ev.CommitFailed(),
    ev.KeyReplaced("k2"),
    ev.NotSent("no line"),
    ev.HostApproved("00", "123456", NOW_MS, 50_000, "Issuer", "Acquirer"),
    ev.HostDeclined("51", 50_000),
    ev.HostUnknown(Reason.HOST_SILENT, "silence", 20_000_000),
    ev.CardAccepted(100_000),
    ev.CardRefused(ReversalReason.CARD_DECLINED, 100_000),
    ev.Acknowledged(),
    ev.Voided("33333333-3333-4333-8333-333333333333", 11_000),
    ev.Restored("33333333-3333-4333-8333-333333333333", 11_000),
    ev.InquirySealed("000003", "20260922120010", "20260922"),
    ev.InquiryAnswered("00", stands=True, approval_code="123456", approved_ms=NOW_MS),
    ev.InquiryUnanswered("silence"),
    ev.InquiryGivenUp(),
    ev.Restarted(),
    ev.FoundInBackup(),
    ev.ReversalSealed("000002", "20260922120030", "20260922"),
    ev.ReversalAnswered("00", settled=True),
    ev.ReversalUnanswered("silence"),
    ev.ReversalImpossible("its key is gone"),
    ev.Unheard(),
    ev.Asked(),
    ev.LeftUnacknowledged(),
    ev.ClosedUnacknowledged(),
    ev.ReceiptPrinted(ReceiptCopy.CUSTOMER),
    ev.SettledByHand(SettledAs.REVERSED, "cli", "acquirer's desk"),
)
"""One of each kind that may follow a first event."""
TAKEN_BACK = frozenset(
    {
        PaymentState.UNKNOWN,
        PaymentState.REVERSING,
        PaymentState.REVERSED,
        PaymentState.NEEDS_HUMAN,
        PaymentState.CHARGED,
    }
)


VOID = Order(kind=PaymentKind.VOID, amount=SALE.amount, original=OriginalPayment(request_id=PAYMENT.request_id))
CLAIM = Claim(approval_code="123456", approved_on="20260922", amount_minor=11_000, request_id=PAYMENT.request_id)
CASH_IC = Order(kind=PaymentKind.CASH_IC_SALE, amount=SALE.amount)
BALANCE = Order(kind=PaymentKind.CASH_IC_BALANCE)
RECEIPT = Order(kind=PaymentKind.CASH_RECEIPT, amount=SALE.amount, keys_number=True)
ORDERS: tuple[tuple[Order, Claim | None], ...] = (
    (SALE, None), (VOID, CLAIM), (CASH_IC, None), (BALANCE, None), (RECEIPT, None),
)  # fmt: skip
"""One of each way through the table."""


def payment_in(
    state: PaymentState, *, chip: bool = True, tries: int = 0, order: Order = SALE, claim: Claim | None = None
) -> Payment:
    """A payment that got to `state` the usual way."""
    payment = replace(PAYMENT, state=state, order=order, claim=claim)
    if state in (PaymentState.LEASED, PaymentState.CREATED, PaymentState.ABORTED):
        return payment
    payment = replace(payment, card=CARD, chip=chip, reader="r1", stan="000001", local="20260922120000")
    payment = replace(payment, business_day="20260922", key_id="key")
    if state == PaymentState.INQUIRING:
        return replace(payment, inquiry=InquiryRecord(since_ms=NOW_MS), reason=Reason.HOST_SILENT)
    if state in (
        PaymentState.UNKNOWN,
        PaymentState.REVERSING,
        PaymentState.REVERSED,
        PaymentState.NEEDS_HUMAN,
        PaymentState.CHARGED,
    ):
        record = ReversalRecord(reason=ReversalReason.NO_ANSWER, stan="000002", tries=tries)
        payment = replace(payment, reversal=record)
    return payment


def run(payment: Payment, *events: ev.Event) -> Payment:
    """The payment after these events."""
    for event in events:
        payment, _ = flow.step(payment, event, NOW_MS)
    return payment


def steps() -> list[tuple[Payment, ev.Event, flow.Result]]:
    """Every row of the table, taken by each kind of order, with a chip card and without."""
    by_type = {type(event): event for event in EVENTS}
    taken = []
    for (state, kind), row in flow.ROWS.items():
        for chip, (order, claim) in itertools.product((True, False), ORDERS):
            before = payment_in(state, chip=chip, order=order, claim=claim)
            taken.append((before, by_type[kind], row(before, by_type[kind], NOW_MS)))
    return taken
