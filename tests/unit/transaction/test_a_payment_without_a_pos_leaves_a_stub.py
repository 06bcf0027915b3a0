"""The journal has a stub without card data of a payment without a POS, and after the close a bare verdict (T15)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing

import structlog
from msgspec.structs import replace

from tests.harness.clock import FakeClock
from tests.harness.journals import Place
from tests.unit.transaction.samples import CARD, NOW_MS, PAYMENT
from tpayd.kit.store_settings import Merchant
from tpayd.transaction import events as ev
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.journal import Journal, JournalReader, JournalStore
from tpayd.transaction.journal.verifying import verify
from tpayd.transaction.order import Order
from tpayd.transaction.payment import Payment, body_hash
from tpayd.transaction.registry import Registry
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.standalone.stubs import PurgedStubs, Stubs
from tpayd.transaction.waits import Waits
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import PaymentRef, PaymentResult, PaymentState, Reason, Verdict

DAY, NEXT_DAY = "20260922", "20260923"
MERCHANT = Merchant("TPAYSANDBOX0001", "Shop", "1234567891")
ORDER = Order(amount=Amount(total_minor=11_000), standalone=True)
APPROVED = (
    ev.Leased("r1", "counter A"),
    ev.CardRead(CARD, chip=False, customer_us=1, reader_us=1, emv={"84": "A0000000031010"}),
    ev.Sealed("424242", f"{DAY}120000", DAY, "key", b"h" * 32, NOW_MS),
    ev.HostApproved("00", "30215512", NOW_MS, 1, "Issuer Bank", "Acquirer Bank"),
)


class Shop:
    """A journal with payments in it."""

    def __init__(self, store: JournalStore, reader: JournalReader) -> None:
        self.store, self.reader = store, reader
        self.journal = Journal(store, FakeClock(), structlog.get_logger())
        self.books = Books(self.journal, FakeClock(), structlog.get_logger(), MERCHANT, Waits(TransactionSettings()))
        self.registry = Registry(100)

    def pay(self, number: int, *events: ev.Event, order: Order = ORDER) -> Case:
        payment = replace(
            PAYMENT, payment_id=f"p{number:035d}", request_id=f"r{number:035d}", order=order,
            body_hash=body_hash(order),
        )  # fmt: skip
        case = Case(payment, self.books, told=True)
        case.open(ev.Created(payment))
        for event in events:
            case.apply(event)
        self.registry.remember(case)
        return case

    async def acknowledge(self, ref: PaymentRef) -> PaymentResult:
        case = self.registry.find((ref.lane, ref.request_id))
        assert case is not None
        if case.payment.acknowledged_ms is None:
            case.apply(ev.Acknowledged())
            await self.journal.committed()
        return case.result()

    async def purge(self, day: str = DAY) -> PurgedStubs:
        stubs = Stubs(
            self.journal, self.store, self.reader, self.registry, profile="test", acknowledge=self.acknowledge
        )
        return await stubs.purge(day)

    async def found(self, case: Case) -> Payment:
        await self.journal.committed()
        found = await self.journal.find(*case.key)
        assert found is not None
        return found


def in_shop(place: Place, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def day() -> None:
        with closing(JournalReader(place.url)) as reader:
            shop = Shop(JournalStore(place.url), reader)
            shop.journal.open()
            try:
                await story(shop)
            finally:
                await shop.journal.close()

    asyncio.run(day())


def on_disk(place: Place) -> str:
    """Every payload and record, as text."""
    rows = place.rows("select payload from events") + place.rows("select record from payments")
    return " ".join(repr(bytes(row[0])) for row in rows if row[0] is not None)


def test_the_slip_is_told_until_it_is_acknowledged(place: Place) -> None:
    """Card, issuer and approval code; afterwards the verdict alone."""

    async def story(shop: Shop) -> None:
        case = shop.pay(1, *APPROVED)
        told = case.result()
        case.apply(ev.Acknowledged())
        after = case.result()

        assert (Verdict.PAID, "30215512", {"84": "A0000000031010"}) == (
            told.verdict, told.approval_code, told.receipt and told.receipt.emv,
        )  # fmt: skip
        assert replace(CARD, issuer="Issuer Bank", acquirer="Acquirer Bank") == told.card
        assert (Verdict.PAID, None, None, None) == (after.verdict, after.approval_code, after.card, after.receipt)

    in_shop(place, story)


def test_the_stub_holds_what_the_books_need_and_no_card(place: Place) -> None:
    """Amount, STAN, business day, terminal, approval code; never a digit of the card, nor its bank."""

    async def story(shop: Shop) -> None:
        stub = await shop.found(shop.pay(1, *APPROVED))

        assert (11_000, "424242", DAY, "TPAY0001", "30215512") == (
            stub.amount_minor, stub.stan, stub.business_day, stub.terminal_id, stub.approval_code,
        )  # fmt: skip
        assert [] == [text for text in ("4111", "Issuer Bank", "A00000") if text in on_disk(place)]

    in_shop(place, story)
    assert verify(place.url, lambda *_: None).intact


def test_a_close_leaves_the_request_id_and_the_verdict(place: Place) -> None:
    """Nothing of amount, numbers or approval; the chain verifies, and the id is not free again."""

    async def story(shop: Shop) -> None:
        case = shop.pay(1, *APPROVED, ev.Acknowledged())

        assert PurgedStubs(purged=1, carried=0) == await shop.purge()

        left = await shop.found(case)
        assert (PaymentState.CLOSED, None, None, None, 0, body_hash(ORDER)) == (
            left.state, left.approval_code, left.stan, left.business_day, left.amount_minor, left.body_hash,
        )  # fmt: skip
        assert (Verdict.PAID, None) == (case.result().verdict, case.result().amount)
        assert PurgedStubs(purged=0, carried=0) == await shop.purge()

    in_shop(place, story)
    assert [] == [text for text in ("30215512", "424242", DAY) if text in on_disk(place)]
    assert [(0, None, None)] == place.rows("select amount_minor, stan, business_day from payments")
    found = verify(place.url, lambda *_: None)
    assert (True, 6) == (found.intact, found.purged)


def test_a_close_takes_its_own_day_and_no_payment_of_a_pos(place: Place) -> None:
    """Others are as they were."""

    async def story(shop: Shop) -> None:
        ours = shop.pay(1, *APPROVED, ev.Acknowledged(), order=replace(ORDER, standalone=False))
        later = ev.Sealed("000002", f"{NEXT_DAY}120000", NEXT_DAY, "key", b"h" * 32, NOW_MS)
        tomorrow = shop.pay(2, *APPROVED[:2], later, APPROVED[3], ev.Acknowledged())

        assert PurgedStubs(purged=0, carried=0) == await shop.purge()

        kept = (await shop.found(ours)).card
        assert kept is not None
        assert CARD.masked_pan == kept.masked_pan
        assert 11_000 == (await shop.found(tomorrow)).amount_minor

    in_shop(place, story)


def test_what_its_command_never_acknowledged_is_closed_with_the_day(place: Place) -> None:
    """A command that died after the approval holds nothing up."""

    async def story(shop: Shop) -> None:
        case = shop.pay(1, *APPROVED)

        assert PurgedStubs(purged=1, carried=0) == await shop.purge()
        assert PaymentState.CLOSED == (await shop.found(case)).state

    in_shop(place, story)


def test_what_is_not_settled_is_carried_over(place: Place) -> None:
    """A reversal that is owed needs its numbers; the close after it takes the stub."""

    async def story(shop: Shop) -> None:
        case = shop.pay(1, *APPROVED[:3], ev.HostUnknown(Reason.HOST_SILENT, "silence", 1))
        assert PurgedStubs(purged=0, carried=1) == await shop.purge()
        assert "424242" == (await shop.found(case)).stan

        case.apply(ev.ReversalSealed("000002", f"{DAY}120100", DAY))
        case.apply(ev.ReversalAnswered("00", settled=True))
        assert PurgedStubs(purged=1, carried=0) == await shop.purge()

    in_shop(place, story)


def test_a_pos_that_asks_for_its_lanes_last_payment_is_not_told(place: Place) -> None:
    """Neither now nor after a restart."""
    last: list[str | None] = []

    async def story(shop: Shop) -> None:
        ours = shop.pay(1, *APPROVED, order=replace(ORDER, standalone=False))
        shop.pay(2, *APPROVED)
        await shop.journal.committed()
        last.append(shop.journal.newest.get("1"))
        assert [ours.payment.request_id] == last

    async def after(shop: Shop) -> None:
        last.append(shop.journal.newest.get("1"))

    in_shop(place, story)
    in_shop(place, after)
    assert last[0] == last[1]
