"""After a restore: who asks for what the backup does not know hears that it is not known, and pays once."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.harness.clock import FakeClock
from tests.unit.transaction.desk_stand import LANE, Asker, Stand, opened, until
from tests.unit.transaction.samples import VOID
from tpayd.hosts import TypeClass
from tpayd.kit.bus import CallError
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.journal import JournalStore
from tpayd.transaction.journal.entries import Entry
from tpayd.transaction.journal.place import JournalPlace
from tpayd.transaction.journal.restoring import FORGET_AFTER_DAYS, RestoredFrom, make_safe
from tpayd.transaction.order import Order
from tpayd.transaction.payment import Payment, body_hash
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.money import Amount
from tpayd_contracts.orders import CashReceiptPurpose
from tpayd_contracts.payment import PaymentKind, PaymentRef, PaymentState, Reason, Verdict

RECEIPT = Order(kind=PaymentKind.CASH_RECEIPT, amount=Amount(total_minor=1_000), purpose=CashReceiptPurpose.SELF_ISSUE)
"""An order that needs no reader."""


async def restored(directory: Path, clock: FakeClock) -> None:
    """The journal of the stand was a backup's; the store went on for an hour."""
    backup_ms = clock.unix_ms()
    clock.advance(3600.0)
    place = JournalPlace(f"sqlite:///{directory / 'journal.sqlite3'}", None)
    await asyncio.to_thread(make_safe, place, RestoredFrom("b", backup_ms, clock.unix_ms()), ())
    clock.advance(1.0)


async def sold_once(directory: Path, clock: FakeClock) -> str:
    """One payment before the backup; its request id."""
    async with Stand(directory, clock=clock) as stand:
        return (await stand.pay(RECEIPT)).request_id


async def repeated(stand: Stand, request_id: str) -> CallError:
    """How an order under this id is refused."""

    async def ordered() -> object:
        return await stand.begin(RECEIPT, Asker(request_id)).answer

    return await refused(ordered())


async def told(stand: Stand, request_id: str) -> Verdict:
    """What its POS is told once that is on disk."""
    case = await stand.case(request_id)
    await until(lambda: case.told)
    return (await stand.desk.status(PaymentRef(LANE, request_id))).verdict


async def refused(answer: Awaitable[Any]) -> CallError:
    with pytest.raises(CallError) as caught:
        await asyncio.wait_for(answer, 10.0)
    return caught.value


async def test_who_asks_for_a_payment_of_the_gap_hears_that_nobody_knows(tmp_path: Path) -> None:
    """By status, abort and acknowledgement alike; and it can never begin afterwards."""
    clock, lost = FakeClock(), str(uuid.uuid4())
    await sold_once(tmp_path, clock)
    await restored(tmp_path, clock)
    async with Stand(tmp_path, clock=clock) as stand:
        ref = PaymentRef(LANE, lost)
        for ask in (stand.desk.status, stand.desk.abort, stand.desk.acknowledge):
            error = await refused(ask(ref))
            assert (ErrorCode.RESTORED, Outcome.UNKNOWN, False) == (error.code, error.outcome, error.retryable)
        assert ErrorCode.RESTORED == (await repeated(stand, lost)).code
    async with Stand(tmp_path, clock=clock) as stand:
        assert ErrorCode.RESTORED == (await repeated(stand, lost)).code
        assert ErrorCode.RESTORED == (await refused(stand.desk.status(PaymentRef(LANE, lost)))).code


async def test_a_lanes_first_order_may_be_a_repeat_and_begins_nothing(tmp_path: Path) -> None:
    """What comes after it under another id is new: also after a restart."""
    clock, repeat = FakeClock(), Asker()
    await sold_once(tmp_path, clock)
    await restored(tmp_path, clock)
    async with Stand(tmp_path, clock=clock) as stand:
        error = await refused(stand.begin(RECEIPT, repeat).answer)
        assert (ErrorCode.RESTORED, Outcome.UNKNOWN) == (error.code, error.outcome)
        assert Verdict.PAID == (await stand.pay(RECEIPT)).verdict
    async with Stand(tmp_path, clock=clock) as stand:
        assert Verdict.PAID == (await stand.pay(RECEIPT)).verdict
        assert ErrorCode.RESTORED == (await repeated(stand, repeat.key)).code


async def test_what_the_backup_knows_is_answered_as_ever(tmp_path: Path) -> None:
    """Its repeat begins nothing, and needs no doubt."""
    clock = FakeClock()
    before = await sold_once(tmp_path, clock)
    await restored(tmp_path, clock)
    async with Stand(tmp_path, clock=clock) as stand:
        assert Verdict.PAID == (await stand.desk.status(PaymentRef(LANE, before))).verdict
        again = await asyncio.wait_for(stand.begin(RECEIPT, Asker(before)).answer, 10.0)
        assert (Verdict.PAID, True) == (again.verdict, again.repeated)


