"""What is left of payments without a POS until close of business, so that the books agree; and its purge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from msgspec import Struct

from tpayd.transaction.journal import Journal, JournalReader, JournalStore
from tpayd.transaction.registry import Registry
from tpayd_contracts.payment import PaymentRef, PaymentResult

__all__ = ["PurgedStubs", "Stubs"]


class PurgedStubs(Struct, frozen=True):
    """What a purge did."""

    purged: int
    carried: int
    """Not settled yet, e.g. a reversal is owed: the next close of business takes them."""


class Stubs:
    """The stubs of one host profile."""

    def __init__(
        self,
        journal: Journal,
        store: JournalStore,
        reader: JournalReader,
        registry: Registry,
        *,
        profile: str,
        acknowledge: Callable[[PaymentRef], Awaitable[PaymentResult]],
    ) -> None:
        """`acknowledge` is the payment desk's: it closes what its own command never closed."""
        self._journal = journal
        self._store = store
        self._reader = reader
        self._registry = registry
        self._profile = profile
        self._acknowledge = acknowledge

    async def purge(self, business_day: str) -> PurgedStubs:
        """Purge the stubs of a day whose books are closed, YYYYMMDD. Raises StorageError, and CallError of the desk.

        Of each only its request id and its verdict stay, so that it is never made again under the same id.
        """
        await self._journal.committed()
        purged = carried = 0
        for lane, request_id in await self._reader.standalone_of(self._profile, business_day):
            await self._acknowledge(PaymentRef(lane, request_id))
            case = self._registry.find((lane, request_id))
            left = await self._journal.ask(partial(self._store.purge_stub, lane, request_id))
            if left is None:
                carried += 1
                continue
            purged += 1
            if case is not None:
                case.payment = left
        return PurgedStubs(purged, carried)
