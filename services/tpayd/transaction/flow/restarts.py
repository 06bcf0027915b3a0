"""What a payment that a former process left open means now, and one that was open in the backup of a lost store."""

from __future__ import annotations

from tpayd.hosts import ReversalReason
from tpayd.transaction import events as ev
from tpayd.transaction.effects import Inquire, Reverse
from tpayd.transaction.flow.table import Result, row, to
from tpayd.transaction.flow.verdicts import owed, unanswered
from tpayd.transaction.order import OnUnknown
from tpayd.transaction.payment import InquiryRecord, Payment
from tpayd_contracts.payment import PaymentState as S
from tpayd_contracts.payment import Reason

# The process ended


@row(S.CREATED, S.LEASED, S.CARD_READ)
def restarted_early(payment: Payment, event: ev.Restarted, now_ms: int) -> Result:
    return to(payment, S.ABORTED, reason=Reason.RESTARTED, ended_ms=now_ms)


@row(S.SENDING)
def restarted_sending(payment: Payment, event: ev.Restarted, now_ms: int) -> Result:
    return unanswered(payment, now_ms, Reason.RESTARTED, ReversalReason.RESTARTED)


@row(S.AUTHORIZED)
def restarted_authorized(payment: Payment, event: ev.Restarted, now_ms: int) -> Result:
    return owed(payment, S.REVERSING, now_ms, Reason.RESTARTED, ReversalReason.RESTARTED)


@row(S.INQUIRING)
def restarted_inquiring(payment: Payment, event: ev.Restarted, now_ms: int) -> Result:
    return to(payment, S.INQUIRING, Inquire())


@row(S.UNKNOWN, S.REVERSING)
def restarted_reversing(payment: Payment, event: ev.Restarted, now_ms: int) -> Result:
    return to(payment, payment.state, Reverse())


# Found open in a backup, by the restore: it may have ended since, in a store that is gone


@row(S.CREATED, S.LEASED, S.CARD_READ)
def found_before_sending(payment: Payment, event: ev.FoundInBackup, now_ms: int) -> Result:
    """It has no STAN by which the host could be asked, and may have got one since."""
    return to(payment, S.ABORTED, reason=Reason.RESTORED, ended_ms=now_ms, from_backup=True)


@row(S.SENDING, S.AUTHORIZED)
def found_at_the_host(payment: Payment, event: ev.FoundInBackup, now_ms: int) -> Result:
    """Not taken back: the POS may have been told PAID."""
    if payment.ordered.rules.on_unknown is OnUnknown.NOTHING:
        return to(payment, S.ABORTED, reason=Reason.RESTARTED, ended_ms=now_ms)
    inquiry = InquiryRecord(since_ms=now_ms)
    return to(payment, S.INQUIRING, Inquire(), reason=Reason.RESTORED, inquiry=inquiry, from_backup=True)


@row(S.INQUIRING)
def found_inquiring(payment: Payment, event: ev.FoundInBackup, now_ms: int) -> Result:
    return to(payment, S.INQUIRING, Inquire(), reason=Reason.RESTORED, from_backup=True)


@row(S.APPROVED)
def found_unacknowledged(payment: Payment, event: ev.FoundInBackup, now_ms: int) -> Result:
    """The POS may have acknowledged it since: it is not taken back for want of that."""
    return to(payment, S.APPROVED, reverse_unacknowledged=False)
