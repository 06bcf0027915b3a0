"""What a void or refund takes back: found, checked, claimed, and marked in the commit of its approval."""

from __future__ import annotations

from msgspec.structs import replace

from tpayd.kit.bus import CallError
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.order import Order
from tpayd.transaction.orders.claims import Claims, check_amount, claim_by_receipt, claim_of
from tpayd.transaction.payment import Payment
from tpayd.transaction.registry import Registry
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import PaymentKind

__all__ = ["Originals"]


class Originals:
    """The payments that others take back. What is claimed stays in memory until the claim is given up."""

    def __init__(self, books: Books, registry: Registry, *, partial: bool) -> None:
        self._books = books
        self._registry = registry
        self._partial = partial
        self._claims = Claims()

    async def claim(self, payment: Payment) -> Payment:
        """The payment with its claim. Raises CallError if there is nothing that it could take back."""
        order = payment.ordered
        if order.original is None:
            return payment
        if order.original.request_id is None:
            case, claim = None, claim_by_receipt(order.original)
            taken, left_minor = order, claim.amount_minor
        else:
            case = await self._find(payment, order.original.request_id)
            original = case.payment
            claim, left_minor = claim_of(original), original.amount_minor - original.voided_minor
            taken = _against(order, original)
        check_amount(taken, claim, left_minor, partial=self._partial)
        if taken.amount is None:
            taken = replace(taken, amount=Amount(total_minor=left_minor))
        self._claims.take(claim, payment.payment_id)
        if case is not None:
            self._registry.hold(case)
        return replace(payment, order=taken, claim=claim)

    async def resume(self, payment: Payment) -> bool:
        """Claim once more what the payment claimed: a former process did, or it is undone after it stood.

        False: another payment is taking that back now. Raises StorageError.
        """
        claim = payment.claim
        if claim is None:
            return True
        original = await self._look_up(payment.lane, claim.request_id) if claim.request_id is not None else None
        try:
            self._claims.take(claim, payment.payment_id)
        except CallError:
            return False
        if original is not None:
            self._registry.hold(original)
        return True

    def mark(self, case: Case) -> None:
        """The payment is approved: put it down at what it takes back. Awaits nothing, so that one commit has both."""
        self._put_down(case, ev.Voided(case.payment.payment_id, case.payment.amount_minor))

    def unmark(self, case: Case) -> None:
        """The approval could not be recorded, and is being reversed. Awaits nothing either."""
        self._put_down(case, ev.Restored(case.payment.payment_id, case.payment.amount_minor))

    def is_claimed(self, payment: Payment) -> bool:
        """Whether something is taking this payment back now."""
        return self._claims.held(payment)

    def give_up(self, case: Case) -> None:
        """It is decided, one way or the other."""
        claim = case.payment.claim
        if claim is None or not self._claims.give_up(claim, case.payment.payment_id):
            return
        original = self._claimed(case.payment)
        if original is not None:
            self._registry.retire(original)

    def _put_down(self, case: Case, event: ev.Voided | ev.Restored) -> None:
        original = self._claimed(case.payment)
        if original is None:
            return
        if flow.has_row(original.payment, type(event)):
            original.apply(event)
        else:
            # The host has decided about `case`, whatever this one has become: it must not keep that from its end.
            self._books.log.error(
                "payment.original_changed", payment=original.payment.payment_id, state=original.payment.state
            )

    def _claimed(self, payment: Payment) -> Case | None:
        if payment.claim is None or payment.claim.request_id is None:
            return None
        return self._registry.find((payment.lane, payment.claim.request_id))

    async def _find(self, payment: Payment, request_id: str) -> Case:
        case = await self._look_up(payment.lane, request_id)
        if case is None or case.payment.order is None:
            text = f"lane {payment.lane} knows no payment {request_id}; name it as its receipt shows it"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text, field="$.original.request_id")
        if case.payment.profile != payment.profile:
            text = f"the original was made under host profile {case.payment.profile}"
            raise CallError.not_started(ErrorCode.NOT_REFUNDABLE, text, field="$.original")
        return case

    async def _look_up(self, lane: str, request_id: str) -> Case | None:
        key = lane, request_id
        case = self._registry.find(key)
        if case is not None:
            return case
        found = await self._books.journal.find(*key)
        # Somebody may have brought it to memory meanwhile, and changed it.
        case = self._registry.find(key)
        if case is None and found is not None:
            case = Case(found, self._books, told=True)
        return case


def _against(order: Order, original: Payment) -> Order:
    """The order as its original makes it. Raises CallError if it is of a kind that this order cannot take back."""
    kind = original.ordered.kind
    if kind not in order.rules.takes_back:
        text = f"the original is a {kind}: a {order.kind} takes back {', '.join(sorted(order.rules.takes_back))} only"
        raise CallError.not_started(ErrorCode.NOT_REFUNDABLE, text, field="$.original")
    sold = original.ordered
    amount = order.amount or (original.amount if not original.voided_minor else None)
    order = replace(order, amount=amount, provider=sold.provider, installments=sold.installments)
    if kind == PaymentKind.SIMPLE_PAY:
        return replace(order, kind=PaymentKind.SIMPLE_PAY_VOID)
    return replace(order, network=sold.network)
