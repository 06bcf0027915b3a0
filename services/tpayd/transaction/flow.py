"""A payment's whole life: (payment, event, now) → (payment, effects). Pure; everything else is a shell around it.

The rules of the machine:

1. SENDING is on disk, and its MAC made, before the first byte leaves (`Commit` stands before `Transmit`). After a
   restart earlier states mean 'never charged', and SENDING means UNKNOWN.
2. UNKNOWN is never 'failed'. The reversal is on disk before the POS hears NOT PAID.
3. The first durable step wins: what comes later and is not in the table revives nothing.
4. A payment can be aborted until SENDING; after that it finishes, whether or not the POS is still there.
5. Six sendings of a reversal that settle nothing make NEEDS_HUMAN. What never left counts as none; what can never
   leave makes NEEDS_HUMAN too.
6. A request that provably never left, and a decline, end without a reversal.
7. What kinds of orders differ in is said by `order.RULES`, and asked here. One that needs no reader goes from CREATED
   straight to SENDING (a number that the customer keys is asked for in CREATED); a cash-IC payment without an answer is
   inquired, for a bounded time, before it is reversed.
8. What takes another payment back marks it in the commit of its own approval: neither is on disk without the other.
9. What a restored backup had open is never taken back blindly and never told NOT PAID on a guess (docs/adr/0031).

    CREATED → LEASED → CARD_READ → SENDING → AUTHORIZED → APPROVED → CLOSED
       │         │          │          ├────→ DECLINED
       └─────────┴──────────┴→ ABORTED ├────→ ABORTED (proof that no byte left)
                                       ├────→ UNKNOWN → REVERSING → REVERSED | NEEDS_HUMAN → REVERSED | CHARGED
                                       └────→ INQUIRING → APPROVED | DECLINED | REVERSING
    AUTHORIZED → REVERSING (the card's last word is no)
    APPROVED → REVERSING (only by setting: the POS did not acknowledge it in time)

An event that has no row in the present state raises `NotInTableError`; for an abort that means `too late`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from msgspec.structs import replace

from tpayd.hosts import ReversalReason
from tpayd.transaction import events as ev
from tpayd.transaction.effects import (
    AcquireLease,
    Alarm,
    AskCashier,
    AskNumber,
    Commit,
    CompleteCard,
    Effect,
    Inquire,
    MarkOriginal,
    ReadCard,
    ReleaseLease,
    Reverse,
    Seal,
    TakeSignature,
    TellPos,
    Transmit,
    UnmarkOriginal,
)
from tpayd.transaction.order import OnUnknown, Reads
from tpayd.transaction.payment import InquiryRecord, Payment, ReversalRecord, Settlement
from tpayd_contracts.payment import PaymentKind, Reason
from tpayd_contracts.payment import PaymentState as S
from tpayd_contracts.records import SettledAs

__all__ = ["MAX_READERS", "MAX_REVERSAL_TRIES", "NotInTableError", "ROWS", "begin", "bury", "has_row", "step"]

MAX_REVERSAL_TRIES = 6
"""Sendings of a reversal that settle nothing, before a person must settle it."""
MAX_READERS = 3
"""Readers that one payment may lose before it gives up."""

_ENDED = (S.APPROVED, S.CLOSED, S.DECLINED, S.ABORTED, S.UNKNOWN, S.REVERSING, S.REVERSED, S.NEEDS_HUMAN, S.CHARGED)

_FIRST: dict[Reads, Effect] = {
    Reads.NOTHING: Seal(), Reads.NUMBER: AskNumber(), Reads.CARD: AcquireLease(), Reads.CODE: AcquireLease(),
}  # fmt: skip

Result = tuple[Payment, tuple[Effect, ...]]
E = TypeVar("E", bound=ev.Event)
Row = Callable[[Payment, Any, int], Result]
ROWS: dict[tuple[S, type], Row] = {}


class NotInTableError(Exception):
    """This event means nothing in this state."""

    def __init__(self, payment: Payment, event: ev.Event) -> None:
        super().__init__(f"{type(event).__name__} has no row in state {payment.state}")


def step(payment: Payment, event: ev.Event, now_ms: int) -> Result:
    """Apply one event. Raises NotInTableError."""
    row = ROWS.get((payment.state, type(event)))
    if row is None:
        raise NotInTableError(payment, event)
    return row(payment, event, now_ms)


def has_row(payment: Payment, event: type[ev.Event]) -> bool:
    """Whether the event would change anything now."""
    return (payment.state, event) in ROWS


def begin(event: ev.Created) -> Result:
    """A payment's first step."""
    return event.payment, (_FIRST[event.payment.ordered.reads],)


