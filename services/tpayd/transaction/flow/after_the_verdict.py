"""What may still happen to a payment that has its verdict: it is acknowledged, voided, printed, or heard at last."""

from __future__ import annotations

from tpayd.hosts import ReversalReason
from tpayd.transaction import events as ev
from tpayd.transaction.effects import Commit, UnmarkOriginal
from tpayd.transaction.flow.table import Result, row, to
from tpayd.transaction.flow.verdicts import owed
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState as S
from tpayd_contracts.payment import Reason

_ENDED = (S.APPROVED, S.CLOSED, S.DECLINED, S.ABORTED, S.UNKNOWN, S.REVERSING, S.REVERSED, S.NEEDS_HUMAN, S.CHARGED)


@row(S.APPROVED)
def acknowledged(payment: Payment, event: ev.Acknowledged, now_ms: int) -> Result:
    return to(payment, S.CLOSED, acknowledged_ms=now_ms)


@row(S.CLOSED)
def acknowledged_late(payment: Payment, event: ev.Acknowledged, now_ms: int) -> Result:
    return to(payment, S.CLOSED, acknowledged_ms=payment.acknowledged_ms or now_ms)


@row(S.DECLINED, S.ABORTED, S.UNKNOWN, S.REVERSING, S.REVERSED, S.NEEDS_HUMAN, S.CHARGED)
def acknowledged_unpaid(payment: Payment, event: ev.Acknowledged, now_ms: int) -> Result:
    return to(payment, payment.state, acknowledged_ms=payment.acknowledged_ms or now_ms)


@row(S.APPROVED)
def closed_unacknowledged(payment: Payment, event: ev.ClosedUnacknowledged, now_ms: int) -> Result:
    return to(payment, S.CLOSED)


@row(S.APPROVED)
def left_unacknowledged(payment: Payment, event: ev.LeftUnacknowledged, now_ms: int) -> Result:
    """PAID turns NOT_PAID here, and nowhere else: a POS that acknowledges never sees it."""
    unmark = (UnmarkOriginal(),) if payment.claim is not None else ()
    return owed(payment, S.REVERSING, now_ms, Reason.NEVER_ACKNOWLEDGED, ReversalReason.NEVER_ACKNOWLEDGED, *unmark)


@row(S.APPROVED, S.CLOSED)
def voided(payment: Payment, event: ev.Voided, now_ms: int) -> Result:
    return to(payment, payment.state, voided_minor=payment.voided_minor + event.amount_minor)


@row(S.APPROVED, S.CLOSED)
def restored(payment: Payment, event: ev.Restored, now_ms: int) -> Result:
    return to(payment, payment.state, voided_minor=max(0, payment.voided_minor - event.amount_minor))


@row(*_ENDED)
def unheard(payment: Payment, event: ev.Unheard, now_ms: int) -> Result:
    return to(payment, payment.state, unheard=True)


@row(*_ENDED)
def asked(payment: Payment, event: ev.Asked, now_ms: int) -> Result:
    return to(payment, payment.state, unheard=False)


@row(S.APPROVED, S.CLOSED)
def receipt_printed(payment: Payment, event: ev.ReceiptPrinted, now_ms: int) -> Result:
    prints = payment.prints | {event.copy.value: payment.prints.get(event.copy.value, 0) + 1}
    return to(payment, payment.state, Commit(), prints=prints)
