"""What is told of a payment without a POS, and never kept. Pure.

The journal gets each event without what it says of the card, so the payment that is made of them holds nothing of it
either: what is on disk is a stub from the first moment, and no crash can leave more. What the slip has to show lives
beside the payment, in memory, until it is acknowledged. The approval code stays in the stub until close of business:
the books name the payment by it, and whoever lost the slip to a crash can still ask.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from tpayd.transaction import events as ev
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import CardSummary, PaymentResult

__all__ = ["EMPTY", "Slip", "as_told", "kept", "noted"]

E = TypeVar("E", bound=ev.Event)


class Slip(Struct, frozen=True, gc=False):
    """What of a card and its approval a slip shows."""

    card: CardSummary | None = None
    emv: dict[str, str] = {}


EMPTY = Slip()


def noted(slip: Slip, event: ev.Event) -> Slip:
    """The slip after an event."""
    match event:
        case ev.CardRead():
            return Slip(event.card, event.emv)
        case ev.HostApproved() if slip.card is not None:
            return replace(slip, card=replace(slip.card, issuer=event.issuer, acquirer=event.acquirer))
        case ev.Acknowledged():
            return EMPTY
        case _:
            return slip


def kept(event: ev.Event) -> ev.Event:
    """The event as the journal gets it."""
    match event:
        case ev.CardRead():
            return replace(event, card=CardSummary(masked_pan="", entry_mode=event.card.entry_mode), emv={})
        case ev.HostApproved():
            return replace(event, issuer=None, acquirer=None, message=None)
        case ev.HostDeclined():
            return replace(event, issuer=None)
        case _:
            return event


def as_told(result: PaymentResult, payment: Payment, slip: Slip) -> PaymentResult:
    """The result as it may be told: with the slip's part, and once it is acknowledged without any of the approval."""
    if payment.acknowledged_ms is not None:
        return replace(result, card=None, approval_code=None)
    receipt = result.receipt and replace(result.receipt, emv=slip.emv)
    return replace(result, card=slip.card, receipt=receipt)
