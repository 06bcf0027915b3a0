"""A payment as it begins: the order, under the settings of the moment."""

from __future__ import annotations

from collections.abc import Callable

from tpayd.kit.bus import Request
from tpayd.transaction.order import OnUnknown, Order, Reads
from tpayd.transaction.payment import Payment, body_hash, new_payment_id
from tpayd.transaction.settings import TransactionSettings
from tpayd_contracts.payment import CardSummary, EntryMode

__all__ = ["Beginning"]


class Beginning:
    """Makes payments of orders."""

    def __init__(self, settings: TransactionSettings, profile: str, may_sell: Callable[[str], bool]) -> None:
        """`may_sell` tells of a terminal for credit sales."""
        self._settings = settings
        self._profile = profile
        self._may_sell = may_sell

    def payment(self, lane: str, terminal_id: str, order: Order, request: Request, key: str, now_ms: int) -> Payment:
        """The payment that a request asks for, if it is new."""
        settings = self._settings
        accepts_card = settings.simple_pay_accepts_card and order.reads is Reads.CODE and self._may_sell(terminal_id)
        rules = order.rules
        signs = (rules.signs or accepts_card) and settings.signature != "off"
        shown = None
        if order.shown is not None:
            mode = EntryMode.BARCODE if order.provider is not None else EntryMode.KEYED
            shown = CardSummary(masked_pan=order.shown, entry_mode=mode, label=order.provider)
        return Payment(
            payment_id=new_payment_id(now_ms), lane=lane, request_id=key, body_hash=body_hash(order), order=order,
            terminal_id=terminal_id, profile=self._profile, created_ms=now_ms,
            trace=request.trace, client=request.principal, card=shown,
            reverse_unacknowledged=settings.unacknowledged == "reverse"
            and not order.standalone
            and rules.on_unknown is not OnUnknown.NOTHING,
            accepts_card=accepts_card,
            wants_signature=signs and order.amount is not None
            and order.amount.total_minor > settings.no_signature_limit_minor,
        )  # fmt: skip
