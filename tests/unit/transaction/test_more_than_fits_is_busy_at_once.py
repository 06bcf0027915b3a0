"""Beyond `max_in_hand`, a new payment is refused before anything is made of it; what has begun never is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.unit.transaction.desk_stand import OTHER, Asker, Stand
from tpayd.kit.bus import CallError
from tpayd.transaction import events as ev
from tpayd.transaction.order import Order
from tpayd.transaction.orders.room import RETRY_AFTER_MS, Room
from tpayd.transaction.payment import Payment
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.money import Amount
from tpayd_contracts.orders import CashReceiptPurpose
from tpayd_contracts.payment import PaymentKind, PaymentRef, PaymentResult, Step

ORDER = Order(kind=PaymentKind.CASH_RECEIPT, amount=Amount(total_minor=1_000), purpose=CashReceiptPurpose.SELF_ISSUE)


class Host:
    """Answers when a test says so."""

    def __init__(self, stand: Stand) -> None:
        self._answers = asyncio.Event()
        self._approve = stand.host.approve
        stand.host.order = self._order

    def answer(self) -> None:
        self._answers.set()

    async def _order(self, payment: Payment) -> ev.Event:
        await self._answers.wait()
        return self._approve(payment)


async def test_one_more_is_refused_with_the_time_to_wait_and_served_when_there_is_room(tmp_path: Path) -> None:
    """The journal never hears of it, so the same request id begins it later."""
    async with Stand(tmp_path, max_in_hand=1) as stand:
        host = Host(stand)
        first, second = stand.begin(ORDER), Asker()
        with pytest.raises(CallError) as refused:
            stand.begin(ORDER, second, OTHER)
        assert (ErrorCode.BUSY, Outcome.NOT_STARTED, True, "overload", RETRY_AFTER_MS) == (
            refused.value.code, refused.value.outcome, refused.value.retryable, refused.value.detail,
            refused.value.body().retry_after_ms,
        )  # fmt: skip
        assert not stand.journal.may_hold(OTHER, second.key)
        host.answer()
        assert "PAID" == (await first.answer).verdict
        assert "PAID" == (await stand.begin(ORDER, second, OTHER).answer).verdict


async def test_a_request_id_that_was_used_is_never_refused(tmp_path: Path) -> None:
    """Under way: joined. Ended, and even forgotten since: told its verdict again."""
    async with Stand(tmp_path, max_in_hand=1) as stand:
        ended = Asker()
        await stand.begin(ORDER, ended, OTHER).answer
        host = Host(stand)
        running = stand.begin(ORDER)
        joined = stand.begin(ORDER, Asker(running.key))
        assert (await stand.begin(ORDER, Asker(ended.key), OTHER).answer).repeated
        stand.forget_all()
        assert (await stand.begin(ORDER, Asker(ended.key), OTHER).answer).repeated
        host.answer()
        assert ["PAID", "PAID"] == [(await asker.answer).verdict for asker in (running, joined)]


async def test_one_that_had_to_be_looked_up_is_refused_as_well_if_it_is_new(tmp_path: Path) -> None:
    """In the first moments after a start every request id is looked up; one that counts itself has its place."""
    async with Stand(tmp_path, max_in_hand=1) as stand:
        stand.journal._keys.complete = False
        host = Host(stand)
        first = stand.begin(ORDER)
        refused = stand.begin(ORDER, lane=OTHER)
        with pytest.raises(CallError, match="busy"):
            await refused.answer
        host.answer()
        assert "PAID" == (await first.answer).verdict


async def test_questions_are_answered_while_there_is_no_room(tmp_path: Path) -> None:
    """Status, and the acknowledgement of what was paid before."""
    async with Stand(tmp_path, max_in_hand=1) as stand:
        paid = Asker()
        await stand.begin(ORDER, paid, OTHER).answer
        host = Host(stand)
        running = stand.begin(ORDER)
        assert "WAIT" == (await stand.desk.status(PaymentRef("1", running.key))).verdict
        assert "closed" == (await stand.desk.acknowledge(PaymentRef(OTHER, paid.key))).state
        host.answer()
        await running.answer


def test_a_payment_that_waits_for_people_takes_no_room() -> None:
    """A queue for readers, a customer, a cashier; once the card is read it counts again."""
    room = Room(2, under_way=lambda: 3)
    with pytest.raises(CallError):
        room.check()
    for step in (Step.WAITING_FOR_READER, Step.PRESENT_CARD, Step.CONFIRM_DUPLICATE, Step.SIGN):
        room.note("one", step)
        room.note("two", step)
        room.check()
    room.note("one", Step.CARD_READ)
    with pytest.raises(CallError):
        room.check()
    room.leave("two")
    assert 3 == room.in_hand


class SellsAgain(Asker):
    """Orders anew in the moment in which it hears its verdict."""

    def __init__(self, stand: Stand) -> None:
        super().__init__()
        self._stand = stand

    def reply(self, result: PaymentResult) -> None:
        self.next = self._stand.begin(ORDER)
        super().reply(result)


async def test_a_lane_that_has_its_verdict_may_order_again_at_once(tmp_path: Path) -> None:
    """What was told its verdict is put away a moment later, and keeps nobody out meanwhile."""
    async with Stand(tmp_path, max_in_hand=1) as stand:
        asker = SellsAgain(stand)
        stand.begin(ORDER, asker)
        assert "PAID" == (await asker.answer).verdict
        assert "PAID" == (await asker.next.answer).verdict
