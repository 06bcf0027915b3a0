"""The desk that answers about the past. It decides nothing: what it tells stands in the journal, or follows from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from tpayd.kit.bus import CallError, Request, Server
from tpayd.transaction.books import Books
from tpayd.transaction.journal import JournalReader, StorageError
from tpayd.transaction.payment import Payment
from tpayd.transaction.records.story import story_of
from tpayd.transaction.registry import Key, Registry
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.payment import PaymentRef, PaymentResult
from tpayd_contracts.records import EXPLAIN, LAST, ExplainRequest, LaneRef, Story

__all__ = ["RecordsDesk"]

T = TypeVar("T")


class RecordsDesk:
    """Answers about payments of the past, and about the one that is under way."""

    def __init__(
        self,
        books: Books,
        *,
        registry: Registry,
        reader: JournalReader,
        lanes: Sequence[str],
        status: Callable[[PaymentRef], Awaitable[PaymentResult]],
        opened: Callable[[Key], Awaitable[None]],
    ) -> None:
        """`status` and `opened` are the payment desk's: what may be told of a payment, and a wait for its beginning."""
        self._books = books
        self._registry = registry
        self._reader = reader
        self._lanes = tuple(lanes)
        self._status = status
        self._opened = opened

    def register(self, server: Server) -> None:
        """Serve its operations."""
        server.handle(LAST, self._last, while_draining=True)
        server.handle(EXPLAIN, self._explain, while_draining=True)

    async def _last(self, _: Request, asked: LaneRef) -> PaymentResult:
        return await self._status(PaymentRef(asked.lane, await self._newest(asked.lane)))

    async def _explain(self, _: Request, asked: ExplainRequest) -> Story:
        lane, request_id = await self._name(asked)
        try:
            await self._books.journal.committed()
            complete = True
        except StorageError:
            complete = False
        recorded = await self._found(self._reader.events_of(lane, request_id))
        payment = await self._found(self._payment(lane, request_id))
        if payment is None or not recorded:
            raise _not_found(f"no payment {request_id} of lane {lane} is in the journal")
        result = await self._status(PaymentRef(lane, request_id))
        return story_of(payment, result, recorded, complete=complete)

    async def _newest(self, lane: str) -> str:
        """The request id of the lane's newest payment. Raises CallError `not_found`."""
        self._check(lane)
        under_way = self._registry.under_way(lane)
        if under_way is not None:
            # Until then it may turn out to be an old one that was only sent again.
            await self._opened(under_way.key)
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
                if await self._found(self._payment(lane, asked.request_id)) is not None:
                    return lane, asked.request_id
            elif asked.payment_id is not None:
                found = await self._found(self._reader.request_id_of(lane, asked.payment_id))
                if found is not None:
                    return lane, found
            else:
                return lane, await self._newest(lane)
        name = asked.request_id or asked.payment_id
        where = "this store" if asked.lane is None else f"lane {asked.lane}"
        raise _not_found(f"{where} has no payment {name}")

    async def _payment(self, lane: str, request_id: str) -> Payment | None:
        """From memory, else from disk. Unlike a status query this buries nothing."""
        case = self._registry.find((lane, request_id))
        return case.payment if case is not None else await self._books.journal.find(lane, request_id)

    async def _found(self, search: Awaitable[T]) -> T:
        try:
            return await search
        except StorageError as error:
            raise _storage_failed(error) from None

    def _check(self, lane: str) -> None:
        if lane not in self._lanes:
            text = f"this store has no lane {lane}; config/store.toml lists them"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text, field="$.lane")


def _not_found(text: str) -> CallError:
    return CallError.not_started(ErrorCode.NOT_FOUND, text)


def _storage_failed(error: StorageError) -> CallError:
    return CallError.not_started(ErrorCode.STORAGE_FAILED, str(error), retryable=True)