def bury(event: ev.Buried) -> Result:
    """Make sure that nothing can ever happen under an id that nobody knew. The answer waits for the disk."""
    return event.payment, (Commit(), TellPos())


def _row(*states: S) -> Callable[[Callable[[Payment, E, int], Result]], Callable[[Payment, E, int], Result]]:
    def enter(function: Callable[[Payment, E, int], Result]) -> Callable[[Payment, E, int], Result]:
        event = _event_of(function)
        for state in states:
            assert (state, event) not in ROWS, f"two rows for {state} and {event.__name__}"  # noqa: S101
            ROWS[state, event] = cast("Row", function)
        return function

    return enter


def _event_of(function: Callable[..., Result]) -> type:
    name = function.__annotations__["event"].removeprefix("ev.")
    return cast("type", getattr(ev, name))


def _to(payment: Payment, state: S, *effects: Effect, **changes: Any) -> Result:
    return replace(payment, state=state, **changes), effects


def _approved(payment: Payment, now_ms: int, *last: Effect, **changes: Any) -> Result:
    """It is done: on disk first, together with what it takes back, then the POS is told."""
    mark = (MarkOriginal(),) if payment.claim is not None else ()
    return _to(payment, S.APPROVED, *mark, Commit(), TellPos(), *last, ended_ms=now_ms, **changes)


def _unanswered(payment: Payment, now_ms: int, reason: Reason, why: ReversalReason) -> Result:
    """The host may have done it."""
    match payment.ordered.rules.on_unknown:
        case OnUnknown.NOTHING:
            return _to(payment, S.ABORTED, Commit(), ReleaseLease(), TellPos(), reason=reason, ended_ms=now_ms)
        case OnUnknown.INQUIRE:
            inquiry = InquiryRecord(since_ms=now_ms)
            return _to(payment, S.INQUIRING, Commit(), ReleaseLease(), Inquire(), reason=reason, inquiry=inquiry)
        case OnUnknown.REVERSE:
            return _owed(payment, S.UNKNOWN, now_ms, reason, why)


def _after_card(payment: Payment) -> Effect:
    """What comes between the card and the host, in this order."""
    if payment.twin is not None and not payment.ordered.allow_duplicate:
        return AskCashier()
    return _after_question(payment)


def _after_question(payment: Payment) -> Effect:
    return TakeSignature() if payment.wants_signature and payment.ordered.rules.signs else Seal()


def _ended_unsent(payment: Payment, reason: Reason, now_ms: int) -> Result:
    """Nothing left. It is on disk before it is told, or a repeat of the request after a power cut would be a sale."""
    return _to(payment, S.ABORTED, ReleaseLease(), Commit(), TellPos(), reason=reason, ended_ms=now_ms)


def _owed(payment: Payment, state: S, now_ms: int, reason: Reason, why: ReversalReason, *first: Effect) -> Result:
    """It must be taken back: on disk first, then the POS is told."""
    return _to(
        payment, state, *first, Commit(), Reverse(), ReleaseLease(), TellPos(),
        reason=reason, ended_ms=now_ms, reversal=ReversalRecord(reason=why),
    )  # fmt: skip


# Before anything is sent


@_row(S.CREATED)
def leased(payment: Payment, event: ev.Leased, now_ms: int) -> Result:
    return _to(payment, S.LEASED, ReadCard(), reader=event.reader, reader_label=event.label)


@_row(S.LEASED)
def reader_lost(payment: Payment, event: ev.ReaderLost, now_ms: int) -> Result:
    lost = (*payment.lost_readers, event.reader)
    if len(lost) >= MAX_READERS:
        return stopped(replace(payment, lost_readers=lost), ev.Stopped(Reason.READER_UNAVAILABLE), now_ms)
    return _to(payment, S.CREATED, ReleaseLease(), AcquireLease(), lost_readers=lost, reader=None, reader_label=None)


