"""Which payment is being taken back by which: at most one at a time, so that no money is given back twice.

A claim becomes durable with the SENDING of the payment that holds it, and a restart takes it up from there. Before
SENDING nothing can have been given back, so nothing need be remembered. It is held until the payment is decided: also
while a person has to find out whether it stands.
"""

from __future__ import annotations

from datetime import datetime

from tpayd.kit.bus import CallError
from tpayd.transaction.order import Order
from tpayd.transaction.payment import Claim, Payment
from tpayd.transaction.verdict import PAID_STATES
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.orders import OriginalPayment

__all__ = ["Claims", "check_amount", "claim_by_receipt", "claim_of"]


class Claims:
    """The payments that are being taken back now."""

    def __init__(self) -> None:
        self._holders: dict[tuple[str, str, int], str] = {}

    def take(self, claim: Claim, payment_id: str) -> None:
        """Raises CallError if another payment has it."""
        holder = self._holders.setdefault(claim.key, payment_id)
        if holder != payment_id:
            text = f"payment {holder} is taking this original back already: wait until that one is settled"
            raise CallError.not_started(ErrorCode.CLAIMED, text, field="$.original", retryable=True)

    def held(self, payment: Payment) -> bool:
        """Whether something is taking this payment back now."""
        if payment.approval_code is None or payment.local is None:
            return False
        return (payment.approval_code, payment.local[:8], payment.amount_minor) in self._holders

    def give_up(self, claim: Claim, payment_id: str) -> bool:
        """It is decided. Somebody else's claim stays: False."""
        mine = self._holders.get(claim.key) == payment_id
        if mine:
            del self._holders[claim.key]
        return mine


def claim_of(original: Payment) -> Claim:
    """A claim on a payment of this journal. Raises CallError if it has nothing to give back."""
    if original.state not in PAID_STATES or original.approval_code is None or original.local is None:
        text = f"the original is {original.state}: there is nothing to take back"
        raise CallError.not_started(ErrorCode.NOT_REFUNDABLE, text, field="$.original")
    if original.voided_minor >= original.amount_minor:
        raise CallError.not_started(ErrorCode.NOT_REFUNDABLE, "the original was taken back already", field="$.original")
    return Claim(
        approval_code=original.approval_code, approved_on=original.local[:8], amount_minor=original.amount_minor,
        request_id=original.request_id, stan=original.stan, local=original.local, business_day=original.business_day,
        terminal_id=original.terminal_id,
    )  # fmt: skip


def claim_by_receipt(named: OriginalPayment) -> Claim:
    """A claim on a payment that this journal need not know: the host decides whether it exists."""
    assert named.approval_code is not None and named.approved_on is not None  # noqa: S101, PT018
    assert named.amount_minor is not None  # noqa: S101
    try:
        datetime.strptime(named.approved_on, "%Y%m%d")  # noqa: DTZ007  a date alone
    except ValueError:
        text = f"approved_on {named.approved_on} is no date"
        raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.original.approved_on") from None
    return Claim(approval_code=named.approval_code, approved_on=named.approved_on, amount_minor=named.amount_minor)


def check_amount(order: Order, claim: Claim, left_minor: int, *, partial: bool) -> None:
    """Check an order's amount against what is left of its original. Raises CallError."""
    amount = order.amount
    if amount is None:
        return
    if amount.total_minor > left_minor:
        text = f"total_minor is {amount.total_minor}, and only {left_minor} of the original is left"
        raise CallError.not_started(ErrorCode.NOT_REFUNDABLE, text, field="$.amount.total_minor")
    if amount.total_minor < claim.amount_minor and not partial:
        text = f"this host takes back whole amounts only: {claim.amount_minor} (setting partial_voids)"
        raise CallError.not_started(ErrorCode.NOT_REFUNDABLE, text, field="$.amount.total_minor")
