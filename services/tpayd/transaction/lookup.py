"""Which payment a lane and a request id mean: one in memory, one on disk, or none, and then none ever will be."""

from __future__ import annotations

import asyncio

from tpayd.kit.bus import CallError
from tpayd.kit.store_settings import StoreSettings
from tpayd.transaction import events as ev
from tpayd.transaction.aftermath import Aftermath
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.journal import StorageError
from tpayd.transaction.payment import Payment, new_payment_id
from tpayd.transaction.registry import Key, Registry
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.payment import PaymentRef, PaymentState, Reason

__all__ = ["Lookup", "storage_failed"]


class Lookup:
    """Finds payments, and buries ids that nobody knows."""

    def __init__(self, books: Books, registry: Registry, store: StoreSettings, aftermath: Aftermath) -> None:
        self._books = books
        self._registry = registry
        self._profile = store.host_profile
        self._terminals = {lane.name: lane.terminal_id for lane in store.lanes}
        self._aftermath = aftermath
        self.opening: dict[Key, asyncio.Task[None]] = {}
        """Requests of which it is not known yet whether they begin a payment, or repeat one."""

    def terminal(self, lane: str) -> str:
        """The lane's terminal id. Raises CallError `not_found`."""
        terminal_id = self._terminals.get(lane)
        if terminal_id is None:
            text = f"this store has no lane {lane}; config/store.toml lists them"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text, field="$.lane")
        return terminal_id

    def check_disk(self) -> None:
        """Nothing may begin that could not be written down: what waits for the disk is bounded so."""
        if self._books.journal.failing is not None:
            text = f"the journal cannot be written: {self._books.journal.failing}; free disk space, then try again"
            raise CallError.not_started(ErrorCode.STORAGE_FAILED, text, retryable=True)

    async def opened(self, key: Key) -> None:
        """Wait until it is known whether a request that has come begins a payment, or repeats one."""
        opening = self.opening.get(key)
        if opening is not None:
            await asyncio.wait([opening])

    async def case_of(self, ref: PaymentRef) -> Case:
        """The payment of that name: from memory, from disk, or buried now."""
        key = ref.lane, ref.request_id
        await self.opened(key)
        case = self._registry.find(key)
        if case is None:
            try:
                found = await self._books.journal.find(*key)
            except StorageError as error:
                raise storage_failed(error) from None
            # The order itself may have come meanwhile.
            await self.opened(key)
            case = self._registry.find(key)
        if case is not None:
            if _is_tombstone(case):
                await self._buried(case)
            return case
        if found is not None:
            case = Case(found, self._books, told=True)
            self._registry.remember(case)
            return case
        return await self.bury(key, self.terminal(ref.lane))

    async def known(self, ref: PaymentRef) -> Case:
        """The same for a POS that asks. Raises CallError `restored` where nobody can know how it ended."""
        case = await self.case_of(ref)
        self._aftermath.check_known(case.payment)
        return case

    async def bury(self, key: Key, terminal_id: str) -> Case:
        """Have nothing ever happen under an id that nobody knew. Raises CallError."""
        now_ms = self._books.clock.unix_ms()
        payment = Payment(
            payment_id=new_payment_id(now_ms), lane=key[0], request_id=key[1], body_hash=b"", order=None,
            terminal_id=terminal_id, profile=self._profile, created_ms=now_ms,
            state=PaymentState.ABORTED, reason=Reason.RESTORED if self._aftermath.lasts else Reason.NEVER_SEEN,
        )  # fmt: skip
        self.check_disk()
        self._aftermath.hear(key[0])
        case = Case(payment, self._books)
        self._registry.hold(case)
        case.open(ev.Buried(payment))
        await self._buried(case)
        return case

    async def commit(self, lane: str) -> None:
        """Wait until all that was put of a lane is on disk. Raises CallError."""
        try:
            await self._books.journal.committed(lane)
        except StorageError as error:
            raise storage_failed(error) from None

    async def _buried(self, case: Case) -> None:
        """Tell it once it is on disk. If the disk fails it stays known, so that nobody digs a second grave."""
        if case.told:
            return
        await self.commit(case.payment.lane)
        case.tell()
        self._registry.retire(case)


def storage_failed(error: StorageError) -> CallError:
    """What a caller is told of it."""
    return CallError.not_started(ErrorCode.STORAGE_FAILED, str(error), retryable=True)


def _is_tombstone(case: Case) -> bool:
    return case.payment.order is None and case.payment.reason in (Reason.NEVER_SEEN, Reason.RESTORED)