@_row(S.CREATED, S.LEASED)
def card_read(payment: Payment, event: ev.CardRead, now_ms: int) -> Result:
    """From CREATED where the card lay on the reader already: one event tells of both."""
    order = payment.ordered if event.provider is None else replace(payment.ordered, provider=event.provider)
    if event.instead:
        order = replace(order, kind=PaymentKind.SALE)
    after = replace(
        payment, state=S.CARD_READ, card=event.card, chip=event.chip, emv=event.emv, order=order, twin=event.twin,
        customer_us=payment.customer_us + event.customer_us, reader_us=payment.reader_us + event.reader_us,
        reader=event.reader or payment.reader, reader_label=event.reader_label or payment.reader_label,
    )  # fmt: skip
    return after, (_after_card(after),)


@_row(S.CARD_READ)
def confirmed(payment: Payment, event: ev.Confirmed, now_ms: int) -> Result:
    return _to(payment, S.CARD_READ, _after_question(payment))


@_row(S.CARD_READ)
def signed(payment: Payment, event: ev.Signed, now_ms: int) -> Result:
    return _to(
        payment, S.CARD_READ, Seal(), customer_us=payment.customer_us + event.customer_us,
        reader_us=payment.reader_us + event.reader_us,
    )  # fmt: skip


@_row(S.CREATED)
def number_keyed(payment: Payment, event: ev.NumberKeyed, now_ms: int) -> Result:
    return _to(
        payment, S.CREATED, Seal(), card=event.card, customer_us=payment.customer_us + event.customer_us,
        reader_us=payment.reader_us + event.reader_us,
    )  # fmt: skip


@_row(S.LEASED)
def card_failed(payment: Payment, event: ev.CardFailed, now_ms: int) -> Result:
    return _ended_unsent(payment, event.reason, now_ms)


@_row(S.CREATED, S.LEASED, S.CARD_READ)
def stopped(payment: Payment, event: ev.Stopped, now_ms: int) -> Result:
    return _ended_unsent(payment, event.reason, now_ms)


@_row(S.CREATED, S.LEASED, S.CARD_READ)
def abort_asked(payment: Payment, event: ev.AbortAsked, now_ms: int) -> Result:
    return _ended_unsent(payment, Reason.ABORTED_BY_POS, now_ms)


@_row(S.CREATED, S.LEASED, S.CARD_READ)
def pos_gone(payment: Payment, event: ev.PosGone, now_ms: int) -> Result:
    return _ended_unsent(payment, Reason.POS_GONE, now_ms)


@_row(S.CREATED, S.LEASED, S.CARD_READ)
def restarted_early(payment: Payment, event: ev.Restarted, now_ms: int) -> Result:
    return _to(payment, S.ABORTED, reason=Reason.RESTARTED, ended_ms=now_ms)


# The request goes out


@_row(S.CREATED, S.CARD_READ)
def sealed(payment: Payment, event: ev.Sealed, now_ms: int) -> Result:
    return _to(
        payment, S.SENDING, Commit(), Transmit(), stan=event.stan, local=event.local,
        business_day=event.business_day, key_id=event.key_id, request_hash=event.request_hash, sent_ms=event.sent_ms,
    )  # fmt: skip


@_row(S.SENDING)
def commit_failed(payment: Payment, event: ev.CommitFailed, now_ms: int) -> Result:
    return _to(payment, S.ABORTED, ReleaseLease(), TellPos(), reason=Reason.STORAGE_FAILED, ended_ms=now_ms)


@_row(S.SENDING)
def not_sent(payment: Payment, event: ev.NotSent, now_ms: int) -> Result:
    return _to(payment, S.ABORTED, Commit(), ReleaseLease(), TellPos(), reason=Reason.HOST_UNAVAILABLE, ended_ms=now_ms)


