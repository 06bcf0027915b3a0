"""The desk where POS requests arrive: one payment per lane at a time, one answer per key for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tpayd.kit.bus import CallError, Request
from tpayd.kit.store_settings import StoreSettings
from tpayd.transaction import events as ev
from tpayd.transaction.aftermath import Aftermath
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.effects import Effect, Inquire, Reverse
from tpayd.transaction.errands.inquiries import InquiryDesk
from tpayd.transaction.errands.queue import Terminals
from tpayd.transaction.errands.reversals import ReversalDesk
from tpayd.transaction.journal import StorageError
from tpayd.transaction.lookup import Lookup, storage_failed
from tpayd.transaction.order import Order
from tpayd.transaction.orders.beginning import Beginning
from tpayd.transaction.orders.intake import Carried
from tpayd.transaction.orders.keyboard import answer
from tpayd.transaction.orders.originals import Originals
from tpayd.transaction.orders.twins import Twins
from tpayd.transaction.payment import Payment, body_hash
from tpayd.transaction.registry import Key, Registry
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.customer import CustomerSteps
from tpayd.transaction.steps.host import HostSteps
from tpayd.transaction.steps.leases import Leases
from tpayd.transaction.steps.questions import Asks, Said
from tpayd.transaction.steps.reader import ReaderSteps
from tpayd.transaction.steps.runner import Runner
from tpayd.transaction.steps.work import Means
from tpayd.transaction.unacknowledged import Unacknowledged
from tpayd.transaction.verdict import PAID_STATES
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.payment import PaymentRef, PaymentResult, PaymentState, Verdict
from tpayd_contracts.shapes import is_request_id

__all__ = ["Desk"]

_UNSETTLED = frozenset({PaymentState.UNKNOWN, PaymentState.REVERSING, PaymentState.INQUIRING})


class Desk:
    """What a POS may ask of payments."""

    def __init__(
        self,
        books: Books,
        *,
        readers: ReaderSteps,
        customer: CustomerSteps,
        host: HostSteps,
        leases: Leases,
        registry: Registry,
        store: StoreSettings,
        settings: TransactionSettings,
        admit: Callable[[Payment], None],
        may_sell: Callable[[str], bool],
        aftermath: Aftermath | None = None,
    ) -> None:
        """`admit` refuses what must not begin; raises CallError. `may_sell` tells of a terminal for credit sales."""
        self._books = books
        self._aftermath = aftermath or Aftermath(books.clock)
        self._admit = admit
        self._settings = settings
        self._registry = registry
        self.lookup = Lookup(books, registry, store, self._aftermath)
        self._beginning = Beginning(settings, store.host_profile, may_sell)
        self._runners: dict[Key, Runner] = {}
        books.room.under_way = lambda: len(self._runners) + len(self.lookup.opening)
        self._idle = asyncio.Event()
        self._idle.set()
        terminals = self.terminals_busy = Terminals()
        self._originals = Originals(books, registry, partial=settings.partial_voids)
        self.twins = Twins(int(settings.duplicate_window_s * 1000))
        self.reversals = ReversalDesk(books, host, settings, terminals, self._settled)
        self.unacknowledged = Unacknowledged(books, registry, self.lookup, self._originals, self.reversals.add)
        self.inquiries = InquiryDesk(
            books, host, settings, terminals, mark=self._originals.mark, reverse=self.reversals.add,
            settled=self._settled,
        )  # fmt: skip
        self._means = Means(
            books=books, readers=readers, customer=customer, host=host, leases=leases, twins=self.twins,
            originals=self._originals, confirm_wait_s=settings.confirm_wait_s, reverse=self.reversals.add,
            inquire=self.inquiries.add,
        )  # fmt: skip

    # What the operations are

    def order(self, request: Request, lane: str, order: Order, carried: Carried | None) -> None:
        """Begin a payment, attach to it, or repeat its answer. Answers through `request`, now or later."""
        key = lane, _key_of(request)
        terminal_id = self.lookup.terminal(lane)
        case = self._registry.find(key)
        if case is not None:
            self._same(case, request, order)
            return
        self.lookup.check_disk()
        known = self._books.journal.may_hold(*key)
        if not known:
            # One that may be known is looked up first: what has begun must not be told that nothing has.
            self._books.room.check()
        payment = self._beginning.payment(lane, terminal_id, order, request, key[1], self._books.clock.unix_ms())
        case = Case(payment, self._books)
        at_once = not known and order.original is None and not self._aftermath.doubts(lane)
        if at_once:
            self._admit(case.payment)
        self._registry.claim(case)
        self._watch(case, request)
        self._idle.clear()
        if at_once:
            self._run(case, carried)
            return
        self.lookup.opening[key] = asyncio.get_running_loop().create_task(self._open(case, carried))

    async def status(self, ref: PaymentRef) -> PaymentResult:
        """What is known now. An id that nobody knows is buried first."""
        case = await self.lookup.known(ref)
        return case.asked()

    async def abort(self, ref: PaymentRef) -> PaymentResult:
        """End a payment that has not been sent. Raises CallError `too_late`."""
        case = await self.lookup.known(ref)
        runner = self._runners.get(case.key)
        if runner is not None and runner.interrupt(ev.AbortAsked()):
            await runner.finished()
        result = case.result()
        if result.verdict != Verdict.NOT_PAID:
            text = f"payment {ref.request_id} is {result.verdict}: {result.message}"
            raise CallError(ErrorCode.TOO_LATE, text, outcome=Outcome.FAILED)
        return result

    async def confirm(self, ref: PaymentRef, *, proceed: bool) -> PaymentResult:
        """The cashier's answer about a payment that looks like an earlier one. Raises CallError `too_late`."""
        case = await self.lookup.known(ref)
        answer(case, Asks.DUPLICATE, Said(proceed))
        return case.result()

    async def acknowledge(self, ref: PaymentRef) -> PaymentResult:
        """The POS has recorded the verdict. While there is none, nothing is acknowledged, and the answer says WAIT."""
        case = await self.lookup.known(ref)
        if case.told and case.payment.acknowledged_ms is None:
            case.apply(ev.Acknowledged())
            await self.lookup.commit(ref.lane)
        return case.result()

    # Life cycle

    async def resume(self, payment: Payment) -> None:
        """Take over what a former process left open: decide what it means, and owe what must be taken back.

        Raises StorageError if a void's original cannot be read.
        """
        case = Case(payment, self._books, told=True)
        self._registry.hold(case)
        await self._originals.resume(payment)
        effects: tuple[Effect, ...] = ()
        if payment.state != PaymentState.NEEDS_HUMAN:
            effects = case.apply(ev.Restarted())
            if payment.ended_ms is None and case.payment.ended_ms is not None:
                case.unheard()
            case.log.info("payment.resumed", state=case.payment.state)
        if Reverse() in effects:
            self.reversals.add(case)
        elif Inquire() in effects:
            case.told = False
            self.inquiries.add(case)
        else:
            self._settled(case)

    def settled_by_hand(self, case: Case) -> None:
        """A person has said what became of it. Awaits nothing, so that one commit has all of it."""
        if case.payment.state == PaymentState.CHARGED:
            self._originals.mark(case)
        self._settled(case)

    @property
    def under_way(self) -> int:
        """Payments without a verdict."""
        return len(self._runners)

    @property
    def opening(self) -> int:
        """Requests of which it is not known yet whether they begin a payment."""
        return len(self.lookup.opening)

    async def drain(self) -> None:
        """Wait for every verdict that is still out."""
        await self._idle.wait()

    async def stop(self) -> None:
        """Cut what is left; the journal decides about it at the next start."""
        for runner in list(self._runners.values()):
            runner.cut()
        await asyncio.gather(*(runner.finished() for runner in list(self._runners.values())))
        await self.reversals.stop()
        await self.inquiries.stop()

    # Steps

    async def _open(self, case: Case, carried: Carried | None) -> None:
        """Look the key up on disk, and what is to be taken back; then begin."""
        asked = case.payment
        try:
            found = await self._books.journal.find(*case.key)
            if found is None:
                self._books.room.check(opening=len(self.lookup.opening))
                if self._aftermath.doubts(asked.lane):
                    self._registry.forget(case)
                    self._aftermath.check_known((await self.lookup.bury(case.key, asked.terminal_id)).payment)
                self._admit(asked)
                case.payment = await self._originals.claim(asked)
                self._run(case, carried)
            else:
                self._registry.forget(case)
                self._repeat(case, found, asked.ordered)
        except StorageError as error:
            self._registry.forget(case)
            case.refuse(storage_failed(error))
        except CallError as error:
            self._registry.forget(case)
            case.refuse(error)
        except Exception:
            case.log.exception("payment.not_opened")
            self._registry.forget(case)
            case.refuse(CallError.unknown(ErrorCode.INTERNAL, "a fault in the daemon; its log has it"))
        finally:
            del self.lookup.opening[case.key]
            self._note_idle()

    def _run(self, case: Case, carried: Carried | None) -> None:
        runner = self._runners[case.key] = Runner(case, self._means, carried, self._ended)
        runner.start(case.open(ev.Created(case.payment)))

    def _repeat(self, case: Case, found: Payment, order: Order) -> None:
        """The key was used before this process began."""
        old = Case(found, self._books, told=True)
        self._registry.remember(old)
        for request in case.leave():
            try:
                self._same(old, request, order)
            except CallError as error:
                request.fail(error)

    def _same(self, case: Case, request: Request, order: Order) -> None:
        """A key that was used before."""
        buried = not case.payment.body_hash
        if not buried and case.payment.body_hash != body_hash(order):
            raise CallError.not_started(
                ErrorCode.KEY_CONFLICT, "this request id was used for another request; take a new one", field="key"
            )
        self._aftermath.check_known(case.payment)
        if case.told:
            request.reply(case.result(repeated=True))
        else:
            self._watch(case, request)

    def _watch(self, case: Case, request: Request) -> None:
        case.watch(request)

        def left() -> None:
            case.unwatch(request)
            runner = self._runners.get(case.key)
            if not request.gone and runner is not None:
                runner.interrupt(ev.AbortAsked())
            elif not case.watched:
                loop = asyncio.get_running_loop()
                loop.call_later(self._settings.pos_gone_after_s, self._abandoned, case)

        request.on_cancel(left)

    def _abandoned(self, case: Case) -> None:
        runner = self._runners.get(case.key)
        if runner is not None and not case.watched and runner.interrupt(ev.PosGone()):
            case.log.info("payment.pos_gone")

    def _ended(self, case: Case) -> None:
        self._runners.pop(case.key, None)
        self._books.room.leave(case)
        self._note_idle()
        if case.payment.state not in _UNSETTLED:
            self._settled(case)

    def _settled(self, case: Case) -> None:
        """Nothing more happens to it by itself."""
        if case.payment.state in PAID_STATES:
            self.twins.note(case.payment, case.card, self._books.clock.unix_ms())
        if case.payment.state != PaymentState.NEEDS_HUMAN:
            # Else nobody knows whether it has given its original back: no other may.
            self._originals.give_up(case)
        self._registry.retire(case)

    def _note_idle(self) -> None:
        if not self._runners and not self.lookup.opening:
            self._idle.set()


def _key_of(request: Request) -> str:
    key = request.key
    if key is None or not is_request_id(key):
        text = "a sale needs a request id: a UUID in lower case, new for each sale"
        raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="key")
    return key
