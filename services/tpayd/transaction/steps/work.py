"""What is done for one payment: each effect that the table may ask for, and what it needs meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from tpayd.hosts import Opened
from tpayd.kit import crashpoints
from tpayd.transaction import events as ev
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.effects import (
    AcquireLease,
    Alarm,
    AskCashier,
    AskNumber,
    Commit,
    CompleteCard,
    Effect,
    Inquire,
    MarkOriginal,
    ReadCard,
    ReleaseLease,
    Reverse,
    Seal,
    TakeSignature,
    TellPos,
    Transmit,
    UnmarkOriginal,
)
from tpayd.transaction.errands.queue import durable
from tpayd.transaction.journal import DoubtError, StorageError
from tpayd.transaction.orders.intake import Carried
from tpayd.transaction.orders.originals import Originals
from tpayd.transaction.orders.twins import Twins
from tpayd.transaction.steps.customer import CustomerSteps
from tpayd.transaction.steps.host import HostSteps, Prepared
from tpayd.transaction.steps.leases import Leases
from tpayd.transaction.steps.prompts import progress_of
from tpayd.transaction.steps.questions import Asks, Question, Said
from tpayd.transaction.steps.reader import Read, ReaderSteps, Turn
from tpayd.transaction.steps.requests import Presented
from tpayd_contracts.device import Lease
from tpayd_contracts.payment import Reason, Step

__all__ = ["Means", "Work"]

_ASKING_HOST = progress_of(Step.ASKING_HOST)


class Means(Struct, frozen=True, kw_only=True):
    """What all payments are worked on with."""

    books: Books
    readers: ReaderSteps
    customer: CustomerSteps
    host: HostSteps
    leases: Leases
    twins: Twins
    originals: Originals
    confirm_wait_s: float
    reverse: Callable[[Case], None]
    inquire: Callable[[Case], None]


class Work:
    """One payment's work. What must never be written down (the card, the request) lives here, and dies with it."""

    def __init__(self, case: Case, means: Means, carried: Carried | None) -> None:
        self.case = case
        self._means = means
        self._turn: Turn | None = None
        self._lease: Lease | None = None
        self._carried = carried
        self._presented: Presented | None = None
        self._signature = b""
        self._prepared: Prepared | None = None
        self._answer: Opened | None = None

    def let_go(self) -> None:
        """Give the reader back, and forget what must not outlast the payment."""
        self._carried = self._presented = self._prepared = self._answer = None
        self._signature = b""
        if self._lease is not None:
            self._means.leases.give_back(self._lease)
            self._lease = self._turn = None

    # What is waited for

    async def _acquire(self, _: AcquireLease) -> ev.Event:
        means = self._means
        if not means.leases.are_reset:
            await means.leases.reset_once()
        got = await means.readers.acquire(self.case.payment, self.case.progress, means.leases.give_back)
        if isinstance(got, ev.Stopped):
            return got
        self._turn, self._lease = got, got.lease
        means.leases.hold(got.lease)
        read = means.readers.at_once(self.case.payment, got, self.case.progress)
        return self._taken(read) if read is not None else ev.Leased(got.lease.device, got.lease.label)

    async def _read(self, _: ReadCard) -> ev.Event:
        assert self._turn is not None  # noqa: S101
        return self._taken(await self._means.readers.read(self.case.payment, self._turn, self.case.progress))

    def _taken(self, read: Read) -> ev.Event:
        """Keep what must not be written down of it."""
        payment, means = self.case.payment, self._means
        self._presented = read.presented
        self._carried = read.carried or self._carried
        if not isinstance(read.event, ev.CardRead):
            return read.event
        twin = means.twins.of(payment, read.event.card.masked_pan, means.books.clock.unix_ms())
        return read.event if twin is None else replace(read.event, twin=twin)

    async def _ask(self, _: AskCashier) -> ev.Event:
        """Wait for the cashier, as long as the settings allow."""
        case, question = self.case, Question(Asks.DUPLICATE)
        with case.asking(question):
            case.progress(progress_of(Step.CONFIRM_DUPLICATE, twin=case.payment.twin))
            await asyncio.wait([question.answer], timeout=self._means.confirm_wait_s)
            meant = question.said == Said(True)
        return ev.Confirmed() if meant else ev.Stopped(Reason.DUPLICATE)

    async def _sign(self, _: TakeSignature) -> ev.Event:
        assert self._lease is not None  # noqa: S101
        self._signature, signed = await self._means.customer.sign(self.case, self._lease)
        return signed

    async def _ask_number(self, _: AskNumber) -> ev.Event:
        self._carried, keyed = await self._means.customer.identity(self.case)
        return keyed

    async def _seal(self, _: Seal) -> ev.Event:
        payment, host = self.case.payment, self._means.host
        if self._carried is not None:
            presented = await host.encrypt(payment, self._carried)
            if isinstance(presented, ev.Stopped):
                return presented
            self._presented = presented
        reader_id = self._lease.reader_id if self._lease is not None else None
        self._prepared, sealed = await host.prepare_order(
            payment, self._presented or Presented(), reader_id, self._signature
        )
        return sealed

    async def _commit(self, commit: Commit) -> ev.Event | None:
        books = self._means.books
        if commit.patient:
            await durable(books)
            return None
        try:
            await books.journal.committed(self.case.payment.lane)
        except StorageError as error:
            self.case.log.warning("payment.not_recorded", why=str(error))
            return ev.CommitFailed(isinstance(error, DoubtError))
        return None

    async def _transmit(self, _: Transmit) -> ev.Event:
        assert self._prepared is not None  # noqa: S101
        case = self.case
        case.progress(_ASKING_HOST)
        self._answer, answered = await self._means.host.send_order(case.payment, self._prepared)
        if self._answer is not None:
            case.balance_minor = self._answer.balance_minor
        return answered

    async def _complete(self, complete: CompleteCard) -> ev.Event | None:
        assert self._lease is not None  # noqa: S101
        if complete.approved:
            self.case.progress(progress_of(Step.FINISHING_CARD))
        emv = self._answer.emv if self._answer is not None else None
        word = await self._means.readers.complete(
            self.case.payment, self._lease, emv, self.case.payment.response_code or "05", approved=complete.approved
        )
        return word if complete.approved else None

    # What is done at once

    def _mark(self) -> None:
        self._means.originals.mark(self.case)

    def _unmark(self) -> None:
        self._means.originals.unmark(self.case)

    def _tell(self) -> None:
        self._means.books.room.done(self.case)
        crashpoints.passing("tell.before_answer")
        self.case.tell()
        crashpoints.passing("tell.after_answer")

    def _reverse(self) -> None:
        self._means.reverse(self.case)

    def _inquire(self) -> None:
        self.case.progress(progress_of(Step.INQUIRING))
        self._means.inquire(self.case)

    def _alarm(self) -> None:
        self.case.log.error("payment.needs_human")

    STEPS: ClassVar[dict[type[Effect], Callable[[Work, Any], Awaitable[ev.Event | None]]]] = {
        AcquireLease: _acquire,
        ReadCard: _read,
        AskCashier: _ask,
        TakeSignature: _sign,
        AskNumber: _ask_number,
        Seal: _seal,
        Commit: _commit,
        Transmit: _transmit,
        CompleteCard: _complete,
    }
    """What is waited for; its outcome is the next event, or nothing."""
    ACTS: ClassVar[dict[type[Effect], Callable[[Work], None]]] = {
        MarkOriginal: _mark,
        UnmarkOriginal: _unmark,
        ReleaseLease: let_go,
        TellPos: _tell,
        Reverse: _reverse,
        Inquire: _inquire,
        Alarm: _alarm,
    }
    """What is done at once."""