@_row(S.SENDING)
def host_approved(payment: Payment, event: ev.HostApproved, now_ms: int) -> Result:
    card = payment.card and replace(payment.card, issuer=event.issuer, acquirer=event.acquirer)
    told = {
        "card": card, "response_code": event.response_code, "approval_code": event.approval_code,
        "approved_ms": event.approved_ms, "host_message": event.message, "host_us": event.host_us,
    }  # fmt: skip
    if payment.chip:
        return _to(payment, S.AUTHORIZED, CompleteCard(approved=True), **told)
    return _approved(payment, now_ms, ReleaseLease(), **told)


@_row(S.SENDING)
def host_declined(payment: Payment, event: ev.HostDeclined, now_ms: int) -> Result:
    finish = (CompleteCard(approved=False),) if payment.chip else ()
    card = payment.card and replace(payment.card, issuer=event.issuer)
    return _to(
        payment, S.DECLINED, Commit(), TellPos(), *finish, ReleaseLease(), card=card, host_us=event.host_us,
        reason=Reason.DECLINED_BY_HOST, response_code=event.response_code, host_message=event.message, ended_ms=now_ms,
    )  # fmt: skip


@_row(S.SENDING)
def host_unknown(payment: Payment, event: ev.HostUnknown, now_ms: int) -> Result:
    why = ReversalReason.ANSWER_REFUSED if event.reason == Reason.HOST_ANSWER_REFUSED else ReversalReason.NO_ANSWER
    return _unanswered(replace(payment, host_us=event.host_us), now_ms, event.reason, why)


@_row(S.SENDING)
def restarted_sending(payment: Payment, event: ev.Restarted, now_ms: int) -> Result:
    return _unanswered(payment, now_ms, Reason.RESTARTED, ReversalReason.RESTARTED)


# The card's last word (EMV Book 3, 10.11)


@_row(S.AUTHORIZED)
def card_accepted(payment: Payment, event: ev.CardAccepted, now_ms: int) -> Result:
    return _approved(replace(payment, reader_us=payment.reader_us + event.reader_us), now_ms, ReleaseLease())


@_row(S.AUTHORIZED)
def card_refused(payment: Payment, event: ev.CardRefused, now_ms: int) -> Result:
    after = replace(payment, reader_us=payment.reader_us + event.reader_us)
    return _owed(after, S.REVERSING, now_ms, Reason.DECLINED_BY_CARD, event.reason)


@_row(S.AUTHORIZED)
def restarted_authorized(payment: Payment, event: ev.Restarted, now_ms: int) -> Result:
    return _owed(payment, S.REVERSING, now_ms, Reason.RESTARTED, ReversalReason.RESTARTED)


# The end


@_row(S.APPROVED)
def approval_commit_failed(payment: Payment, event: ev.CommitFailed, now_ms: int) -> Result:
    """The approval could not be recorded: after a crash it would be reversed, so it is reversed now.

    Where it may be on disk all the same, a crash would make it PAID: then the POS hears NOT PAID only when that is.
    """
    if payment.ordered.rules.on_unknown is OnUnknown.NOTHING:
        return _to(
            payment, S.ABORTED, ReleaseLease(), Commit(event.in_doubt), TellPos(), reason=Reason.STORAGE_FAILED,
            ended_ms=now_ms,
        )  # fmt: skip
    unmark = (UnmarkOriginal(),) if payment.claim is not None else ()
    return _to(
        payment, S.REVERSING, *unmark, ReleaseLease(), Commit(event.in_doubt), Reverse(), TellPos(),
        reason=Reason.STORAGE_FAILED, ended_ms=now_ms, reversal=ReversalRecord(reason=ReversalReason.RESTARTED),
    )  # fmt: skip


@_row(S.APPROVED)
def acknowledged(payment: Payment, event: ev.Acknowledged, now_ms: int) -> Result:
    return _to(payment, S.CLOSED, acknowledged_ms=now_ms)


@_row(S.APPROVED, S.CLOSED)
def voided(payment: Payment, event: ev.Voided, now_ms: int) -> Result:
    return _to(payment, payment.state, voided_minor=payment.voided_minor + event.amount_minor)


