"""Asking the host what became of a payment whose answer was lost."""

from __future__ import annotations

from msgspec.structs import replace

from tpayd.hosts import ReversalReason
from tpayd.transaction import events as ev
from tpayd.transaction.effects import Alarm, Commit, TellPos
from tpayd.transaction.flow.table import Result, row, to
from tpayd.transaction.flow.verdicts import approved, owed
from tpayd.transaction.payment import InquiryRecord, Payment
from tpayd_contracts.payment import PaymentState as S
from tpayd_contracts.payment import Reason


@row(S.INQUIRING)
def inquiry_sealed(payment: Payment, event: ev.InquirySealed, now_ms: int) -> Result:
    record = replace(_inquiry(payment), stan=event.stan, local=event.local, business_day=event.business_day)
    return to(payment, S.INQUIRING, Commit(), inquiry=record)


@row(S.INQUIRING)
def inquiry_answered(payment: Payment, event: ev.InquiryAnswered, now_ms: int) -> Result:
    if event.stands:
        after = replace(
            payment, reason=None, response_code=event.response_code, approval_code=event.approval_code,
            approved_ms=event.approved_ms,
        )  # fmt: skip
        return approved(after, now_ms)
    return to(
        payment, S.DECLINED, Commit(), TellPos(), reason=Reason.DECLINED_BY_HOST, response_code=event.response_code,
        ended_ms=now_ms,
    )  # fmt: skip


@row(S.INQUIRING)
def inquiry_unanswered(payment: Payment, event: ev.InquiryUnanswered, now_ms: int) -> Result:
    return to(payment, S.INQUIRING)


@row(S.INQUIRING)
def inquiry_given_up(payment: Payment, event: ev.InquiryGivenUp, now_ms: int) -> Result:
    """WAIT has to end. Nobody knows whether it stands, so it is taken back; but not what may have been told PAID."""
    if payment.from_backup:
        return to(payment, S.NEEDS_HUMAN, Commit(), Alarm.NEEDS_HUMAN)
    reason = payment.reason or Reason.HOST_SILENT
    return owed(payment, S.REVERSING, now_ms, reason, ReversalReason.NO_ANSWER)


def _inquiry(payment: Payment) -> InquiryRecord:
    assert payment.inquiry is not None, "an inquiring payment has an inquiry"  # noqa: S101
    return payment.inquiry