async def test_after_a_month_an_unknown_id_was_never_seen(tmp_path: Path) -> None:
    """What was asked for before that stays unknown."""
    clock, asked = FakeClock(), str(uuid.uuid4())
    await sold_once(tmp_path, clock)
    await restored(tmp_path, clock)
    async with Stand(tmp_path, clock=clock) as stand:
        await refused(stand.desk.status(PaymentRef(LANE, asked)))
        clock.advance(FORGET_AFTER_DAYS * 86_400.0)
        late = await stand.desk.status(PaymentRef(LANE, str(uuid.uuid4())))
        assert (Verdict.NOT_PAID, Reason.NEVER_SEEN) == (late.verdict, late.reason)
        assert ErrorCode.RESTORED == (await refused(stand.desk.status(PaymentRef(LANE, asked)))).code


async def open_in_backup(directory: Path, clock: FakeClock, *events: ev.Event) -> str:
    """A payment that was so far when the backup was taken."""
    payment = Payment(
        payment_id=str(uuid.uuid4()), lane=LANE, request_id=str(uuid.uuid4()), body_hash=body_hash(RECEIPT),
        order=RECEIPT, terminal_id="TPAY0001", profile="test", created_ms=clock.unix_ms(),
    )  # fmt: skip
    await asyncio.to_thread(_keep, directory, payment, events, clock.unix_ms())
    await restored(directory, clock)
    return payment.request_id


def _keep(directory: Path, payment: Payment, events: tuple[ev.Event, ...], at_ms: int) -> None:
    entries = [Entry(payment, ev.Created(payment), at_ms)]
    for event in events:
        entries.append(Entry(flow.step(entries[-1].payment, event, at_ms)[0], event, at_ms))
    with closing(JournalStore(f"sqlite:///{directory / 'journal.sqlite3'}")) as store:
        store.open()
        store.write(entries, [])


SENT = ev.Sealed("000001", "20260131120000", "20260131", "key", b"h" * 32, 0)


async def test_what_was_at_the_host_is_paid_if_the_host_says_so(tmp_path: Path) -> None:
    """It is not taken back: the lost store may have told PAID."""
    clock = FakeClock()
    request_id = await open_in_backup(tmp_path, clock, SENT)
    stand = Stand(tmp_path, clock=clock)
    stand.host.inquiry = lambda _: opened("00", TypeClass.INQUIRY, approval_code="123456", amount_minor=1_000)
    async with stand:
        assert Verdict.PAID == await told(stand, request_id)
        assert [] == stand.host.reversed


async def test_what_was_at_the_host_is_not_paid_if_the_host_says_so(tmp_path: Path) -> None:
    """The lost store may have taken it back."""
    clock = FakeClock()
    request_id = await open_in_backup(tmp_path, clock, SENT)
    stand = Stand(tmp_path, clock=clock)
    stand.host.inquiry = lambda _: opened("12", TypeClass.INQUIRY)
    async with stand:
        assert Verdict.NOT_PAID == await told(stand, request_id)


async def test_until_the_host_says_it_nobody_knows(tmp_path: Path) -> None:
    """However long that takes; a day later a person has to find out, and the POS is still told no guess."""
    clock = FakeClock()
    request_id = await open_in_backup(tmp_path, clock, SENT)
    stand = Stand(tmp_path, clock=clock)
    stand.host.inquiry = lambda _: opened("91", TypeClass.INQUIRY)
    ref = PaymentRef(LANE, request_id)
    async with stand:
        error = await refused(stand.desk.status(ref))
        assert (ErrorCode.RESTORED, True) == (error.code, error.retryable)
        clock.advance(86_400.0)
        await stand.known(request_id, "needs_human")
        error = await refused(stand.desk.status(ref))
        assert (ErrorCode.RESTORED, False, []) == (error.code, error.retryable, stand.host.reversed)


async def test_what_had_not_been_sent_may_have_been_since(tmp_path: Path) -> None:
    """Nobody can be asked about it."""
    clock = FakeClock()
    request_id = await open_in_backup(tmp_path, clock)
    async with Stand(tmp_path, clock=clock) as stand:
        error = await refused(stand.desk.status(PaymentRef(LANE, request_id)))
        assert (ErrorCode.RESTORED, False) == (error.code, error.retryable)
        assert PaymentState.ABORTED == (await stand.case(request_id)).payment.state


async def test_a_void_of_a_lost_payment_says_how_to_name_it(tmp_path: Path) -> None:
    """By its receipt: the host knows it."""
    clock = FakeClock()
    await sold_once(tmp_path, clock)
    await restored(tmp_path, clock)
    async with Stand(tmp_path, clock=clock) as stand:
        await refused(stand.begin(RECEIPT).answer)
        error = await refused(stand.begin(VOID).answer)
        assert (ErrorCode.NOT_FOUND, True) == (error.code, "as its receipt shows it" in error.message)
