"""The request is out: what the host says, and where it wants to be asked, the card's last word (EMV Book 3, 10.11)."""

from __future__ import annotations

from msgspec.structs import replace

from tpayd.hosts import ReversalReason
from tpayd.transaction import events as ev
from tpayd.transaction.effects import Commit, CompleteCard, ReleaseLease, Reverse, TellPos, Transmit, UnmarkOriginal
from tpayd.transaction.flow.table import Result, row, to
from tpayd.transaction.flow.verdicts import approved, owed, unanswered
from tpayd.transaction.order import OnUnknown
from tpayd.transaction.payment import Payment, ReversalRecord
from tpayd_contracts.payment import PaymentState as S
from tpayd_contracts.payment import Reason


@row(S.SENDING)
def key_replaced(payment: Payment, event: ev.KeyReplaced, now_ms: int) -> Result:
    return to(payment, S.SENDING, Commit(), Transmit(), key_id=event.key_id)


@row(S.SENDING)
def commit_failed(payment: Payment, event: ev.CommitFailed, now_ms: int) -> Result:
    return to(payment, S.ABORTED, ReleaseLease(), TellPos(), reason=Reason.STORAGE_FAILED, ended_ms=now_ms)


@row(S.SENDING)
def not_sent(payment: Payment, event: ev.NotSent, now_ms: int) -> Result:
    return to(payment, S.ABORTED, Commit(), ReleaseLease(), TellPos(), reason=event.reason, ended_ms=now_ms)


@row(S.SENDING)
def host_approved(payment: Payment, event: ev.HostApproved, now_ms: int) -> Result:
    card = payment.card and replace(payment.card, issuer=event.issuer, acquirer=event.acquirer)
    told = {
        "card": card, "response_code": event.response_code, "approval_code": event.approval_code,
        "approved_ms": event.approved_ms, "host_message": event.message, "host_us": event.host_us,
    }  # fmt: skip
    if payment.chip:
        return to(payment, S.AUTHORIZED, CompleteCard(approved=True), **told)
    return approved(payment, now_ms, ReleaseLease(), **told)


@row(S.SENDING)
def host_declined(payment: Payment, event: ev.HostDeclined, now_ms: int) -> Result:
    finish = (CompleteCard(approved=False),) if payment.chip else ()
    card = payment.card and replace(payment.card, issuer=event.issuer)
    return to(
        payment, S.DECLINED, Commit(), TellPos(), *finish, ReleaseLease(), card=card, host_us=event.host_us,
        reason=Reason.DECLINED_BY_HOST, response_code=event.response_code, host_message=event.message, ended_ms=now_ms,
    )  # fmt: skip


@row(S.SENDING)
def host_unknown(payment: Payment, event: ev.HostUnknown, now_ms: int) -> Result:
    why = ReversalReason.ANSWER_REFUSED if event.reason == Reason.HOST_ANSWER_REFUSED else ReversalReason.NO_ANSWER
    return unanswered(replace(payment, host_us=event.host_us), now_ms, event.reason, why)


@row(S.AUTHORIZED)
def card_accepted(payment: Payment, event: ev.CardAccepted, now_ms: int) -> Result:
    return approved(replace(payment, reader_us=payment.reader_us + event.reader_us), now_ms, ReleaseLease())


@row(S.AUTHORIZED)
def card_refused(payment: Payment, event: ev.CardRefused, now_ms: int) -> Result:
    after = replace(payment, reader_us=payment.reader_us + event.reader_us)
    return owed(after, S.REVERSING, now_ms, Reason.DECLINED_BY_CARD, event.reason)


@row(S.APPROVED)
def approval_commit_failed(payment: Payment, event: ev.CommitFailed, now_ms: int) -> Result:
    """The approval could not be recorded: after a crash it would be reversed, so it is reversed now.

    Where it may be on disk all the same, a crash would make it PAID: then the POS hears NOT PAID only when that is.
    """
    if payment.ordered.rules.on_unknown is OnUnknown.NOTHING:
        return to(
            payment, S.ABORTED, ReleaseLease(), Commit(event.in_doubt), TellPos(), reason=Reason.STORAGE_FAILED,
            ended_ms=now_ms,
        )  # fmt: skip
    unmark = (UnmarkOriginal(),) if payment.claim is not None else ()
    return to(
        payment, S.REVERSING, *unmark, ReleaseLease(), Commit(event.in_doubt), Reverse(), TellPos(),
        reason=Reason.STORAGE_FAILED, ended_ms=now_ms, reversal=ReversalRecord(reason=ReversalReason.RESTARTED),
    )  # fmt: skip
