"""What becomes of a payment that is PAID and that its POS does not acknowledge: it stands, or it is taken back."""

from __future__ import annotations

from collections.abc import Callable

from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.effects import UnmarkOriginal
from tpayd.transaction.errands.queue import durable
from tpayd.transaction.lookup import Lookup
from tpayd.transaction.orders.originals import Originals
from tpayd.transaction.payment import Payment
from tpayd.transaction.registry import Key, Registry
from tpayd_contracts.payment import PaymentRef

__all__ = ["Unacknowledged"]


class Unacknowledged:
    """Ends the wait for the word of a POS. `errands.acknowledgements` knows which payments wait too long."""

    def __init__(
        self, books: Books, registry: Registry, lookup: Lookup, originals: Originals, reverse: Callable[[Case], None]
    ) -> None:
        self._books = books
        self._registry = registry
        self._lookup = lookup
        self._originals = originals
        self._reverse = reverse

    async def take_back(self, key: Key) -> None:
        """The POS had its time to acknowledge a payment that must not stand then.

        Raises CallError or StorageError if the journal cannot be read now.
        """
        case = await self._lookup.case_of(PaymentRef(*key))
        if not self._may_be_undone(case) or not await self._originals.resume(case.payment):
            return
        if not self._may_be_undone(case):
            self._originals.give_up(case)
            return
        if UnmarkOriginal() in case.apply(ev.LeftUnacknowledged()):
            self._originals.unmark(case)
        case.log.warning("payment.left_unacknowledged")
        case.told = False
        self._registry.hold(case)
        self._reverse(case)
        # Until it is on disk it is not told, and it is told then, however long the disk takes.
        await durable(self._books)
        case.tell()

    async def let_stand_by_key(self, key: Key) -> None:
        """The POS had its time: the payment of that name stands for good. Raises CallError, as `take_back`."""
        _let_stand(await self._lookup.case_of(PaymentRef(*key)))

    def let_stand(self, payment: Payment) -> None:
        """The POS had its time: `payment`, which is as it was last put into the journal, stands for good."""
        case = self._registry.find((payment.lane, payment.request_id))
        if case is None:
            case = Case(payment, self._books, told=True)
            # Who is just reading it from disk has to meet this one, and not what was there before.
            self._registry.remember(case)
        _let_stand(case)

    def _may_be_undone(self, case: Case) -> bool:
        """Not before the POS was told, and not what is being voided: whoever voids a payment knows of it."""
        if not case.told or not flow.has_row(case.payment, ev.LeftUnacknowledged):
            return False
        return not self._originals.is_claimed(case.payment)


def _let_stand(case: Case) -> None:
    if flow.has_row(case.payment, ev.ClosedUnacknowledged):
        case.apply(ev.ClosedUnacknowledged())
