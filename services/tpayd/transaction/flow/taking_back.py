"""Reversals: owed until the host settles one, or a person says what became of the payment."""

from __future__ import annotations

from msgspec.structs import replace

from tpayd.transaction import events as ev
from tpayd.transaction.effects import Alarm, Commit
from tpayd.transaction.flow.table import Result, row, to
from tpayd.transaction.payment import Payment, ReversalRecord, Settlement
from tpayd_contracts.payment import PaymentState as S
from tpayd_contracts.records import SettledAs

__all__ = ["MAX_REVERSAL_TRIES"]

MAX_REVERSAL_TRIES = 6
"""Sendings of a reversal that settle nothing, before a person must settle it."""


@row(S.UNKNOWN, S.REVERSING)
def reversal_sealed(payment: Payment, event: ev.ReversalSealed, now_ms: int) -> Result:
    record = replace(_reversal(payment), stan=event.stan, local=event.local, business_day=event.business_day)
    return to(payment, S.REVERSING, Commit(), reversal=record)


@row(S.REVERSING)
def reversal_answered(payment: Payment, event: ev.ReversalAnswered, now_ms: int) -> Result:
    record = replace(_reversal(payment), response_code=event.response_code)
    if event.settled:
        return to(payment, S.REVERSED, reversal=record)
    return to(
        payment, S.REVERSING, Commit(), reversal=replace(record, not_found_at_ms=record.not_found_at_ms or now_ms)
    )


@row(S.REVERSING)
def reversal_unanswered(payment: Payment, event: ev.ReversalUnanswered, now_ms: int) -> Result:
    before = _reversal(payment)
    record = replace(before, tries=before.tries + 1, response_code=event.response_code or before.response_code)
    if record.tries >= MAX_REVERSAL_TRIES:
        return to(payment, S.NEEDS_HUMAN, Commit(), Alarm.NEEDS_HUMAN, reversal=record)
    return to(payment, S.REVERSING, Commit(), reversal=record)


@row(S.REVERSING)
def reversal_impossible(payment: Payment, event: ev.ReversalImpossible, now_ms: int) -> Result:
    return to(payment, S.NEEDS_HUMAN, Commit(), Alarm.NEEDS_HUMAN)


@row(S.NEEDS_HUMAN)
def settled_by_hand(payment: Payment, event: ev.SettledByHand, now_ms: int) -> Result:
    """The POS was told NOT PAID, and that stays, whatever the host's desk said."""
    state = S.CHARGED if event.outcome is SettledAs.STANDS else S.REVERSED
    settlement = Settlement(outcome=event.outcome, by=event.by, note=event.note, at_ms=now_ms)
    reason = None if payment.from_backup and state is S.REVERSED else payment.reason
    return to(payment, state, Commit(), settlement=settlement, reason=reason)


def _reversal(payment: Payment) -> ReversalRecord:
    assert payment.reversal is not None, "a reversing payment owes a reversal"  # noqa: S101
    return payment.reversal
