"""A payment desk in a test's hand: a real journal, and a host and a disk that do as they are told."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import structlog

from tests.harness.clock import FakeClock
from tpayd.hosts import Opened, TypeClass, Unsealed
from tpayd.kit.bus import CallError
from tpayd.kit.store_settings import LaneSettings, Merchant, StoreSettings
from tpayd.transaction import events as ev
from tpayd.transaction.aftermath import Aftermath
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.desk import Desk
from tpayd.transaction.errands.acknowledgements import Acknowledgements
from tpayd.transaction.journal import DoubtError, Journal, JournalReader, JournalStore, StorageError
from tpayd.transaction.journal.entries import Entry, StanBlock
from tpayd.transaction.order import Order
from tpayd.transaction.orders.room import Room
from tpayd.transaction.payment import Payment
from tpayd.transaction.registry import Registry
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.host import Prepared
from tpayd.transaction.steps.requests import Numbered
from tpayd.transaction.waits import Waits
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.payment import PaymentRef, PaymentResult

__all__ = ["LANE", "OTHER", "SILENT", "Asker", "Disk", "ScriptedHost", "Stand", "opened", "until"]

LANE = "1"
OTHER = "2"
STORE = StoreSettings(
    Merchant("TPAYSANDBOX0001", "Corner Shop", "1048658278"),
    (LaneSettings(LANE, "TPAY0001"), LaneSettings(OTHER, "TPAY0002")),
    host_profile="test",
)
_WAIT_S = 10.0

T = TypeVar("T")


async def until(true: Callable[[], bool]) -> None:
    """Wait until it is so; it always is soon."""
    async with asyncio.timeout(_WAIT_S):
        while not true():  # noqa: ASYNC110  threads and other tasks make it true
            await asyncio.sleep(0.01)


class Disk(JournalStore):
    """Takes nothing while it is `full`; while it is `dumb` as well, nobody knows whether it does."""

    full = False
    dumb = False
    refusals = 0

    def write(self, entries: list[Entry], blocks: list[StanBlock]) -> None:
        if self.full:
            self.refusals += 1
            raise (DoubtError if self.dumb else StorageError)("the disk")
        super().write(entries, blocks)


class Asker:
    """A request of a POS, with what it was told."""

    def __init__(self, key: str | None = None) -> None:
        self.key = key or str(uuid.uuid4())
        self.principal, self.trace = "pos", None
        self.gone = False
        self.steps: list[Any] = []
        self.answer: asyncio.Future[PaymentResult] = asyncio.get_running_loop().create_future()

    def progress(self, step: Any) -> None:
        self.steps.append(step)

    def reply(self, result: PaymentResult) -> None:
        self.answer.set_result(result)

    def fail(self, error: CallError) -> None:
        self.answer.set_exception(error)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Nobody cancels."""


class ScriptedHost:
    """Approves every order and confirms every reversal, or does what a test has put in their place."""

    reachable = True

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._stans = itertools.count(1)
        self.order: Callable[[Payment], Awaitable[ev.Event] | ev.Event] = self.approve
        self.inquiry: Callable[[Payment], Opened] = lambda _: opened("00", TypeClass.INQUIRY)
        self.reversal: Callable[[Payment], Opened] = lambda _: opened("00", TypeClass.REVERSAL)
        self.reversed: list[str] = []

    def approve(self, _: Payment) -> ev.Event:
        return ev.HostApproved("00", f"{next(self._stans):06d}", self._clock.unix_ms(), 1)

    def number(self, _: Any) -> Numbered:
        return Numbered(f"{next(self._stans):06d}", "20260131120000", "20260131")

    async def prepare_order(self, payment: Payment, *_: Any) -> tuple[Prepared, ev.Sealed]:
        number = self.number(payment)
        sealed = ev.Sealed(number.stan, number.local, number.business_day, "key", b"h" * 32, self._clock.unix_ms())
        return Prepared(Unsealed(b"head", b"tail"), None), sealed

    async def encrypt(self, *_: Any) -> None:
        return None

    async def send_order(self, payment: Payment, _: Prepared) -> tuple[None, ev.Event]:
        answer = self.order(payment)
        return None, answer if isinstance(answer, ev.Event) else await answer

    async def send_inquiry(self, payment: Payment) -> Opened:
        return self.inquiry(payment)

    async def send_reversal(self, payment: Payment, *, repeat: bool) -> Opened:
        answer = self.reversal(payment)
        self.reversed.append(payment.payment_id)
        return answer


def opened(code: str, kind: TypeClass, **more: Any) -> Opened:
    """An answer of the host."""
    return Opened(type_class=kind, mti="0000", terminal_id="TPAY0001", stan="000001", response_code=code, **more)


class Stand:
    """The desk over a journal in a directory; another stand over the same one is what a restart makes."""

    def __init__(self, directory: Path, *, clock: FakeClock | None = None, **settings: Any) -> None:
        self.clock = clock or FakeClock()
        self.log = structlog.get_logger()
        self.settings = TransactionSettings(reversal_waits_s=(0.01,), inquiry_wait_s=0.01, **settings)
        self.disk = Disk(f"sqlite:///{directory / 'journal.sqlite3'}")
        self.reader = JournalReader(f"sqlite:///{directory / 'journal.sqlite3'}")
        self.journal = Journal(self.disk, self.clock, self.log)
        self.registry = Registry(self.settings.remembered_payments)
        self.host = ScriptedHost(self.clock)
        self.acknowledgements = Acknowledgements(self.clock, 60.0)
        self.aftermath = Aftermath(self.clock)
        self.books = Books(
            self.journal,
            self.clock,
            self.log,
            STORE.merchant,
            Waits(self.settings),
            room=Room(self.settings.max_in_hand),
        )
        self.desk = Desk(
            self.books, readers=cast("Any", None), customer=cast("Any", None), host=cast("Any", self.host),
            leases=cast("Any", SimpleNamespace()), registry=self.registry, store=STORE, settings=self.settings,
            admit=lambda _: None, may_sell=lambda _: True, aftermath=self.aftermath,
        )  # fmt: skip

    async def __aenter__(self) -> Stand:
        found = self.journal.open()
        self.acknowledgements.take_over(found.unacknowledged)
        self.aftermath.take_over(found.restored, found.lanes_since)
        self.journal.on_put = self.acknowledgements.note
        for payment in found.open:
            await self.desk.resume(payment)
        await self.journal.committed()
        await self.journal.learn_keys()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.desk.stop()
        await self.journal.close()
        self.reader.close()

    def begin(self, order: Order, asker: Asker | None = None, lane: str = LANE) -> Asker:
        """Order; the answer comes to the asker."""
        asker = asker or Asker()
        self.desk.order(cast("Any", asker), lane, order, None)
        return asker

    async def pay(self, order: Order) -> PaymentResult:
        """Order, and wait for the verdict. Raises CallError."""
        return await asyncio.wait_for(self.begin(order).answer, _WAIT_S)

    async def events(self) -> list[str]:
        """The names of all events on disk."""
        await self.journal.committed()
        return [each.name for each in await self.reader.since(0)]

    async def case(self, request_id: str) -> Case:
        return await self.desk.lookup.case_of(PaymentRef(LANE, request_id))

    async def known(self, request_id: str, state: str) -> None:
        """Wait until a payment is in a state."""
        case = await self.case(request_id)
        await until(lambda: case.payment.state.value == state)

    def forget_all(self) -> None:
        """As if thousands of payments had come since."""
        self.registry._remembered.clear()


SILENT = CallError.unknown(ErrorCode.TIMEOUT, "silence")
