"""What the host says of a payment whose answer was lost decides about it only if it is about that, and whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.transaction.desk_stand import SILENT, Stand, opened
from tpayd.hosts import TypeClass
from tpayd.transaction import events as ev
from tpayd.transaction.order import Order
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import PaymentKind, PaymentState, Reason, Verdict

CASH_IC = Order(kind=PaymentKind.CASH_IC_SALE, amount=Amount(total_minor=11_000), shown="***")


def silence(_: Any) -> ev.Event:
    return ev.HostUnknown(Reason.HOST_SILENT, SILENT.message, 1)


async def test_a_whole_answer_ends_the_wait(tmp_path: Path) -> None:
    """It stands, so it is PAID."""
    async with Stand(tmp_path) as stand:
        stand.host.order = silence
        stand.host.inquiry = lambda _: opened("00", TypeClass.INQUIRY, approval_code="123456", amount_minor=11_000)
        assert Verdict.PAID == (await stand.pay(CASH_IC)).verdict


@pytest.mark.parametrize("half", [{}, {"approval_code": "123456", "amount_minor": 12_000}], ids=["no code", "amount"])
async def test_half_an_answer_never_means_that_it_does_not_stand(tmp_path: Path, half: dict[str, Any]) -> None:
    """The money may have moved: asked on, and taken back when the time is over."""
    async with Stand(tmp_path, inquiry_limit_s=30.0) as stand:
        stand.host.order = silence
        stand.host.inquiry = lambda _: opened("00", TypeClass.INQUIRY, **half)
        asker = stand.begin(CASH_IC)
        await stand.known(asker.key, "inquiring")
        stand.clock.advance(60.0)
        told = await asker.answer
        assert (Verdict.NOT_PAID, True) == (told.verdict, told.reversal_pending)
        await stand.known(asker.key, PaymentState.REVERSED)
        assert 1 == len(stand.host.reversed)
