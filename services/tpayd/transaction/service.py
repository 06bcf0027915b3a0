"""The transaction process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tpayd import hosts
from tpayd.kit import crashpoints
from tpayd.kit.bus import Request
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.house import House
from tpayd.kit.settings import SettingsError
from tpayd.kit.store_settings import Merchant
from tpayd.transaction.aftermath import Aftermath
from tpayd.transaction.books import Books
from tpayd.transaction.closing.desk import ClosingDesk
from tpayd.transaction.desk import Desk
from tpayd.transaction.errands.acknowledgements import Acknowledgements
from tpayd.transaction.journal import OPEN_STATES
from tpayd.transaction.journal.bookkeeping import Bookkeeper
from tpayd.transaction.orders.abilities import AbilityDesk
from tpayd.transaction.orders.holding import Holding
from tpayd.transaction.orders.intake import INTAKE, Taken
from tpayd.transaction.orders.keyboard import Keyboard
from tpayd.transaction.orders.membership import MembershipDesk
from tpayd.transaction.orders.room import Room
from tpayd.transaction.payment import Payment
from tpayd.transaction.records import OWED, RecordsDesk, oldest_s
from tpayd.transaction.registry import Key, Registry
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.standalone.gate import Gate, serve_standalone
from tpayd.transaction.standalone.stubs import Stubs
from tpayd.transaction.steps.customer import CustomerSteps
from tpayd.transaction.steps.host import HostSteps
from tpayd.transaction.steps.leases import Leases
from tpayd.transaction.steps.reader import ReaderSteps
from tpayd.transaction.steps.screens import Screens
from tpayd.transaction.steps.stans import Stans
from tpayd.transaction.terminals import (
    PREVENTION,
    on_receipt,
    open_terminal_desk,
    prevention,
    serve_terminals,
    terminals_open,
)
from tpayd.transaction.verdict import VERDICTS
from tpayd.transaction.waits import Waits
from tpayd_contracts.health import Dependency, Readiness
from tpayd_contracts.operation import Empty
from tpayd_contracts.orders import MEMBERSHIP_READ
from tpayd_contracts.payment import (
    ABORT,
    ACKNOWLEDGE,
    CONFIRM,
    KEY,
    STATUS,
    Confirmation,
    KeyPress,
    PaymentRef,
    PaymentResult,
    PaymentState,
    Verdict,
)
from tpayd_contracts.settings import PENDING, Pending

__all__ = ["Transaction"]

_NEEDED = ("device_broker", "key_manager", "host_link")


class Transaction:
    """Decides about money; see the package's docstring for its parts."""

    def __init__(self, house: House[TransactionSettings]) -> None:
        self._house = house
        settings = house.settings
        room = Room(settings.max_in_hand)
        self._bookkeeper = Bookkeeper(house, lambda: room.in_hand)
        self._journal = self._bookkeeper.journal
        self._acknowledgements = Acknowledgements(house.clock, settings.unacknowledged_after_s)
        self._registry = Registry(settings.remembered_payments)
        self._aftermath = Aftermath(house.clock)
        self._books = Books(
            self._journal,
            house.clock,
            house.log,
            house.store.merchant,
            Waits(settings),
            self._downloaded,
            room,
        )

    async def start(self) -> None:
        house, settings = self._house, self._house.settings
        broker, keys, host = (house.caller(peer) for peer in _NEEDED)
        found = await self._bookkeeper.open()
        self._refuse_other_profile(found.open)
        stans = Stans(house.store.host_profile, found.stan_blocks, self._journal.put_block, self._registry.stan_in_use)
        self._aftermath.take_over(found.restored, found.lanes_since)
        self._terminals = open_terminal_desk(house, stans, self._journal)
        self._gate = Gate(enabled=settings.standalone, merchant=self._terminals.merchant)
        leases = Leases(broker, house.log, settings.lease_renew_s)
        readers = ReaderSteps(broker, settings, house.clock, house.log)
        self._screens = Screens(house.clock, [lane.name for lane in house.store.lanes])
        customer = CustomerSteps(broker, leases, self._screens, settings, house.clock)
        steps = HostSteps(
            keys=keys, host=host, adapter=hosts.load(settings.adapter), stans=stans, store=house.store,
            settings=settings, clock=house.clock, log=house.log,
        )  # fmt: skip
        self._desk = Desk(
            self._books, readers=readers, customer=customer, host=steps, leases=leases, registry=self._registry,
            store=house.store, settings=settings, admit=self._admit, may_sell=self._terminals.may_sell,
            aftermath=self._aftermath,
        )  # fmt: skip
        self._holding = Holding(house.clock, house.log, self._standing, lambda: self._desk.opening)
        self._acknowledgements.take_over(found.unacknowledged)
        self._journal.on_put = self._acknowledgements.note
        for payment in found.open:
            await self._desk.resume(payment)
        since_ms = house.clock.unix_ms() - self._desk.twins.window_ms
        recent = await self._bookkeeper.reader.since(since_ms)
        self._desk.twins.recall((one.payment_id, one.at_ms, one.event) for one in recent if one.event is not None)
        crashpoints.passing("recovery.before_commit")
        await self._journal.committed()
        self._journal.learn_keys()
        crashpoints.passing("recovery.after_commit")
        self._count()
        house.call_every(settings.lease_renew_s, leases.renew)
        house.call_every(1.0, leases.reset_once)
        house.rules.elsewhere[PREVENTION] = prevention(self._terminals)
        serve_terminals(house.server, self._terminals, standalone=settings.standalone)
        serve_standalone(house.server, self._gate, self._desk.lookup.terminal)
        for name, (op, take) in INTAKE.items():
            house.server.handle_raw(name, partial(self._order, op.request, take))
        membership = MembershipDesk(readers, leases)
        house.server.handle(MEMBERSHIP_READ, membership.read)
        house.server.handle(CONFIRM, self._confirm)
        self._keyboard = Keyboard(self._registry, self._desk.abort, enabled=settings.keyboard_events)
        house.server.handle(KEY, self._key)
        self._screens.register(house.server)
        AbilityDesk(
            broker, readers=readers, customer=customer, leases=leases, registry=self._registry, settings=settings,
            lanes=frozenset(lane.name for lane in house.store.lanes),
        ).register(house.server)  # fmt: skip
        house.server.handle(STATUS, self._status, while_draining=True)
        house.server.handle(ABORT, self._abort, while_draining=True)
        house.server.handle(ACKNOWLEDGE, self._acknowledge, while_draining=True)
        self._records = RecordsDesk(
            self._books, desk=self._desk, registry=self._registry, reader=self._bookkeeper.reader,
            acknowledgements=self._acknowledgements, lanes=[lane.name for lane in house.store.lanes],
            unacknowledged_after_s=settings.unacknowledged_after_s, aftermath=self._aftermath,
        )  # fmt: skip
        self._records.register(house.server)
        self._closing = self._open_closing(steps)
        self._closing.register(house.server)
        if settings.close_at:
            house.call_every(30.0, partial(self._closing.close_when_due, settings.close_at))
        house.server.handle(PENDING, self._pending, while_draining=True)
        self._holding.register(house.server)
        house.call_every(1.0, self._records.sweep)

    async def drain(self) -> None:
        if hasattr(self, "_screens"):
            self._screens.close()
        await self._desk.drain()

    async def stop(self) -> None:
        if hasattr(self, "_desk"):
            await self._desk.stop()
            await self._journal.close()
        self._bookkeeper.reader.close()

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        journal = Dependency("journal", self._journal.failing is None, self._journal.failing or "")
        callers = [self._house.caller(peer) for peer in _NEEDED]
        terminals = (terminals_open(self._terminals),) if hasattr(self, "_terminals") else ()
        dependencies = (journal, *terminals, *(Dependency(of.peer, of.connected, of.detail) for of in callers))
        ready = all(dependency.ok for dependency in dependencies)
        return Readiness.READY if ready else Readiness.DEGRADED, dependencies

    def _open_closing(self, host: HostSteps) -> ClosingDesk:
        house, bookkeeper = self._house, self._bookkeeper
        profile = house.store.host_profile
        stubs = Stubs(
            self._journal, bookkeeper.store, bookkeeper.reader, self._registry, profile=profile,
            acknowledge=self._desk.acknowledge,
        )  # fmt: skip
        return ClosingDesk(
            self._books, store=bookkeeper.store, reader=bookkeeper.reader, host=host, stubs=stubs,
            terminals=self._desk.terminals_busy, terminal_ids=[lane.terminal_id for lane in house.store.lanes],
            profile=profile, cutoff=house.settings.business_day_cutoff,
            let_go=self._let_stand, aftermath=self._aftermath,
        )  # fmt: skip

    async def _let_stand(self, key: Key) -> None:
        """A payment whose POS may no longer take its time. What waits is known as it is: nobody has to read it."""
        payment = self._acknowledgements.payment_of(key)
        if payment is None:
            await self._desk.unacknowledged.let_stand_by_key(key)
        else:
            self._desk.unacknowledged.let_stand(payment)

    def _admit(self, payment: Payment) -> None:
        """Refuse an order that must not begin. Raises CallError."""
        self._holding.check()
        order = payment.ordered
        if order.standalone:
            self._gate.check(payment.terminal_id)
        if order.rules.needs_open_terminal:
            self._terminals.admit(payment.lane, payment.terminal_id)

    def _downloaded(self, terminal_id: str) -> Merchant | None:
        found = self._terminals.merchant(terminal_id)
        return None if found is None else on_receipt(self._house.store.merchant, found)

    def _order(self, request_type: type[Any], take: Callable[[Any], Taken], request: Request) -> None:
        crashpoints.passing("payment.received")
        body = decode_body(request.body, request_type)
        self._desk.order(request, body.lane, *take(body))

    async def _confirm(self, _: Request, answer: Confirmation) -> PaymentResult:
        return await self._desk.confirm(PaymentRef(answer.lane, answer.request_id), proceed=answer.proceed)

    async def _key(self, _: Request, press: KeyPress) -> PaymentResult:
        return await self._keyboard.press(press)

    async def _status(self, _: Request, ref: PaymentRef) -> PaymentResult:
        return await self._desk.status(ref)

    async def _abort(self, _: Request, ref: PaymentRef) -> PaymentResult:
        return await self._desk.abort(ref)

    async def _acknowledge(self, _: Request, ref: PaymentRef) -> PaymentResult:
        return await self._desk.acknowledge(ref)

    def _pending(self, _: Request, __: Empty) -> Pending:
        return self._standing()

    def _standing(self) -> Pending:
        unsettled = self._registry.standing(OPEN_STATES)
        lanes = sorted({case.payment.lane for case in unsettled if VERDICTS[case.payment.state] is Verdict.WAIT})
        return Pending(
            under_way=self._desk.under_way, unsettled=len(unsettled), profile=self._house.store.host_profile,
            lanes=tuple(lanes),
        )  # fmt: skip

    def _refuse_other_profile(self, open_payments: tuple[Payment, ...]) -> None:
        """STANs, keys and totals belong to a profile (T1): settle under the old one first."""
        profile = self._house.store.host_profile
        others = {payment.profile for payment in open_payments} - {profile}
        if others:
            path = self._house.instance.config / "store.toml"
            count = sum(payment.profile != profile for payment in open_payments)
            raise SettingsError(
                path, "host_profile",
                f"{count} payments are unsettled under profile {', '.join(sorted(others))}: "
                "set it back until they are settled (see docs/operations.md, 'Live and test host')",
            )  # fmt: skip

    def _count(self) -> None:
        metrics, desk = self._house.metrics, self._desk
        metrics.add(self._books.figures)
        metrics.gauge("payments_under_way", "Payments without a verdict").set_function(lambda: desk.under_way)
        room = self._books.room
        metrics.gauge("payments_in_hand", "Payments that are worked on; max_in_hand is the limit").set_function(
            lambda: room.in_hand
        )
        metrics.gauge("reversals_owed", "Payments that must be taken back").set_function(
            lambda: len(desk.reversals.owed)
        )
        metrics.gauge("reversals_oldest_seconds", "Age of the reversal that is owed for longest").set_function(
            lambda: oldest_s((case.payment for case in self._registry.standing(OWED)), self._house.clock.unix_ms())
        )
        metrics.gauge(
            "payments_unacknowledged", "PAID, and not acknowledged by the POS within unacknowledged_after_s"
        ).set_function(lambda: len(self._acknowledgements.late))
        metrics.gauge("payments_inquired", "Payments about which the host is being asked").set_function(
            lambda: len(desk.inquiries.open)
        )
        metrics.gauge("needs_human", "Payments that a person must settle").set_function(
            lambda: self._registry.count(PaymentState.NEEDS_HUMAN)
        )
