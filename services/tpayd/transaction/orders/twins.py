"""Payments that look the same: one card, one amount, one lane, within a few minutes. The cashier decides."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from msgspec.structs import replace

from tpayd.transaction.events import CardRead, Created, Event, HostApproved, InquiryAnswered
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import CardSummary

__all__ = ["Twins"]

_KEPT_MAX = 4096


class Twins:
    """What was paid lately."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._paid: OrderedDict[tuple[str, str, int], tuple[int, str]] = OrderedDict()

    def note(self, payment: Payment, card: CardSummary | None, now_ms: int) -> None:
        """It was approved just now."""
        if card is None or not payment.ordered.rules.asks_duplicate or self._window_ms == 0:
            return
        key = payment.lane, card.masked_pan, payment.amount_minor
        self._paid.pop(key, None)
        self._paid[key] = now_ms, payment.request_id
        while len(self._paid) > _KEPT_MAX:
            self._paid.popitem(last=False)

    @property
    def window_ms(self) -> int:
        return self._window_ms

    def recall(self, events: Iterable[tuple[str, int, Event]]) -> None:
        """Take up what a former process has noted, from its payments' ids, times and events in their order."""
        begun: dict[str, Payment] = {}
        for payment_id, at_ms, event in events:
            payment = begun.get(payment_id)
            match event:
                case Created():
                    begun[payment_id] = event.payment
                case CardRead() if payment is not None:
                    begun[payment_id] = replace(payment, card=event.card)
                case HostApproved() | InquiryAnswered(stands=True) if payment is not None:
                    self.note(payment, payment.card, at_ms)

    def of(self, payment: Payment, masked_pan: str, now_ms: int) -> str | None:
        """The request id of a payment that looks like this one, or None."""
        if not payment.ordered.rules.asks_duplicate:
            return None
        paid_ms, request_id = self._paid.get((payment.lane, masked_pan, payment.amount_minor), (0, ""))
        # A clock that was set back makes it look recent, and the cashier is asked: the safe side.
        return request_id if request_id and now_ms - paid_ms < self._window_ms else None
