"""A payment's whole life: (payment, event, now) → (payment, effects). Pure; everything else is a shell around it.

The rules of the machine:

1. SENDING is on disk, and its MAC made, before the first byte leaves (`Commit` stands before `Transmit`). After a
   restart earlier states mean 'never charged', and SENDING means UNKNOWN.
2. UNKNOWN is never 'failed'. The reversal is on disk before the POS hears NOT PAID.
3. The first durable step wins: what comes later and is not in the table revives nothing.
4. A payment can be aborted until SENDING; after that it finishes, whether or not the POS is still there.
5. Six unanswered sendings of a reversal make NEEDS_HUMAN. What never left counts as none.
6. A request that provably never left, and a decline, end without a reversal.

    CREATED → LEASED → CARD_READ → SENDING → AUTHORIZED → APPROVED → CLOSED
       │         │          │          ├────→ DECLINED
       └─────────┴──────────┴→ ABORTED ├────→ ABORTED (proof that no byte left)
                                       └────→ UNKNOWN → REVERSING → REVERSED | NEEDS_HUMAN
    AUTHORIZED → REVERSING (the card's last word is no)

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
    Commit,
    CompleteCard,
    Effect,
    ReadCard,
    ReleaseLease,
    Reverse,
    Seal,
    TellPos,
    Transmit,
)
from tpayd.transaction.payment import Payment, ReversalRecord
from tpayd_contracts.payment import PaymentState as S
from tpayd_contracts.payment import Reason

__all__ = ["MAX_READERS", "MAX_REVERSAL_TRIES", "NotInTableError", "ROWS", "begin", "bury", "has_row", "step"]

MAX_REVERSAL_TRIES = 6
"""Unanswered sendings of a reversal before a person must settle it."""
MAX_READERS = 3
"""Readers that one payment may lose before it gives up."""

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
    return event.payment, (AcquireLease(),)


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


@_row(S.LEASED)
def card_read(payment: Payment, event: ev.CardRead, now_ms: int) -> Result:
    return _to(
        payment, S.CARD_READ, Seal(), card=event.card, chip=event.chip, emv=event.emv,
        customer_us=payment.customer_us + event.customer_us, reader_us=payment.reader_us + event.reader_us,
    )  # fmt: skip


@_row(S.LEASED)
def card_failed(payment: Payment, event: ev.CardFailed, now_ms: int) -> Result:
    return _to(payment, S.ABORTED, ReleaseLease(), TellPos(), reason=event.reason, ended_ms=now_ms)


@_row(S.CREATED, S.LEASED, S.CARD_READ)
def stopped(payment: Payment, event: ev.Stopped, now_ms: int) -> Result:
    return _to(payment, S.ABORTED, ReleaseLease(), TellPos(), reason=event.reason, ended_ms=now_ms)


@_row(S.CREATED, S.LEASED, S.CARD_READ)
def abort_asked(payment: Payment, event: ev.AbortAsked, now_ms: int) -> Result:
    return _to(payment, S.ABORTED, ReleaseLease(), TellPos(), reason=Reason.ABORTED_BY_POS, ended_ms=now_ms)


@_row(S.CREATED, S.LEASED, S.CARD_READ)
def pos_gone(payment: Payment, event: ev.PosGone, now_ms: int) -> Result:
    return _to(payment, S.ABORTED, ReleaseLease(), TellPos(), reason=Reason.POS_GONE, ended_ms=now_ms)


@_row(S.CREATED, S.LEASED, S.CARD_READ)
def restarted_early(payment: Payment, event: ev.Restarted, now_ms: int) -> Result:
    return _to(payment, S.ABORTED, reason=Reason.RESTARTED, ended_ms=now_ms)


# The request goes out


@_row(S.CARD_READ)
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
    after = replace(
        payment, card=card, response_code=event.response_code, approval_code=event.approval_code,
        approved_ms=event.approved_ms, host_message=event.message, host_us=event.host_us,
    )  # fmt: skip
    if after.chip:
        return _to(after, S.AUTHORIZED, CompleteCard(approved=True))
    return _to(after, S.APPROVED, Commit(), TellPos(), ReleaseLease(), ended_ms=now_ms)


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
    return _owed(replace(payment, host_us=event.host_us), S.UNKNOWN, now_ms, event.reason, why)


@_row(S.SENDING)
def restarted_sending(payment: Payment, event: ev.Restarted, now_ms: int) -> Result:
    return _owed(payment, S.UNKNOWN, now_ms, Reason.RESTARTED, ReversalReason.RESTARTED)


# The card's last word (EMV Book 3, 10.11)


@_row(S.AUTHORIZED)
def card_accepted(payment: Payment, event: ev.CardAccepted, now_ms: int) -> Result:
    return _to(
        payment, S.APPROVED, Commit(), TellPos(), ReleaseLease(), ended_ms=now_ms,
        reader_us=payment.reader_us + event.reader_us,
    )  # fmt: skip


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
    """The approval could not be recorded: after a crash it would be reversed, so it is reversed now."""
    return _owed(payment, S.REVERSING, now_ms, Reason.STORAGE_FAILED, ReversalReason.RESTARTED)


@_row(S.APPROVED)
def acknowledged(payment: Payment, event: ev.Acknowledged, now_ms: int) -> Result:
    return _to(payment, S.CLOSED, acknowledged_ms=now_ms)


@_row(S.DECLINED, S.ABORTED, S.UNKNOWN, S.REVERSING, S.REVERSED, S.NEEDS_HUMAN)
def acknowledged_unpaid(payment: Payment, event: ev.Acknowledged, now_ms: int) -> Result:
    return _to(payment, payment.state, acknowledged_ms=payment.acknowledged_ms or now_ms)


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
    record = replace(_reversal(payment), tries=_reversal(payment).tries + 1)
    if record.tries >= MAX_REVERSAL_TRIES:
        return _to(payment, S.NEEDS_HUMAN, Commit(), Alarm.NEEDS_HUMAN, reversal=record)
    return _to(payment, S.REVERSING, Commit(), reversal=record)


def _reversal(payment: Payment) -> ReversalRecord:
    assert payment.reversal is not None, "a reversing payment owes a reversal"  # noqa: S101
    return payment.reversal
