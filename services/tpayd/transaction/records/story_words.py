"""What a story says of each event: whose share it was, in a few words, and with which details."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from tpayd.transaction import events as ev
from tpayd.transaction.payment import Payment
from tpayd.transaction.texts import REASON_TEXTS
from tpayd_contracts.payment import Reason
from tpayd_contracts.records import Share

__all__ = ["LEASED", "TOLD_OF", "words_of"]

LEASED = str(ev.Leased.__struct_config__.tag)

_SHARE_OF_REASON = {
    Reason.CARD_TIMEOUT: Share.CUSTOMER,
    Reason.CARD_FAILED: Share.CUSTOMER,
    Reason.NUMBER_FAILED: Share.CUSTOMER,
    Reason.READER_UNAVAILABLE: Share.READER,
    Reason.HOST_UNAVAILABLE: Share.HOST,
}


class _Words(Struct, frozen=True):
    share: Share
    title: str
    """All that can be said without the event's payload."""
    detail: Callable[[Any, Payment | None], str] | None = None


def words_of(name: str, event: ev.Event | None, before: Payment | None) -> tuple[Share, str]:
    """Share and text of an event; `event` is None where its payload is gone, `before` where nothing is known."""
    words = _WORDS.get(name)
    if words is None:
        return Share.DAEMON, name.replace("_", " ")
    share = _SHARE_OF_REASON.get(getattr(event, "reason", None), words.share)  # type: ignore[arg-type]
    detail = words.detail(event, before) if words.detail is not None and event is not None else ""
    return share, f"{words.title}: {detail}" if detail else words.title


def _asked(event: ev.Created, _: Payment | None) -> str:
    order = event.payment.order
    if order is None:
        return ""
    kind = order.kind.value.replace("_", " ")
    worth = f", {order.amount.total_minor:,} won" if order.amount is not None else ""
    plan = f" in {order.installments} months" if order.installments else ""
    return f"{kind}{worth}{plan}, lane {event.payment.lane}, terminal {event.payment.terminal_id}"


def _read(event: ev.CardRead, _: Payment | None) -> str:
    took = f"customer {_s(event.customer_us)}, reader {_s(event.reader_us)}"
    return f"{event.card.masked_pan} ({event.card.entry_mode}); {took}"


def _signed(event: ev.Signed, _: Payment | None) -> str:
    took = f"; customer {_s(event.customer_us)}" if event.customer_us else ""
    return f"{event.device or 'on paper'}{took}"


def _why(event: Any, _: Payment | None) -> str:
    text = REASON_TEXTS[event.reason][0] if event.reason in REASON_TEXTS else str(event.reason)
    return f"{text} ({event.detail})" if getattr(event, "detail", None) else text


def _approved(event: ev.HostApproved, _: Payment | None) -> str:
    return f"approval {event.approval_code}, response {event.response_code}, after {_s(event.host_us)}"


def _declined(event: ev.HostDeclined, _: Payment | None) -> str:
    return f"response {event.response_code}, after {_s(event.host_us)}"


def _sealed(event: ev.Sealed, _: Payment | None) -> str:
    return f"STAN {event.stan}, business day {event.business_day}"


def _found(_: ev.Event, before: Payment | None) -> str:
    return f"it stood at {before.state}" if before is not None else ""


def _reversal(event: ev.ReversalSealed, _: Payment | None) -> str:
    return f"STAN {event.stan}"


def _reversal_answer(event: ev.ReversalAnswered, _: Payment | None) -> str:
    return f"response {event.response_code}" + ("" if event.settled else "; not its last word yet")


def _unanswered(event: ev.ReversalUnanswered, before: Payment | None) -> str:
    tries = before.reversal.tries + 1 if before is not None and before.reversal is not None else None
    return event.detail if tries is None else f"try {tries}, {event.detail}"


def _settled(event: ev.SettledByHand, _: Payment | None) -> str:
    return f"{event.outcome}, by {event.by}: {event.note}"


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone().isoformat(" ", "seconds")


def _s(microseconds: int) -> str:
    return f"{microseconds / 1_000_000:.3f} s"


