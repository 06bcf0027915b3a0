"""One request for a reader and a card: the lease is known as soon as it matters, the card when it has been read.

A card that is there at once makes one answer of it. Where it is waited for, progress tells the lease first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Raw

from tpayd.kit.bus import Caller, CallError, Sink
from tpayd.kit.bus.answers import decode_reply
from tpayd.kit.bus.wire import decode_body
from tpayd.transaction.steps.prompts import Progress, prompts, queued
from tpayd_contracts.device import Lease, ReadCardResult
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.payment import Step
from tpayd_contracts.taking import CARD_TAKE, TakeCard, TakeCardProgress, TakenCard

__all__ = ["Taking"]


class Taking:
    """A reader and a card that were asked for.

    Whoever waits may be cancelled at any time; a lease that he was not given then finds its way back.
    """

    def __init__(self, broker: Caller, progress: Progress, give_back: Callable[[Lease], None]) -> None:
        """`give_back` gets a lease that came too late."""
        self._broker = broker
        self._progress = progress
        self._give_back = give_back
        self._number = 0
        self._lease: Lease | None = None
        self._end: ReadCardResult | CallError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._left = False

    def ask(self, wanted: TakeCard, read_s: float, trace: str | None) -> None:
        """Send it; the reading may take `read_s` from the lease on. Raises CallError: nothing was sent."""
        self._read_s = read_s
        self._number = self._broker.forward(
            CARD_TAKE.name,
            wanted,
            ttl_s=wanted.reader_wait_s + read_s,
            sink=Sink(self._answered, self._failed, self._told),
            trace=trace,
        )

    async def lease(self) -> Lease:
        """Wait for the reader. Raises CallError."""
        try:
            while self._lease is None:
                if isinstance(self._end, CallError):
                    raise self._end
                await self._news()
        except asyncio.CancelledError:
            if self._lease is not None:
                self._give_back(self._lease)
            raise
        return self._lease

    @property
    def taken(self) -> ReadCardResult | None:
        """The card, if it has been read already."""
        return None if isinstance(self._end, CallError) else self._end

    async def card(self) -> ReadCardResult:
        """Wait for the card, once there is a lease. Raises CallError."""
        if self._end is None:
            # The broker keeps that time as well; this is for one whose answer is lost.
            try:
                async with asyncio.timeout(self._read_s):
                    while self._end is None:
                        await self._news()
            except TimeoutError:
                raise CallError.unknown(ErrorCode.TIMEOUT, "the device broker did not answer in time") from None
        if isinstance(self._end, CallError):
            raise self._end
        return self._end

    async def _news(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self._leave()
            raise

    def _leave(self) -> None:
        """The broker ends what is under way, and the lease with it."""
        self._left = True
        self._broker.cancel(self._number)

    # What the broker says

    def _told(self, raw: Raw) -> None:
        if self._left:
            return
        update = decode_body(raw, TakeCardProgress)
        if update.queue is not None:
            queued(Step.WAITING_FOR_READER, self._progress)(update.queue)
        if update.lease is not None:
            self._lent(update.lease)
        if update.prompt is not None and self._lease is not None:
            prompts(self._lease.label, self._progress)(update.prompt)

    def _answered(self, raw: Raw) -> None:
        try:
            taken = decode_reply(raw, CARD_TAKE.reply)
        except CallError as fault:
            self._failed(fault)
            return
        self._end = taken.card or _failure_of(taken)
        self._lent(taken.lease)

    def _failed(self, error: CallError) -> None:
        self._end = error
        self._wake()

    def _lent(self, lease: Lease) -> None:
        if self._left and self._lease is None:
            self._give_back(lease)
        self._lease = lease
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _failure_of(taken: TakenCard) -> CallError:
    if taken.failure is None:
        return CallError.unknown(ErrorCode.INTERNAL, "the device broker told neither a card nor why there is none")
    return CallError.of(taken.failure)
