"""The desk that answers about the past. It decides nothing: what it tells stands in the journal, or follows from it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from tpayd.kit.bus import CallError, Request, Server
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.aftermath import Aftermath
from tpayd.transaction.books import Books
from tpayd.transaction.desk import Desk
from tpayd.transaction.errands.acknowledgements import Acknowledgements
from tpayd.transaction.journal import JournalReader, StorageError
from tpayd.transaction.payment import Payment
from tpayd.transaction.records.owed import OWED, owed_reversals, unacknowledged_payments
from tpayd.transaction.records.settling import Settling
from tpayd.transaction.records.sheet import sheet_of
from tpayd.transaction.records.story import story_of
from tpayd.transaction.registry import Key, Registry
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.payment import PaymentRef, PaymentResult
from tpayd_contracts.records import (
    EXPLAIN,
    LAST,
    RECEIPT,
    REVERSALS,
    SETTLE,
    UNACKNOWLEDGED,
    ExplainRequest,
    LaneQuery,
    LaneRef,
    OwedReversals,
    ReceiptRequest,
    ReceiptSheet,
    Story,
    UnacknowledgedPayments,
)

__all__ = ["RecordsDesk"]

T = TypeVar("T")

_LET_GO_TURNS = 45
_LET_GO_REST_S = 0.02
"""A sweep's turns, and the rest after each: the whole second until the next sweep. The same work in a third of it was
enough to keep payments in hand waiting, and others out."""


class RecordsDesk:
    """Answers about payments of the past, and about the one that is under way."""

    def __init__(
        self,
        books: Books,
        *,
        desk: Desk,
        registry: Registry,
        reader: JournalReader,
        acknowledgements: Acknowledgements,
        lanes: Sequence[str],
        unacknowledged_after_s: float,
        aftermath: Aftermath | None = None,
    ) -> None:
        self._books = books
        self._aftermath = aftermath or Aftermath(books.clock)
        self._desk = desk
        self._registry = registry
        self._reader = reader
        self._acknowledgements = acknowledgements
        self._lanes = tuple(lanes)
        self._unacknowledged_after_s = unacknowledged_after_s
        self._settling = Settling(books, registry, desk.settled_by_hand)

    def register(self, server: Server) -> None:
        """Serve its operations."""
        server.handle(LAST, self._last, while_draining=True)
        server.handle(EXPLAIN, self._explain, while_draining=True)
        server.handle(RECEIPT, self._receipt, while_draining=True)
        server.handle(UNACKNOWLEDGED, self._unacknowledged, while_draining=True)
        server.handle(REVERSALS, self._reversals, while_draining=True)
        server.handle(SETTLE, self._settling.settle, while_draining=True)

    async def sweep(self) -> None:
        """Look after payments whose POS had its time to acknowledge. Called every second."""
        if self._books.journal.failing is not None:
            return
        for key in self._acknowledgements.to_take_back():
            await self._take_back(key)
        share = self._acknowledgements.let_go_share(_LET_GO_TURNS)
        for _ in range(_LET_GO_TURNS):
            too_many = self._acknowledgements.to_let_go(share)
            if not too_many:
                break
            for payment in too_many:
                self._desk.unacknowledged.let_stand(payment)
            await asyncio.sleep(_LET_GO_REST_S)

    async def _take_back(self, key: Key) -> None:
        """One that cannot be read now, or whose lane the settings name no more, holds up no other."""
        try:
            await self._desk.unacknowledged.take_back(key)
        except (CallError, StorageError) as error:
            self._books.log.warning("payment.not_swept", lane=key[0], request_id=key[1], why=str(error))

    async def _last(self, _: Request, asked: LaneRef) -> PaymentResult:
        ref = PaymentRef(asked.lane, await self._newest(asked.lane))
        self._aftermath.check_last((await self._desk.lookup.case_of(ref)).payment)
        return await self._desk.status(ref)

    async def _explain(self, _: Request, asked: ExplainRequest) -> Story:
        lane, request_id = await self._name(asked)
        try:
            await self._books.journal.committed()
            complete = True
        except StorageError:
            complete = False
        recorded = await _read(self._reader.events_of(lane, request_id))
        payment = await self._payment(lane, request_id)
        if payment is None or not recorded:
            raise _not_found(f"no payment {request_id} of lane {lane} is in the journal")
        result = (await self._desk.lookup.case_of(PaymentRef(lane, request_id))).result()
        return story_of(payment, result, recorded, complete=complete)

    async def _receipt(self, _: Request, asked: ReceiptRequest) -> ReceiptSheet:
        self._check(asked.lane)
        if await self._payment(asked.lane, asked.request_id) is None:
            raise _not_found(f"lane {asked.lane} has no payment {asked.request_id}")
        case = await self._desk.lookup.case_of(PaymentRef(asked.lane, asked.request_id))
        result = case.result()
        merchant = self._books.merchant_of(case.payment.terminal_id)
        if result.receipt is None or sheet_of(case.printed, merchant, asked) is None:
            raise _not_found(f"payment {asked.request_id} is {result.verdict}: it has no receipt")
        if flow.has_row(case.payment, ev.ReceiptPrinted):
            case.apply(ev.ReceiptPrinted(asked.copy))
        # A print that a crash forgets would be an original twice.
        await _read(self._books.journal.committed())
        sheet = sheet_of(case.printed, merchant, asked)
        assert sheet is not None  # noqa: S101
        return sheet

    async def _unacknowledged(self, _: Request, asked: LaneQuery) -> UnacknowledgedPayments:
        late = self._acknowledgements.late
        if asked.lane is not None:
            self._check(asked.lane)
            late = [payment for payment in late if payment.lane == asked.lane]
        return unacknowledged_payments(late, self._unacknowledged_after_s)

    async def _reversals(self, _: Request, asked: LaneQuery) -> OwedReversals:
        if asked.lane is not None:
            self._check(asked.lane)
        payments = (case.payment for case in self._registry.standing(OWED))
        return owed_reversals(payment for payment in payments if asked.lane in (None, payment.lane))

    async def _newest(self, lane: str) -> str:
        """The request id of the lane's newest payment. Raises CallError `not_found`."""
        self._check(lane)
        under_way = self._registry.under_way(lane)
        if under_way is not None:
            # Until then it may turn out to be an old one that was only sent again.
            await self._desk.lookup.opened(under_way.key)
        newest = self._books.journal.newest.get(lane)
        if newest is None:
            raise _not_found(f"lane {lane} has never paid")
        return newest

    async def _name(self, asked: ExplainRequest) -> Key:
        """Lane and request id of what was asked for. Raises CallError `not_found`."""
        lanes = self._lanes if asked.lane is None else (asked.lane,)
        for lane in lanes:
            self._check(lane)
        if asked.request_id is not None:
            for lane in lanes:
                if await self._payment(lane, asked.request_id) is not None:
                    return lane, asked.request_id
        elif asked.payment_id is not None:
            found = await _read(self._reader.key_of(asked.payment_id, asked.lane))
            if found is not None and found[0] in lanes:
                return found
        else:
            return lanes[0], await self._newest(lanes[0])
        name = asked.request_id or asked.payment_id
        where = "this store" if asked.lane is None else f"lane {asked.lane}"
        raise _not_found(f"{where} has no payment {name}")

    async def _payment(self, lane: str, request_id: str) -> Payment | None:
        """From memory, else from disk. Unlike a status query this buries nothing."""
        case = self._registry.find((lane, request_id))
        return case.payment if case is not None else await _read(self._books.journal.find(lane, request_id))

    def _check(self, lane: str) -> None:
        if lane not in self._lanes:
            text = f"this store has no lane {lane}; config/store.toml lists them"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text, field="$.lane")


async def _read(search: Awaitable[T]) -> T:
    try:
        return await search
    except StorageError as error:
        raise CallError.not_started(ErrorCode.STORAGE_FAILED, str(error), retryable=True) from None


def _not_found(text: str) -> CallError:
    return CallError.not_started(ErrorCode.NOT_FOUND, text)
