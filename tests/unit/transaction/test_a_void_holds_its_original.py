"""What takes a payment back holds it until that is decided, whoever is in memory, and gives it back if it fails."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from tests.unit.transaction.desk_stand import LANE, SILENT, Asker, Stand, until
from tpayd.hosts import Opened
from tpayd.kit.bus import CallError
from tpayd.transaction import events as ev
from tpayd.transaction.order import Order
from tpayd.transaction.payment import Payment
from tpayd.transaction.records.settling import Settling
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.money import Amount
from tpayd_contracts.orders import OriginalPayment
from tpayd_contracts.payment import PaymentKind, PaymentRef, PaymentResult, Reason, Verdict
from tpayd_contracts.records import SettledAs, SettleRequest

SALE = Order(amount=Amount(total_minor=11_000), shown="411111******1111")


def void_of(sold: PaymentResult, amount_minor: int | None = None) -> Order:
    amount = None if amount_minor is None else Amount(total_minor=amount_minor)
    return Order(kind=PaymentKind.VOID, amount=amount, original=OriginalPayment(request_id=sold.request_id))


async def refused(stand: Stand, order: Order) -> ErrorCode:
    with pytest.raises(CallError) as caught:
        await stand.pay(order)
    return caught.value.code


def silence(_: Payment, *, repeat: bool = False) -> Opened:
    raise SILENT


async def let_alone(stand: Stand, result: PaymentResult) -> None:
    """Its POS had its time to acknowledge."""
    await stand.desk.unacknowledged.take_back((LANE, result.request_id))


async def given_back(stand: Stand, voided: PaymentResult, sold: PaymentResult) -> None:
    """The void is undone, that is on disk, and its original is free for the next."""
    await stand.known(voided.request_id, "reversed")
    original = await stand.case(sold.request_id)
    await until(lambda: not stand.desk._originals.is_claimed(original.payment))


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_undone_void_gives_its_original_back(tmp_path: Path, restarted: bool) -> None:
    """Though thousands of payments, or a restart, came between: the sale can be voided again."""
    async with Stand(tmp_path, unacknowledged="reverse") as stand:
        sold = await stand.pay(SALE)
        await stand.desk.acknowledge(PaymentRef(LANE, sold.request_id))
        voided = await stand.pay(void_of(sold))
        stand.forget_all()
        if not restarted:
            await let_alone(stand, voided)
            await given_back(stand, voided, sold)
            assert 0 == (await stand.case(sold.request_id)).payment.voided_minor
    async with Stand(tmp_path, unacknowledged="reverse") as stand:
        if restarted:
            await let_alone(stand, voided)
            await given_back(stand, voided, sold)
        assert 0 == (await stand.case(sold.request_id)).payment.voided_minor
        assert Verdict.PAID == (await stand.pay(void_of(sold))).verdict


async def test_nobody_voids_what_is_being_given_back(tmp_path: Path) -> None:
    """While the reversal of an unacknowledged void is owed, its original is held."""
    async with Stand(tmp_path, unacknowledged="reverse") as stand:
        sold = await stand.pay(SALE)
        voided = await stand.pay(void_of(sold))
        stand.host.reachable = False
        await let_alone(stand, voided)
        assert ErrorCode.CLAIMED == await refused(stand, void_of(sold))
        stand.host.reachable = True
        await given_back(stand, voided, sold)
        assert Verdict.PAID == (await stand.pay(void_of(sold))).verdict


async def given_up(stand: Stand, sold: PaymentResult) -> PaymentResult:
    """A void of which nobody knows whether it stands."""
    stand.host.order = lambda _: ev.HostUnknown(Reason.HOST_SILENT, "silence", 1)
    stand.host.reversal = silence
    voided = await stand.pay(void_of(sold))
    await stand.known(voided.request_id, "needs_human")
    stand.host.order = stand.host.approve
    return voided


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(("outcome", "voided_minor"), [(SettledAs.REVERSED, 0), (SettledAs.STANDS, 11_000)])
async def test_a_void_that_needs_a_person_holds_until_that_one_has_spoken(
    tmp_path: Path, restarted: bool, outcome: SettledAs, voided_minor: int
) -> None:
    """It may stand at the host: a second one could give the money back twice. What the person says is booked."""
    async with Stand(tmp_path) as stand:
        sold = await stand.pay(SALE)
        voided = await given_up(stand, sold)
        if not restarted:
            await held_until_settled(stand, sold, voided, outcome, voided_minor)
    if restarted:
        async with Stand(tmp_path) as stand:
            await held_until_settled(stand, sold, voided, outcome, voided_minor)


async def held_until_settled(
    stand: Stand, sold: PaymentResult, voided: PaymentResult, outcome: SettledAs, voided_minor: int
) -> None:
    assert ErrorCode.CLAIMED == await refused(stand, void_of(sold))
    settling = Settling(stand.books, stand.registry, stand.desk.settled_by_hand)
    asked = SettleRequest(lane=LANE, request_id=voided.request_id, outcome=outcome, note="the acquirer's desk")
    await settling.settle(cast("None", Asker()), asked)  # type: ignore[arg-type]
    assert voided_minor == (await stand.case(sold.request_id)).payment.voided_minor
    if voided_minor:
        assert ErrorCode.NOT_REFUNDABLE == await refused(stand, void_of(sold))
    else:
        assert Verdict.PAID == (await stand.pay(void_of(sold))).verdict


async def test_a_refused_void_leaves_nothing_in_memory(tmp_path: Path) -> None:
    """However many originals are tried."""
    async with Stand(tmp_path) as stand:
        sold = await stand.pay(SALE)
        assert ErrorCode.NOT_REFUNDABLE == await refused(stand, void_of(sold, 12_000))
        assert [] == stand.registry.standing({(await stand.case(sold.request_id)).payment.state})