@_row(S.APPROVED, S.CLOSED)
def restored(payment: Payment, event: ev.Restored, now_ms: int) -> Result:
    return _to(payment, payment.state, voided_minor=max(0, payment.voided_minor - event.amount_minor))


@_row(S.CLOSED)
def acknowledged_late(payment: Payment, event: ev.Acknowledged, now_ms: int) -> Result:
    return _to(payment, S.CLOSED, acknowledged_ms=payment.acknowledged_ms or now_ms)


@_row(S.APPROVED)
def closed_unacknowledged(payment: Payment, event: ev.ClosedUnacknowledged, now_ms: int) -> Result:
    return _to(payment, S.CLOSED)


@_row(S.APPROVED)
def left_unacknowledged(payment: Payment, event: ev.LeftUnacknowledged, now_ms: int) -> Result:
    """PAID turns NOT_PAID here, and nowhere else: a POS that acknowledges never sees it."""
    unmark = (UnmarkOriginal(),) if payment.claim is not None else ()
    return _owed(payment, S.REVERSING, now_ms, Reason.NEVER_ACKNOWLEDGED, ReversalReason.NEVER_ACKNOWLEDGED, *unmark)


@_row(*_ENDED)
def unheard(payment: Payment, event: ev.Unheard, now_ms: int) -> Result:
    return _to(payment, payment.state, unheard=True)


@_row(*_ENDED)
def asked(payment: Payment, event: ev.Asked, now_ms: int) -> Result:
    return _to(payment, payment.state, unheard=False)


@_row(S.APPROVED, S.CLOSED)
def receipt_printed(payment: Payment, event: ev.ReceiptPrinted, now_ms: int) -> Result:
    prints = payment.prints | {event.copy.value: payment.prints.get(event.copy.value, 0) + 1}
    return _to(payment, payment.state, Commit(), prints=prints)


@_row(S.DECLINED, S.ABORTED, S.UNKNOWN, S.REVERSING, S.REVERSED, S.NEEDS_HUMAN, S.CHARGED)
def acknowledged_unpaid(payment: Payment, event: ev.Acknowledged, now_ms: int) -> Result:
    return _to(payment, payment.state, acknowledged_ms=payment.acknowledged_ms or now_ms)


# Found open in a backup, by the restore: it may have ended since, in a store that is gone


@_row(S.CREATED, S.LEASED, S.CARD_READ)
def found_before_sending(payment: Payment, event: ev.FoundInBackup, now_ms: int) -> Result:
    """It has no STAN by which the host could be asked, and may have got one since."""
    return _to(payment, S.ABORTED, reason=Reason.RESTORED, ended_ms=now_ms, from_backup=True)


@_row(S.SENDING, S.AUTHORIZED)
def found_at_the_host(payment: Payment, event: ev.FoundInBackup, now_ms: int) -> Result:
    """Not taken back: the POS may have been told PAID."""
    if payment.ordered.rules.on_unknown is OnUnknown.NOTHING:
        return _to(payment, S.ABORTED, reason=Reason.RESTARTED, ended_ms=now_ms)
    inquiry = InquiryRecord(since_ms=now_ms)
    return _to(payment, S.INQUIRING, Inquire(), reason=Reason.RESTORED, inquiry=inquiry, from_backup=True)


@_row(S.INQUIRING)
def found_inquiring(payment: Payment, event: ev.FoundInBackup, now_ms: int) -> Result:
    return _to(payment, S.INQUIRING, Inquire(), reason=Reason.RESTORED, from_backup=True)


@_row(S.APPROVED)
def found_unacknowledged(payment: Payment, event: ev.FoundInBackup, now_ms: int) -> Result:
    """The POS may have acknowledged it since: it is not taken back for want of that."""
    return _to(payment, S.APPROVED, reverse_unacknowledged=False)


# Asking what became of it


@_row(S.INQUIRING)
def restarted_inquiring(payment: Payment, event: ev.Restarted, now_ms: int) -> Result:
    return _to(payment, S.INQUIRING, Inquire())


@_row(S.INQUIRING)
def inquiry_sealed(payment: Payment, event: ev.InquirySealed, now_ms: int) -> Result:
    record = replace(_inquiry(payment), stan=event.stan, local=event.local, business_day=event.business_day)
    return _to(payment, S.INQUIRING, Commit(), inquiry=record)