_WORDS: dict[str, _Words] = {
    "created": _Words(Share.POS, "The POS asked for a payment", _asked),
    "buried": _Words(Share.POS, "The POS asked about an id that nobody knew: it can never be used"),
    "store_restored": _Words(
        Share.PERSON, "The store was restored from a backup", lambda event, _: f"taken at {_moment(event.backup_ms)}"
    ),
    "found_in_backup": _Words(Share.PERSON, "The backup had it open: only the host knows how it ended", _found),
    LEASED: _Words(Share.DAEMON, "It got a reader", lambda event, _: f"{event.label} ({event.reader})"),
    "reader_lost": _Words(Share.READER, "The reader was lost", lambda event, _: event.reader),
    "card_read": _Words(Share.CUSTOMER, "The card was read", _read),
    "card_failed": _Words(Share.READER, "The card was not read", _why),
    "stopped": _Words(Share.DAEMON, "It could not go on, and nothing was sent", _why),
    "abort_asked": _Words(Share.POS, "The POS ended it; nothing was sent"),
    "pos_gone": _Words(Share.POS, "The POS went away; nothing was sent"),
    "sealed": _Words(Share.DAEMON, "The request is on disk, and goes to the host", _sealed),
    "commit_failed": _Words(Share.DAEMON, "The disk did not take it"),
    "key_replaced": _Words(Share.DAEMON, "The terminal had another key by then: it goes out under that one"),
    "not_sent": _Words(Share.HOST, "Nothing was sent", lambda event, _: event.detail),
    "host_approved": _Words(Share.HOST, "The host approved it", _approved),
    "host_declined": _Words(Share.HOST, "The host declined it", _declined),
    "host_unknown": _Words(
        Share.HOST, "The host's word was lost, so it must be taken back", lambda event, _: event.detail
    ),
    "card_accepted": _Words(Share.READER, "The card accepted it", lambda event, _: f"reader {_s(event.reader_us)}"),
    "card_refused": _Words(
        Share.READER, "The card's last word was no, so it must be taken back", lambda event, _: event.detail or ""
    ),
    "confirmed": _Words(Share.POS, "The cashier confirmed that it is meant"),
    "signed": _Words(Share.CUSTOMER, "The customer signed", _signed),
    "number_keyed": _Words(Share.CUSTOMER, "The customer keyed the number", lambda event, _: event.card.masked_pan),
    "voided": _Words(Share.POS, "A later payment took it back", lambda event, _: f"{event.amount_minor:,} won"),
    "restored": _Words(Share.DAEMON, "What took it back was undone, so it stands"),
    "unheard": _Words(Share.POS, "Nobody was there to be told"),
    "asked": _Words(Share.POS, "The POS asked, and was told"),
    "left_unacknowledged": _Words(Share.POS, "The POS did not acknowledge it in time: it is taken back, as is set"),
    "closed_unacknowledged": _Words(Share.POS, "The POS never acknowledged it: it stays paid, and is no longer listed"),
    "receipt_printed": _Words(Share.POS, "A receipt was asked for", lambda event, _: f"{event.copy} copy"),
    "settled_by_hand": _Words(Share.PERSON, "A person settled it", _settled),
    "inquiry_sealed": _Words(
        Share.DAEMON, "The question what became of it goes to the host", lambda event, _: f"STAN {event.stan}"
    ),
    "inquiry_answered": _Words(
        Share.HOST, "The host said what became of it", lambda event, _: "it stands" if event.stands else "it does not"
    ),
    "inquiry_unanswered": _Words(Share.HOST, "The host did not say what became of it", lambda event, _: event.detail),
    "inquiry_given_up": _Words(Share.DAEMON, "The time for the host's answer is over, so it must be taken back"),
    "acknowledged": _Words(Share.POS, "The POS has the verdict on record"),
    "restarted": _Words(Share.DAEMON, "The daemon restarted, and found it", _found),
    "reversal_sealed": _Words(Share.DAEMON, "The reversal is on disk, and goes to the host", _reversal),
    "reversal_answered": _Words(Share.HOST, "The host answered the reversal", _reversal_answer),
    "reversal_unanswered": _Words(Share.HOST, "The host did not confirm the reversal", _unanswered),
    "reversal_impossible": _Words(
        Share.DAEMON, "The reversal can't be sent: a person must settle it", lambda event, _: event.detail
    ),
}
TOLD_OF = frozenset(_WORDS)
"""Names of the events that a story has words for."""
