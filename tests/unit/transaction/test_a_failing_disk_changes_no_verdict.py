"""A verdict that was told is the one that a restart finds, also where the disk fails at the worst moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.unit.transaction.desk_stand import LANE, Stand, until
from tpayd.kit.bus import CallError
from tpayd.transaction import events as ev
from tpayd.transaction.order import Order
from tpayd.transaction.payment import Payment
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import PaymentKind, PaymentRef, Verdict

SALE = Order(amount=Amount(total_minor=11_000), shown="411111******1111")
BALANCE = Order(kind=PaymentKind.CASH_IC_BALANCE, shown="***")
UNKNOWN_ID = "99999999-9999-4999-8999-999999999999"


async def test_an_approval_that_may_be_on_disk_is_not_paid_only_once_that_is(tmp_path: Path) -> None:
    """A disk that has not answered may have it: a crash would then make NOT PAID a PAID."""
    async with Stand(tmp_path) as stand:

        def fill(payment: Payment) -> ev.Event:
            stand.disk.full = stand.disk.dumb = True
            return stand.host.approve(payment)

        stand.host.order = fill
        asker = stand.begin(SALE)
        await until(lambda: stand.disk.refusals >= 3)
        assert Verdict.WAIT == (await stand.desk.status(PaymentRef(LANE, asker.key))).verdict
        assert not asker.answer.done()
        stand.disk.full = False
        told = await asyncio.wait_for(asker.answer, 10)
        assert (Verdict.NOT_PAID, True) == (told.verdict, told.reversal_pending)
        await stand.known(asker.key, "reversed")


async def test_an_approval_that_is_certainly_not_on_disk_is_not_paid_at_once(tmp_path: Path) -> None:
    """However long the disk stays full; the reversal follows when there is room."""
    async with Stand(tmp_path) as stand:

        def fill(payment: Payment) -> ev.Event:
            stand.disk.full = True
            return stand.host.approve(payment)

        stand.host.order = fill
        told = await stand.pay(SALE)
        assert (Verdict.NOT_PAID, True) == (told.verdict, told.reversal_pending)
        stand.disk.full = False
        await stand.known(told.request_id, "reversed")


async def test_the_wait_of_one_that_is_taken_back_ends_with_the_fault(tmp_path: Path) -> None:
    """The disk failed as it was to be written down that nobody acknowledged it."""
    async with Stand(tmp_path, unacknowledged="reverse") as stand:
        sold = await stand.pay(SALE)
        stand.disk.full = True
        ending = asyncio.create_task(stand.desk.unacknowledged.take_back((LANE, sold.request_id)))
        await until(lambda: stand.disk.refusals >= 1)
        assert Verdict.WAIT == (await stand.desk.status(PaymentRef(LANE, sold.request_id))).verdict
        stand.disk.full = False
        await asyncio.wait_for(ending, 10)
        await stand.known(sold.request_id, "reversed")
        assert Verdict.NOT_PAID == (await stand.desk.status(PaymentRef(LANE, sold.request_id))).verdict


async def test_an_id_is_buried_once_however_often_it_is_asked_about(tmp_path: Path) -> None:
    """On a disk that takes nothing as well: PostgreSQL takes no two rows of one key in one statement."""
    async with Stand(tmp_path) as stand:
        stand.disk.full = True
        for _ in range(3):
            with pytest.raises(CallError) as caught:
                await stand.desk.status(PaymentRef(LANE, UNKNOWN_ID))
            assert ErrorCode.STORAGE_FAILED == caught.value.code
        stand.disk.full = False
        await until(lambda: stand.journal.failing is None)
        assert Verdict.NOT_PAID == (await stand.desk.status(PaymentRef(LANE, UNKNOWN_ID))).verdict
        buried = [each for each in await stand.events() if each == "buried"]
        assert ["buried"] == buried


async def test_a_balance_is_never_taken_back(tmp_path: Path) -> None:
    """It moves no money: neither a disk nor a POS that never acknowledges makes the host reverse it."""
    async with Stand(tmp_path, unacknowledged="reverse") as stand:
        heard = await stand.pay(BALANCE)
        assert Verdict.PAID == heard.verdict
        assert not (await stand.case(heard.request_id)).payment.reverse_unacknowledged

        def fill(payment: Payment) -> ev.Event:
            stand.disk.full = True
            return stand.host.approve(payment)

        stand.host.order = fill
        told = await stand.pay(BALANCE)
        assert (Verdict.NOT_PAID, False) == (told.verdict, told.reversal_pending)
        stand.disk.full = False
        assert [] == stand.host.reversed
