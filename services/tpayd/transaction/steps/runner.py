"""Carries out the effects of one payment, in the order that the table gives, until none is left."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from tpayd.hosts import Opened, ReversalReason
from tpayd.kit import crashpoints
from tpayd.transaction import events as ev
from tpayd.transaction import flow
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
from tpayd.transaction.steps.host import HostSteps, SealedRequest
from tpayd.transaction.steps.leases import Leases
from tpayd.transaction.steps.prompts import progress_of
from tpayd.transaction.steps.questions import Asks, Question, Said
from tpayd.transaction.steps.reader import ReaderSteps, Turn
from tpayd.transaction.steps.requests import Presented
from tpayd_contracts.device import Lease
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
        customer: CustomerSteps,
        host: HostSteps,
        leases: Leases,
        twins: Twins,
        carried: Carried | None,
        confirm_wait_s: float,
        originals: Originals,
        reverse: Callable[[Case], None],
        inquire: Callable[[Case], None],
        ended: Callable[[Case], None],
    ) -> None:
        self.case = case
        self._books = books
        self._readers = readers
        self._customer = customer
        self._host = host
        self._leases = leases
        self._twins = twins
        self._originals = originals
        self._reverse = reverse
        self._inquire = inquire
        self._ended = ended
        self._confirm_wait_s = confirm_wait_s
        self._effects: deque[Effect] = deque()
        self._waiting = False
        self._turn: Turn | None = None
        self._lease: Lease | None = None
        self._carried = carried
        self._presented: Presented | None = None
        self._signature = b""
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
            self.case.log.exception("payment.fault", effect=type(effect).__name__)
            return _after_fault(payment.state)
        finally:
            self._waiting = False

    async def _perform(self, effect: Effect) -> ev.Event | None:  # noqa: C901  a table, one row per effect
        case = self.case
        match effect:
            case AcquireLease():
                return await self._acquire()
            case ReadCard():
                return await self._read()
            case AskCashier():
                return await self._ask()
            case TakeSignature():
                assert self._lease is not None  # noqa: S101
                self._signature, signed = await self._customer.sign(case, self._lease)
                return signed
            case AskNumber():
                self._carried, keyed = await self._customer.identity(case)
                return keyed
            case Seal():
                return await self._seal()
            case Commit(patient=True):
                await durable(self._books)
            case Commit():
                return await self._commit()
            case Transmit():
                assert self._sealed is not None  # noqa: S101
                case.progress(progress_of(Step.ASKING_HOST))
                self._answer, answered = await self._host.send_order(case.payment, self._sealed)
                if self._answer is not None:
                    case.balance_minor = self._answer.balance_minor
                return answered
            case CompleteCard(approved):
                return await self._complete(approved=approved)
            case MarkOriginal():
                self._originals.mark(case)
            case UnmarkOriginal():
                self._originals.unmark(case)
            case ReleaseLease():
                self._release()
            case TellPos():
                crashpoints.passing("tell.before_answer")
                case.tell()
                crashpoints.passing("tell.after_answer")
            case Reverse():
                self._reverse(case)
            case Inquire():
                case.progress(progress_of(Step.INQUIRING))
                self._inquire(case)
            case Alarm():
                case.log.error("payment.needs_human")
        return None

    async def _acquire(self) -> ev.Event:
        await self._leases.reset_once()
        got = await self._readers.acquire(self.case.payment, self.case.progress, self._leases.give_back)
        if isinstance(got, ev.Stopped):
            return got
        self._turn, self._lease = got, got.lease
        self._leases.hold(got.lease)
        return ev.Leased(got.lease.device, got.lease.label)

    async def _read(self) -> ev.Event:
        assert self._turn is not None  # noqa: S101
        payment = self.case.payment
        read = await self._readers.read(payment, self._turn, self.case.progress)
        self._presented = read.presented
        self._carried = read.carried or self._carried
        if not isinstance(read.event, ev.CardRead):
            return read.event
        twin = self._twins.of(payment, read.event.card.masked_pan, self._books.clock.unix_ms())
        return read.event if twin is None else replace(read.event, twin=twin)

    async def _ask(self) -> ev.Event:
        """Wait for the cashier, as long as the settings allow."""
        case, question = self.case, Question(Asks.DUPLICATE)
        with case.asking(question):
            case.progress(progress_of(Step.CONFIRM_DUPLICATE, twin=case.payment.twin))
            await asyncio.wait([question.answer], timeout=self._confirm_wait_s)
            meant = question.said == Said(True)
        return ev.Confirmed() if meant else ev.Stopped(Reason.DUPLICATE)

    async def _seal(self) -> ev.Event:
        payment = self.case.payment
        if self._carried is not None:
            presented = await self._host.encrypt(payment, self._carried)
            if isinstance(presented, ev.Stopped):
                return presented
            self._presented = presented
        reader_id = self._lease.reader_id if self._lease is not None else None
        self._sealed, sealed = await self._host.seal_order(
            payment, self._presented or Presented(), reader_id, self._signature
        )
        return sealed

    async def _commit(self) -> ev.Event | None:
        try:
            await self._books.journal.committed()
        except StorageError as error:
            self.case.log.warning("payment.not_recorded", why=str(error))
            return ev.CommitFailed(isinstance(error, DoubtError))
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
        self._carried = self._presented = self._sealed = self._answer = None
        self._signature = b""
        if self._lease is not None:
            self._leases.give_back(self._lease)
            self._lease = self._turn = None


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
