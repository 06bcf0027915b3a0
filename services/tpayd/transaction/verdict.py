"""One table maps a payment's state to the verdict, and one place says it in words."""

from __future__ import annotations

from tpayd.kit.store_settings import Merchant
from tpayd.transaction.payment import Payment
from tpayd.transaction.receipt import receipt_of
from tpayd.transaction.texts import REASON_TEXTS, STATE_TEXTS, VERDICT_TEXTS
from tpayd_contracts.payment import PaymentKind, PaymentResult, Reason, TimeSplit, Verdict
from tpayd_contracts.payment import PaymentState as S

__all__ = ["PAID_STATES", "REVERSAL_PENDING", "VERDICTS", "result_of", "verdict_of"]

VERDICTS: dict[S, Verdict] = {
    S.CREATED: Verdict.WAIT,
    S.LEASED: Verdict.WAIT,
    S.CARD_READ: Verdict.WAIT,
    S.SENDING: Verdict.WAIT,
    S.INQUIRING: Verdict.WAIT,
    S.AUTHORIZED: Verdict.WAIT,
    S.APPROVED: Verdict.PAID,
    S.CLOSED: Verdict.PAID,
    S.DECLINED: Verdict.NOT_PAID,
    S.ABORTED: Verdict.NOT_PAID,
    S.UNKNOWN: Verdict.NOT_PAID,
    S.REVERSING: Verdict.NOT_PAID,
    S.REVERSED: Verdict.NOT_PAID,
    S.NEEDS_HUMAN: Verdict.NOT_PAID,
    S.CHARGED: Verdict.NOT_PAID,
}
"""NOT_PAID never turns into PAID. So a payment under way is WAIT from its first moment (docs/adr/0012)."""

PAID_STATES = frozenset(state for state, verdict in VERDICTS.items() if verdict == Verdict.PAID)
REVERSAL_PENDING = frozenset({S.UNKNOWN, S.REVERSING, S.NEEDS_HUMAN})
# Bound once: to look a member up in its enum takes ten times as long as to read a name of the module.
_WAIT = Verdict.WAIT
_PAID = Verdict.PAID
_DECLINED_BY_HOST = Reason.DECLINED_BY_HOST


def verdict_of(payment: Payment, *, told: bool) -> Verdict:
    """The verdict as it may be told: one that is not on disk yet is still WAIT."""
    return VERDICTS[payment.state] if told else _WAIT


def result_of(
    payment: Payment, merchant: Merchant, *, told: bool, repeated: bool = False, left_ms: int = 0
) -> PaymentResult:
    """All that a POS may know of a payment now; `left_ms` is within what time WAIT ends."""
    verdict = verdict_of(payment, told=told)
    waits, paid = verdict is _WAIT, verdict is _PAID
    state, order = payment.state, payment.order
    if not told and VERDICTS[state] is not _WAIT:
        # Decided, but not durable: it looks as it did before.
        state = S.SENDING if payment.stan is not None else S.CREATED
    reason = Reason.IN_PROGRESS if waits else payment.reason
    english, korean = _words(verdict, state, reason)
    if reason is _DECLINED_BY_HOST and payment.host_message:
        korean = payment.host_message
    return PaymentResult(
        lane=payment.lane,
        request_id=payment.request_id,
        verdict=verdict,
        state=state,
        message=english,
        message_ko=korean,
        kind=order.kind if order is not None else PaymentKind.SALE,
        reason=reason,
        known_in_ms=left_ms if waits else None,
        reversal_pending=state in REVERSAL_PENDING,
        repeated=repeated,
        payment_id=payment.payment_id,
        amount=order.amount if order is not None else None,
        approval_code=payment.approval_code if paid else None,
        response_code=None if waits else payment.response_code,
        approved_at_ms=payment.approved_ms if paid else None,
        card=payment.card,
        stan=payment.stan,
        host_profile=payment.profile,
        business_day=payment.business_day,
        reference=order.reference if order is not None else None,
        voided_minor=payment.voided_minor,
        receipt=receipt_of(payment, merchant) if paid else None,
        times=_times(payment) if payment.total_us and not waits else None,
    )


def _words(verdict: Verdict, state: S, reason: Reason | None) -> tuple[str, str]:
    if verdict is _PAID or (verdict is _WAIT and state not in STATE_TEXTS):
        return VERDICT_TEXTS[verdict]
    if verdict is _WAIT:
        return STATE_TEXTS[state]
    return REASON_TEXTS[reason] if reason is not None else VERDICT_TEXTS[verdict]


def _times(payment: Payment) -> TimeSplit:
    others = payment.customer_us + payment.reader_us + payment.host_us
    return TimeSplit(
        total_us=payment.total_us,
        customer_us=payment.customer_us,
        reader_us=payment.reader_us,
        host_us=payment.host_us,
        daemon_us=max(0, payment.total_us - others),
    )