@_row(S.INQUIRING)
def inquiry_answered(payment: Payment, event: ev.InquiryAnswered, now_ms: int) -> Result:
    if event.stands:
        after = replace(
            payment, reason=None, response_code=event.response_code, approval_code=event.approval_code,
            approved_ms=event.approved_ms,
        )  # fmt: skip
        return _approved(after, now_ms)
    return _to(
        payment, S.DECLINED, Commit(), TellPos(), reason=Reason.DECLINED_BY_HOST, response_code=event.response_code,
        ended_ms=now_ms,
    )  # fmt: skip


@_row(S.INQUIRING)
def inquiry_unanswered(payment: Payment, event: ev.InquiryUnanswered, now_ms: int) -> Result:
    return _to(payment, S.INQUIRING)


@_row(S.INQUIRING)
def inquiry_given_up(payment: Payment, event: ev.InquiryGivenUp, now_ms: int) -> Result:
    """WAIT has to end. Nobody knows whether it stands, so it is taken back; but not what may have been told PAID."""
    if payment.from_backup:
        return _to(payment, S.NEEDS_HUMAN, Commit(), Alarm.NEEDS_HUMAN)
    reason = payment.reason or Reason.HOST_SILENT
    return _owed(payment, S.REVERSING, now_ms, reason, ReversalReason.NO_ANSWER)


def _inquiry(payment: Payment) -> InquiryRecord:
    assert payment.inquiry is not None, "an inquiring payment has an inquiry"  # noqa: S101
    return payment.inquiry


# Taking back


@_row(S.UNKNOWN, S.REVERSING)
def restarted_reversing(payment: Payment, event: ev.Restarted, now_ms: int) -> Result:
    return _to(payment, payment.state, Reverse())


@_row(S.UNKNOWN, S.REVERSING)
def reversal_sealed(payment: Payment, event: ev.ReversalSealed, now_ms: int) -> Result:
    record = replace(_reversal(payment), stan=event.stan, local=event.local, business_day=event.business_day)
    return _to(payment, S.REVERSING, Commit(), reversal=record)


@_row(S.REVERSING)
def reversal_answered(payment: Payment, event: ev.ReversalAnswered, now_ms: int) -> Result:
    record = replace(_reversal(payment), response_code=event.response_code)
    if event.settled:
        return _to(payment, S.REVERSED, reversal=record)
    return _to(
        payment, S.REVERSING, Commit(), reversal=replace(record, not_found_at_ms=record.not_found_at_ms or now_ms)
    )


@_row(S.REVERSING)
def reversal_unanswered(payment: Payment, event: ev.ReversalUnanswered, now_ms: int) -> Result:
    before = _reversal(payment)
    record = replace(before, tries=before.tries + 1, response_code=event.response_code or before.response_code)
    if record.tries >= MAX_REVERSAL_TRIES:
        return _to(payment, S.NEEDS_HUMAN, Commit(), Alarm.NEEDS_HUMAN, reversal=record)
    return _to(payment, S.REVERSING, Commit(), reversal=record)


@_row(S.REVERSING)
def reversal_impossible(payment: Payment, event: ev.ReversalImpossible, now_ms: int) -> Result:
    return _to(payment, S.NEEDS_HUMAN, Commit(), Alarm.NEEDS_HUMAN)


@_row(S.NEEDS_HUMAN)
def settled_by_hand(payment: Payment, event: ev.SettledByHand, now_ms: int) -> Result:
    """The POS was told NOT PAID, and that stays, whatever the host's desk said."""
    state = S.CHARGED if event.outcome is SettledAs.STANDS else S.REVERSED
    settlement = Settlement(outcome=event.outcome, by=event.by, note=event.note, at_ms=now_ms)
    reason = None if payment.from_backup and state is S.REVERSED else payment.reason
    return _to(payment, state, Commit(), settlement=settlement, reason=reason)


def _reversal(payment: Payment) -> ReversalRecord:
    assert payment.reversal is not None, "a reversing payment owes a reversal"  # noqa: S101
    return payment.reversal
