"""From the order to the request: reader, card, the cashier's and the customer's answers. Nothing has left yet."""

from __future__ import annotations

from msgspec.structs import replace

from tpayd.transaction import events as ev
from tpayd.transaction.effects import (
    AcquireLease,
    AskCashier,
    AskNumber,
    Commit,
    Effect,
    ReadCard,
    ReleaseLease,
    Seal,
    TakeSignature,
    TellPos,
    Transmit,
)
from tpayd.transaction.flow.table import Result, row, to
from tpayd.transaction.flow.verdicts import ended_unsent
from tpayd.transaction.order import Reads
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentKind, Reason
from tpayd_contracts.payment import PaymentState as S

__all__ = ["MAX_READERS", "begin", "bury"]

MAX_READERS = 3
"""Readers that one payment may lose before it gives up."""

_FIRST: dict[Reads, Effect] = {
    Reads.NOTHING: Seal(), Reads.NUMBER: AskNumber(), Reads.CARD: AcquireLease(), Reads.CODE: AcquireLease(),
}  # fmt: skip


def begin(event: ev.Created) -> Result:
    """A payment's first step."""
    return event.payment, (_FIRST[event.payment.ordered.reads],)


def bury(event: ev.Buried) -> Result:
    """Make sure that nothing can ever happen under an id that nobody knew. The answer waits for the disk."""
    return event.payment, (Commit(), TellPos())


@row(S.CREATED)
def leased(payment: Payment, event: ev.Leased, now_ms: int) -> Result:
    return to(payment, S.LEASED, ReadCard(), reader=event.reader, reader_label=event.label)


@row(S.LEASED)
def reader_lost(payment: Payment, event: ev.ReaderLost, now_ms: int) -> Result:
    lost = (*payment.lost_readers, event.reader)
    if len(lost) >= MAX_READERS:
        return stopped(replace(payment, lost_readers=lost), ev.Stopped(Reason.READER_UNAVAILABLE), now_ms)
    return to(payment, S.CREATED, ReleaseLease(), AcquireLease(), lost_readers=lost, reader=None, reader_label=None)


@row(S.CREATED, S.LEASED)
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


@row(S.CARD_READ)
def confirmed(payment: Payment, event: ev.Confirmed, now_ms: int) -> Result:
    return to(payment, S.CARD_READ, _after_question(payment))


@row(S.CARD_READ)
def signed(payment: Payment, event: ev.Signed, now_ms: int) -> Result:
    return to(
        payment, S.CARD_READ, Seal(), customer_us=payment.customer_us + event.customer_us,
        reader_us=payment.reader_us + event.reader_us,
    )  # fmt: skip


@row(S.CREATED)
def number_keyed(payment: Payment, event: ev.NumberKeyed, now_ms: int) -> Result:
    return to(
        payment, S.CREATED, Seal(), card=event.card, customer_us=payment.customer_us + event.customer_us,
        reader_us=payment.reader_us + event.reader_us,
    )  # fmt: skip


@row(S.LEASED)
def card_failed(payment: Payment, event: ev.CardFailed, now_ms: int) -> Result:
    return ended_unsent(payment, event.reason, now_ms)


@row(S.CREATED, S.LEASED, S.CARD_READ)
def stopped(payment: Payment, event: ev.Stopped, now_ms: int) -> Result:
    return ended_unsent(payment, event.reason, now_ms)


@row(S.CREATED, S.LEASED, S.CARD_READ)
def abort_asked(payment: Payment, event: ev.AbortAsked, now_ms: int) -> Result:
    return ended_unsent(payment, Reason.ABORTED_BY_POS, now_ms)


@row(S.CREATED, S.LEASED, S.CARD_READ)
def pos_gone(payment: Payment, event: ev.PosGone, now_ms: int) -> Result:
    return ended_unsent(payment, Reason.POS_GONE, now_ms)


@row(S.CREATED, S.CARD_READ)
def sealed(payment: Payment, event: ev.Sealed, now_ms: int) -> Result:
    return to(
        payment, S.SENDING, Commit(), Transmit(), stan=event.stan, local=event.local,
        business_day=event.business_day, key_id=event.key_id, request_hash=event.request_hash, sent_ms=event.sent_ms,
    )  # fmt: skip


def _after_card(payment: Payment) -> Effect:
    """What comes between the card and the host, in this order."""
    if payment.twin is not None and not payment.ordered.allow_duplicate:
        return AskCashier()
    return _after_question(payment)


def _after_question(payment: Payment) -> Effect:
    return TakeSignature() if payment.wants_signature and payment.ordered.rules.signs else Seal()
