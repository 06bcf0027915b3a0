"""What people have to look at, as lists: reversals that are owed, payments that no POS acknowledged. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentKind, PaymentState
from tpayd_contracts.records import (
    OwedReversal,
    OwedReversals,
    UnacknowledgedPayment,
    UnacknowledgedPayments,
    UnacknowledgedPolicy,
)

__all__ = ["MAX_LISTED", "OWED", "oldest_s", "owed_reversals", "since_ms", "unacknowledged_payments"]

MAX_LISTED = 100
"""Entries of one answer, which must fit into one frame."""
OWED = frozenset({PaymentState.UNKNOWN, PaymentState.REVERSING, PaymentState.NEEDS_HUMAN})


def owed_reversals(payments: Iterable[Payment]) -> OwedReversals:
    """Those of `payments` that are owed, oldest first."""
    owed = sorted((payment for payment in payments if payment.state in OWED), key=since_ms)
    return OwedReversals(
        reversals=tuple(_owed(payment) for payment in owed[:MAX_LISTED]),
        left_out=max(0, len(owed) - MAX_LISTED),
        needs_human=sum(payment.state is PaymentState.NEEDS_HUMAN for payment in owed),
    )


def unacknowledged_payments(late: Sequence[Payment], after_s: float) -> UnacknowledgedPayments:
    """`late` as they are told."""
    return UnacknowledgedPayments(
        payments=tuple(_unacknowledged(payment) for payment in late[:MAX_LISTED]),
        after_s=after_s,
        left_out=max(0, len(late) - MAX_LISTED),
        total_minor=sum(payment.amount_minor for payment in late),
    )


def since_ms(payment: Payment) -> int:
    """When its verdict was known, and with NOT PAID the reversal owed."""
    return payment.ended_ms if payment.ended_ms is not None else payment.created_ms


def oldest_s(payments: Iterable[Payment], now_ms: int) -> float:
    """How long the oldest of `payments` has been owed, in seconds; 0 if there is none."""
    oldest_ms = min((since_ms(payment) for payment in payments), default=now_ms)
    return max(0.0, (now_ms - oldest_ms) / 1000)


def _owed(payment: Payment) -> OwedReversal:
    reversal = payment.reversal
    return OwedReversal(
        lane=payment.lane, request_id=payment.request_id, payment_id=payment.payment_id, state=payment.state,
        kind=_kind(payment), terminal_id=payment.terminal_id, host_profile=payment.profile,
        amount_minor=payment.amount_minor, since_ms=since_ms(payment), tries=reversal.tries if reversal else 0,
        reason=payment.reason, stan=payment.stan, reversal_stan=reversal.stan if reversal else None,
        business_day=payment.business_day, answer=reversal.response_code if reversal else None,
    )  # fmt: skip


def _unacknowledged(payment: Payment) -> UnacknowledgedPayment:
    policy = UnacknowledgedPolicy.REVERSE if payment.reverse_unacknowledged else UnacknowledgedPolicy.KEEP
    return UnacknowledgedPayment(
        lane=payment.lane, request_id=payment.request_id, payment_id=payment.payment_id, kind=_kind(payment),
        amount_minor=payment.amount_minor, since_ms=since_ms(payment), policy=policy,
        approval_code=payment.approval_code,
        reference=payment.order.reference if payment.order is not None else None,
    )  # fmt: skip


def _kind(payment: Payment) -> PaymentKind:
    return payment.order.kind if payment.order is not None else PaymentKind.SALE
