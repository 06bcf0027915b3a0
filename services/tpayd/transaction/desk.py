"""The desk where POS requests arrive: one payment per lane at a time, one answer per key for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tpayd.kit.bus import CallError, Request
from tpayd.kit.store_settings import StoreSettings
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.aftermath import Aftermath
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.effects import Effect, Inquire, Reverse, UnmarkOriginal
from tpayd.transaction.errands.inquiries import InquiryDesk
from tpayd.transaction.errands.queue import Terminals, durable
from tpayd.transaction.errands.reversals import ReversalDesk
from tpayd.transaction.journal import StorageError
from tpayd.transaction.order import OnUnknown, Order, Reads
from tpayd.transaction.orders.intake import Carried
from tpayd.transaction.orders.keyboard import answer
from tpayd.transaction.orders.originals import Originals
from tpayd.transaction.orders.twins import Twins
from tpayd.transaction.payment import Payment, body_hash, new_payment_id
from tpayd.transaction.registry import Key, Registry
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.customer import CustomerSteps
from tpayd.transaction.steps.host import HostSteps
from tpayd.transaction.steps.leases import Leases
from tpayd.transaction.steps.questions import Asks, Said
from tpayd.transaction.steps.reader import ReaderSteps
from tpayd.transaction.steps.runner import Means, Runner
from tpayd.transaction.verdict import PAID_STATES
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.payment import (
    CardSummary,
    EntryMode,
    PaymentRef,
    PaymentResult,
    PaymentState,
    Reason,
    Verdict,
)
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
        self._may_sell = may_sell
        self._admit = admit
        self._store = store
        self._settings = settings
        self._terminals = {lane.name: lane.terminal_id for lane in store.lanes}
        self._registry = registry
        self._runners: dict[Key, Runner] = {}
        self._opening: dict[Key, asyncio.Task[None]] = {}
        books.room.under_way = lambda: len(self._runners) + len(self._opening)
        self._idle = asyncio.Event()
        self._idle.set()
        terminals = self.terminals_busy = Terminals()
        self._originals = Originals(books, registry, partial=settings.partial_voids)
        self.twins = Twins(int(settings.duplicate_window_s * 1000))
        self.reversals = ReversalDesk(books, host, settings, terminals, self._settled)
        self.inquiries = InquiryDesk(
            books, host, settings, terminals, mark=self._originals.mark, reverse=self.reversals.add,
            settled=self._settled,
        )  # fmt: skip
        self._means = Means(
            books=books, readers=readers, customer=customer, host=host, leases=leases, twins=self.twins,
            originals=self._originals, confirm_wait_s=settings.confirm_wait_s, reverse=self.reversals.add,
            inquire=self.inquiries.add, ended=self._ended,
        )  # fmt: skip

    # What the operations are

    def order(self, request: Request, lane: str, order: Order, carried: Carried | None) -> None:
        """Begin a payment, attach to it, or repeat its answer. Answers through `request`, now or later."""
        key = lane, _key_of(request)
        terminal_id = self.terminal(lane)
        case = self._registry.find(key)
        if case is not None:
            self._same(case, request, order)
            return
        self._check_disk()
        known = self._books.journal.may_hold(*key)
        if not known:
            # One that may be known is looked up first: what has begun must not be told that nothing has.
            self._books.room.check()
        case = Case(self._payment(key, terminal_id, order, request), self._books)
        at_once = not known and order.original is None and not self._aftermath.doubts(lane)
        if at_once:
            self._admit(case.payment)
        self._registry.claim(case)
        self._watch(case, request)
        self._idle.clear()
        if at_once:
            self._run(case, carried)
            return
        self._opening[key] = asyncio.get_running_loop().create_task(self._open(case, carried))

    async def status(self, ref: PaymentRef) -> PaymentResult:
        """What is known now. An id that nobody knows is buried first."""
        case = await self._known(ref)
        return case.asked()

    async def abort(self, ref: PaymentRef) -> PaymentResult:
        """End a payment that has not been sent. Raises CallError `too_late`."""
        case = await self._known(ref)
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
        case = await self._known(ref)
        answer(case, Asks.DUPLICATE, Said(proceed))
        return case.result()

    async def acknowledge(self, ref: PaymentRef) -> PaymentResult:
        """The POS has recorded the verdict. While there is none, nothing is acknowledged, and the answer says WAIT."""
        case = await self._known(ref)
        if case.told and case.payment.acknowledged_ms is None:
            case.apply(ev.Acknowledged())
            await self._commit(ref.lane)
        return case.result()

    async def opened(self, key: Key) -> None:
        """Wait until it is known whether a request that has come begins a payment, or repeats one."""
        opening = self._opening.get(key)
        if opening is not None:
            await asyncio.wait([opening])

    async def left_unacknowledged(self, key: Key, *, reverse: bool) -> None:
        """The POS had its time to acknowledge a payment: let it stand for good, or take it back.

        Raises CallError or StorageError if the journal cannot be read now.
        """
        case = await self.case_of(PaymentRef(*key))
        if not reverse:
            _let_stand(case)
            return
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
        self.reversals.add(case)
        # Until it is on disk it is not told, and it is told then, however long the disk takes.
        await durable(self._books)
        case.tell()

    def let_stand(self, payment: Payment) -> None:
        """The POS had its time: `payment`, which is as it was last put into the journal, stands for good."""
        case = self._registry.find((payment.lane, payment.request_id))
        if case is None:
            case = Case(payment, self._books, told=True)
            # Who is just reading it from disk has to meet this one, and not what was there before.
            self._registry.remember(case)
        _let_stand(case)

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

    @property
    def under_way(self) -> int:
        """Payments without a verdict."""
        return len(self._runners)

    @property
    def opening(self) -> int:
        """Requests of which it is not known yet whether they begin a payment."""
        return len(self._opening)

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
                self._books.room.check(opening=len(self._opening))
                if self._aftermath.doubts(asked.lane):
                    self._registry.forget(case)
                    self._aftermath.check_known((await self._bury(case.key, asked.terminal_id)).payment)
                self._admit(asked)
                case.payment = await self._originals.claim(asked)
                self._run(case, carried)
            else:
                self._registry.forget(case)
                self._repeat(case, found, asked.ordered)
        except StorageError as error:
            self._registry.forget(case)
            case.refuse(_storage_failed(error))
        except CallError as error:
            self._registry.forget(case)
            case.refuse(error)
        except Exception:
            case.log.exception("payment.not_opened")
            self._registry.forget(case)
            case.refuse(CallError.unknown(ErrorCode.INTERNAL, "a fault in the daemon; its log has it"))
        finally:
            del self._opening[case.key]
            self._note_idle()

    def _run(self, case: Case, carried: Carried | None) -> None:
        runner = self._runners[case.key] = Runner(case, self._means, carried)
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

    async def _known(self, ref: PaymentRef) -> Case:
        """The same for a POS that asks. Raises CallError `restored` where nobody can know."""
        case = await self.case_of(ref)
        self._aftermath.check_known(case.payment)
        return case

    async def case_of(self, ref: PaymentRef) -> Case:
        """The payment of that name: from memory, from disk, or buried now."""
        key = ref.lane, ref.request_id
        await self.opened(key)
        case = self._registry.find(key)
        if case is None:
            try:
                found = await self._books.journal.find(*key)
            except StorageError as error:
                raise _storage_failed(error) from None
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
        return await self._bury(key, self.terminal(ref.lane))

    async def _bury(self, key: Key, terminal_id: str) -> Case:
        now_ms = self._books.clock.unix_ms()
        payment = Payment(
            payment_id=new_payment_id(now_ms), lane=key[0], request_id=key[1], body_hash=b"", order=None,
            terminal_id=terminal_id, profile=self._store.host_profile, created_ms=now_ms,
            state=PaymentState.ABORTED, reason=Reason.RESTORED if self._aftermath.lasts else Reason.NEVER_SEEN,
        )  # fmt: skip
        self._check_disk()
        self._aftermath.hear(key[0])
        case = Case(payment, self._books)
        self._registry.hold(case)
        case.open(ev.Buried(payment))
        await self._buried(case)
        return case

    async def _buried(self, case: Case) -> None:
        """Tell it once it is on disk. If the disk fails it stays known, so that nobody digs a second grave."""
        if case.told:
            return
        await self._commit(case.payment.lane)
        case.tell()
        self._registry.retire(case)

    def _may_be_undone(self, case: Case) -> bool:
        """Not before the POS was told, and not what is being voided: whoever voids a payment knows of it."""
        if not case.told or not flow.has_row(case.payment, ev.LeftUnacknowledged):
            return False
        return not self._originals.is_claimed(case.payment)

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

    def _payment(self, key: Key, terminal_id: str, order: Order, request: Request) -> Payment:
        settings = self._settings
        accepts_card = settings.simple_pay_accepts_card and order.reads is Reads.CODE and self._may_sell(terminal_id)
        rules = order.rules
        signs = (rules.signs or accepts_card) and settings.signature != "off"
        shown = None
        if order.shown is not None:
            mode = EntryMode.BARCODE if order.provider is not None else EntryMode.KEYED
            shown = CardSummary(masked_pan=order.shown, entry_mode=mode, label=order.provider)
        now_ms = self._books.clock.unix_ms()
        return Payment(
            payment_id=new_payment_id(now_ms), lane=key[0], request_id=key[1], body_hash=body_hash(order), order=order,
            terminal_id=terminal_id, profile=self._store.host_profile, created_ms=now_ms,
            trace=request.trace, client=request.principal, card=shown,
            reverse_unacknowledged=settings.unacknowledged == "reverse"
            and not order.standalone
            and rules.on_unknown is not OnUnknown.NOTHING,
            accepts_card=accepts_card,
            wants_signature=signs and order.amount is not None
            and order.amount.total_minor > settings.no_signature_limit_minor,
        )  # fmt: skip

    def terminal(self, lane: str) -> str:
        """The lane's terminal id. Raises CallError `not_found`."""
        terminal_id = self._terminals.get(lane)
        if terminal_id is None:
            text = f"this store has no lane {lane}; config/store.toml lists them"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text, field="$.lane")
        return terminal_id

    def _check_disk(self) -> None:
        """Nothing may begin that could not be written down: what waits for the disk is bounded so."""
        if self._books.journal.failing is not None:
            text = f"the journal cannot be written: {self._books.journal.failing}; free disk space, then try again"
            raise CallError.not_started(ErrorCode.STORAGE_FAILED, text, retryable=True)

    async def _commit(self, lane: str) -> None:
        try:
            await self._books.journal.committed(lane)
        except StorageError as error:
            raise _storage_failed(error) from None

    def _ended(self, case: Case) -> None:
        self._runners.pop(case.key, None)
        self._books.room.leave(case)
        self._note_idle()
        if case.payment.state not in _UNSETTLED:
            self._settled(case)

    def settled_by_hand(self, case: Case) -> None:
        """A person has said what became of it. Awaits nothing, so that one commit has all of it."""
        if case.payment.state == PaymentState.CHARGED:
            self._originals.mark(case)
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
        if not self._runners and not self._opening:
            self._idle.set()


def _is_tombstone(case: Case) -> bool:
    return case.payment.order is None and case.payment.reason in (Reason.NEVER_SEEN, Reason.RESTORED)


def _storage_failed(error: StorageError) -> CallError:
    return CallError.not_started(ErrorCode.STORAGE_FAILED, str(error), retryable=True)


def _key_of(request: Request) -> str:
    key = request.key
    if key is None or not is_request_id(key):
        text = "a sale needs a request id: a UUID in lower case, new for each sale"
        raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="key")
    return key


def _let_stand(case: Case) -> None:
    if flow.has_row(case.payment, ev.ClosedUnacknowledged):
        case.apply(ev.ClosedUnacknowledged())
