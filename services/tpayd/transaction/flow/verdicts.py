"""How a payment comes to its verdict. Most rows that end one end it in one of these ways."""

from __future__ import annotations

from typing import Any

from tpayd.hosts import ReversalReason
from tpayd.transaction.effects import Commit, Effect, Inquire, MarkOriginal, ReleaseLease, Reverse, TellPos
from tpayd.transaction.flow.table import Result, to
from tpayd.transaction.order import OnUnknown
from tpayd.transaction.payment import InquiryRecord, Payment, ReversalRecord
from tpayd_contracts.payment import PaymentState as S
from tpayd_contracts.payment import Reason

__all__ = ["approved", "ended_unsent", "owed", "unanswered"]


def approved(payment: Payment, now_ms: int, *last: Effect, **changes: Any) -> Result:
    """It is done: on disk first, together with what it takes back, then the POS is told."""
    mark = (MarkOriginal(),) if payment.claim is not None else ()
    return to(payment, S.APPROVED, *mark, Commit(), TellPos(), *last, ended_ms=now_ms, **changes)


def unanswered(payment: Payment, now_ms: int, reason: Reason, why: ReversalReason) -> Result:
    """The host may have done it."""
    match payment.ordered.rules.on_unknown:
        case OnUnknown.NOTHING:
            return to(payment, S.ABORTED, Commit(), ReleaseLease(), TellPos(), reason=reason, ended_ms=now_ms)
        case OnUnknown.INQUIRE:
            inquiry = InquiryRecord(since_ms=now_ms)
            return to(payment, S.INQUIRING, Commit(), ReleaseLease(), Inquire(), reason=reason, inquiry=inquiry)
        case OnUnknown.REVERSE:
            return owed(payment, S.UNKNOWN, now_ms, reason, why)


def ended_unsent(payment: Payment, reason: Reason, now_ms: int) -> Result:
    """Nothing left. It is on disk before it is told, or a repeat of the request after a power cut would be a sale."""
    return to(payment, S.ABORTED, ReleaseLease(), Commit(), TellPos(), reason=reason, ended_ms=now_ms)


def owed(payment: Payment, state: S, now_ms: int, reason: Reason, why: ReversalReason, *first: Effect) -> Result:
    """It must be taken back: on disk first, then the POS is told."""
    return to(
        payment, state, *first, Commit(), Reverse(), ReleaseLease(), TellPos(),
        reason=reason, ended_ms=now_ms, reversal=ReversalRecord(reason=why),
    )  # fmt: skip
