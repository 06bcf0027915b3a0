"""Carries out the effects of one payment, in the order that the table gives, until none is left."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from tpayd.hosts import Opened, ReversalReason
from tpayd.kit import crashpoints
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.effects import (
    AcquireLease,
    Alarm,
    Commit,
    CompleteCard,
    Effect,
    ReadCard,
    ReleaseLease,
    Reverse,
    Seal,
    TellPos,
    Transmit,
)
from tpayd.transaction.host_steps import HostSteps, SealedRequest
from tpayd.transaction.journal import StorageError
from tpayd.transaction.leases import Leases
from tpayd.transaction.reader_steps import ReaderSteps, progress_of
from tpayd_contracts.device import Lease, ReadCardResult
from tpayd_contracts.payment import PaymentState, Reason, Step

__all__ = ["Runner"]


class Runner:
    """One payment's run. What must never be written down (the card, the sealed bytes) lives here, and dies with it."""

    def __init__(
        self,
        case: Case,
        books: Books,
        *,
        readers: ReaderSteps,
        host: HostSteps,
        leases: Leases,
        reverse: Callable[[Case], None],
        ended: Callable[[Case], None],
    ) -> None:
        self.case = case
        self._books = books
        self._readers = readers
        self._host = host
        self._leases = leases
        self._reverse = reverse
        self._ended = ended
        self._effects: deque[Effect] = deque()
        self._waiting = False
        self._lease: Lease | None = None
        self._card: ReadCardResult | None = None
        self._sealed: SealedRequest | None = None
        self._answer: Opened | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, effects: tuple[Effect, ...]) -> None:
        """Begin with the effects of the first event."""
        self._effects.extend(effects)
        self._task = asyncio.get_running_loop().create_task(self._run())

    def interrupt(self, event: ev.AbortAsked | ev.PosGone) -> bool:
        """End it from outside, if the table still allows that. What it waits for is cancelled."""
        if not flow.has_row(self.case.payment, type(event)):
            return False
        self._apply(event)
        if self._waiting and self._task is not None:
            self._task.cancel()
        return True

    async def finished(self) -> None:
        """Wait for the end of the run."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def cut(self) -> None:
        """The process goes down and can wait no longer: what the journal holds decides at the next start."""
        if self._task is not None:
            self._effects.clear()
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while self._effects:
                effect = self._effects.popleft()
                state = self.case.payment.state
                event = await self._perform_safely(effect, state)
                if event is not None and flow.has_row(self.case.payment, type(event)):
                    self._apply(event)
        finally:
            self._release()
            self._ended(self.case)

    def _apply(self, event: ev.Event) -> None:
        effects = self.case.apply(event)
        self._effects.clear()
        self._effects.extend(effects)

    async def _perform_safely(self, effect: Effect, state: PaymentState) -> ev.Event | None:
        self._waiting = True
        try:
            return await self._perform(effect)
        except asyncio.CancelledError:
            if self.case.payment.state == state:
                raise
            return None  # interrupted: the table has moved on already
        except Exception:
            payment = self.case.payment
            self._books.log.exception("payment.fault", payment=payment.payment_id, effect=type(effect).__name__)
            return _after_fault(payment.state)
        finally:
            self._waiting = False

    async def _perform(self, effect: Effect) -> ev.Event | None:  # noqa: C901  a table, one row per effect
        case = self.case
        match effect:
            case AcquireLease():
                return await self._acquire()
            case ReadCard():
                assert self._lease is not None  # noqa: S101
                self._card, read = await self._readers.read(case.payment, self._lease, case.progress)
                return read
            case Seal():
                assert self._lease is not None and self._card is not None  # noqa: S101, PT018
                self._sealed, sealed = await self._host.seal_sale(case.payment, self._card, self._lease.reader_id)
                return sealed
            case Commit():
                return await self._commit()
            case Transmit():
                assert self._sealed is not None  # noqa: S101
                case.progress(progress_of(Step.ASKING_HOST))
                self._answer, answered = await self._host.send_sale(case.payment, self._sealed)
                return answered
            case CompleteCard(approved):
                return await self._complete(approved=approved)
            case ReleaseLease():
                self._release()
            case TellPos():
                crashpoints.passing("tell.before_answer")
                case.tell()
                crashpoints.passing("tell.after_answer")
            case Reverse():
                self._reverse(case)
            case Alarm():
                self._books.log.error("payment.needs_human", payment=case.payment.payment_id)
        return None

    async def _acquire(self) -> ev.Event:
        await self._leases.reset_once()
        got = await self._readers.acquire(self.case.payment, self.case.progress, self._leases.give_back)
        if isinstance(got, ev.Stopped):
            return got
        self._lease = got
        self._leases.hold(got)
        return ev.Leased(got.device, got.label)

    async def _commit(self) -> ev.Event | None:
        try:
            await self._books.journal.committed()
        except StorageError as error:
            self._books.log.warning("payment.not_recorded", payment=self.case.payment.payment_id, why=str(error))
            return ev.CommitFailed()
        return None

    async def _complete(self, *, approved: bool) -> ev.Event | None:
        assert self._lease is not None  # noqa: S101
        if approved:
            self.case.progress(progress_of(Step.FINISHING_CARD))
        emv = self._answer.emv if self._answer is not None else None
        code = self.case.payment.response_code or "05"
        word = await self._readers.complete(self.case.payment, self._lease, emv, code, approved=approved)
        return word if approved else None

    def _release(self) -> None:
        self._card = self._sealed = self._answer = None
        if self._lease is not None:
            self._leases.give_back(self._lease)
            self._lease = None


def _after_fault(state: PaymentState) -> ev.Event | None:
    """A fault of ours is treated like the loss of whom we were talking to: never as success, never as 'not sent'."""
    match state:
        case PaymentState.CREATED | PaymentState.LEASED | PaymentState.CARD_READ:
            return ev.Stopped(Reason.CARD_FAILED, "a fault in the daemon; its log has it")
        case PaymentState.SENDING:
            return ev.HostUnknown(Reason.HOST_SILENT, "a fault in the daemon; its log has it", 0)
        case PaymentState.AUTHORIZED:
            return ev.CardRefused(ReversalReason.READER_LOST, 0, "a fault in the daemon; its log has it")
        case PaymentState.APPROVED:
            return ev.CommitFailed()
        case _:
            return None
