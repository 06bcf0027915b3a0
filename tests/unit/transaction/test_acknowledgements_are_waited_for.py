"""A payment that is PAID waits for its POS: listed when late, taken back only by setting, never without bound."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from tests.harness.clock import FakeClock
from tests.unit.transaction.desk_stand import Stand
from tests.unit.transaction.samples import CLAIM, NOW_MS, PAYMENT, VOID, payment_in, run
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.effects import Commit, Reverse, UnmarkOriginal
from tpayd.transaction.errands.acknowledgements import Acknowledgements
from tpayd.transaction.order import Order
from tpayd.transaction.payment import Payment
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import PaymentState, Reason

AFTER_S = 60.0
SALE = Order(amount=Amount(total_minor=11_000), shown="411111******1111")


def approved(number: int, clock: FakeClock, *, reverse: bool = False) -> Payment:
    return replace(
        payment_in(PaymentState.APPROVED),
        request_id=f"{number:08d}{PAYMENT.request_id[8:]}",
        ended_ms=clock.unix_ms(),
        reverse_unacknowledged=reverse,
    )


def keys(*payments: Payment) -> list[tuple[str, str]]:
    return [(payment.lane, payment.request_id) for payment in payments]


def test_it_is_late_after_its_time_and_not_before() -> None:
    """Oldest first; an acknowledgement takes it off."""
    clock = FakeClock()
    waiting = Acknowledgements(clock, AFTER_S)
    first = approved(1, clock)
    waiting.note(first)
    clock.advance(59.0)
    second = approved(2, clock)
    waiting.note(second)
    assert [] == waiting.late
    clock.advance(1.0)
    assert [first] == waiting.late
    clock.advance(59.0)
    assert [first, second] == waiting.late
    waiting.note(run(first, ev.Acknowledged()))
    assert [second] == waiting.late


def test_what_waits_is_known_as_it_is_now() -> None:
    """A close lets it go as it was put last; what its POS has acknowledged, or nobody waits for, is not known here."""
    clock = FakeClock()
    waiting = Acknowledgements(clock, AFTER_S)
    first, acknowledged, never = (approved(number, clock) for number in (1, 2, 3))
    for payment in (first, acknowledged):
        waiting.note(payment)
    changed = replace(first, voided_minor=1_000)
    waiting.note(changed)
    waiting.note(run(acknowledged, ev.Acknowledged()))

    found = [waiting.payment_of(key) for key in keys(first, acknowledged, never)]

    assert [changed, None, None] == found


def test_only_what_began_under_the_setting_is_taken_back() -> None:
    """A change of the setting reverses nobody's sales of yesterday."""
    clock = FakeClock()
    waiting = Acknowledgements(clock, AFTER_S)
    kept, strict = approved(1, clock), approved(2, clock, reverse=True)
    waiting.take_over([kept, strict])
    assert [] == waiting.to_take_back()
    clock.advance(AFTER_S)
    assert keys(strict) == waiting.to_take_back()


def test_a_clock_that_is_set_takes_nothing_back() -> None:
    """The time to acknowledge is measured on the clock that nobody can set."""
    clock = FakeClock()
    waiting = Acknowledgements(clock, AFTER_S)
    waiting.note(approved(1, clock, reverse=True))
    clock.step(3_600.0)
    assert [] == waiting.to_take_back()


def test_what_was_voided_is_known_to_its_pos() -> None:
    """Its money has been given back already."""
    clock = FakeClock()
    waiting = Acknowledgements(clock, AFTER_S)
    sold = approved(1, clock, reverse=True)
    waiting.note(sold)
    waiting.note(run(sold, ev.Voided("33333333-3333-4333-8333-333333333333", 11_000)))
    clock.advance(AFTER_S)
    assert [] == waiting.to_take_back()


def test_a_receipt_gives_no_new_time() -> None:
    """Whatever else happens to a payment, its time runs from the approval."""
    clock = FakeClock()
    waiting = Acknowledgements(clock, AFTER_S)
    sold = approved(1, clock, reverse=True)
    waiting.note(sold)
    clock.advance(AFTER_S - 1)
    waiting.note(replace(sold, prints={"customer": 1}))
    clock.advance(1)
    assert keys(sold) == waiting.to_take_back()


def test_the_oldest_of_too_many_are_let_go() -> None:
    """A POS that never acknowledges does not fill the memory."""
    clock = FakeClock()
    waiting = Acknowledgements(clock, AFTER_S, max_waiting=3)
    sold = [approved(number, clock) for number in range(5)]
    for payment in sold:
        waiting.note(payment)
    assert sold[:2] == waiting.to_let_go(10)
    for payment in sold[:2]:
        waiting.note(run(payment, ev.ClosedUnacknowledged()))
    assert [] == waiting.to_let_go(10)


def test_those_of_a_second_are_let_go_over_the_next() -> None:
    """As many in each turn as leaves none for a burst, and never so many that a payment in hand would notice."""
    clock = FakeClock()
    waiting = Acknowledgements(clock, AFTER_S, max_waiting=1)
    shares = []
    for number in range(1, 201):
        waiting.note(approved(number, clock))
        shares.append(waiting.let_go_share(4))
    assert [0, 1, 1, 1, 1, 2] == shares[:6]
    assert 40 == shares[-1]
    assert 40 == len(waiting.to_let_go(shares[-1]))


async def test_who_is_let_go_is_not_read_from_disk_again(tmp_path: Path) -> None:
    """A store whose POS never acknowledges lets one go for each that it sells; who is just reading it hears of it."""
    async with Stand(tmp_path) as stand:
        sold = await stand.pay(SALE)
        (key,) = stand.acknowledgements._waiting
        payment = stand.acknowledgements._waiting[key].payment
        assert sold.request_id == payment.request_id
        stand.forget_all()
        reading = asyncio.create_task(stand.case(sold.request_id))
        await asyncio.sleep(0)
        stand.desk.unacknowledged.let_stand(payment)
        assert {} == stand.acknowledgements._waiting
        assert PaymentState.CLOSED == (await reading).payment.state
        stand.desk.unacknowledged.let_stand(payment)
        assert 1 == (await stand.events()).count("closed_unacknowledged")


def test_a_late_word_is_taken_from_whoever_was_let_go() -> None:
    """It closes what is closed, and says when."""
    closed = run(approved(1, FakeClock()), ev.ClosedUnacknowledged())
    assert (PaymentState.CLOSED, None) == (closed.state, closed.acknowledged_ms)
    after = run(closed, ev.Acknowledged())
    assert (PaymentState.CLOSED, NOW_MS) == (after.state, after.acknowledged_ms)


def test_the_first_step_wins() -> None:
    """An acknowledgement and the end of its time at the same moment: whichever is applied first decides."""
    sold = approved(1, FakeClock(), reverse=True)
    acknowledged = run(sold, ev.Acknowledged())
    assert PaymentState.CLOSED == acknowledged.state
    assert not flow.has_row(acknowledged, ev.LeftUnacknowledged)
    left = run(sold, ev.LeftUnacknowledged())
    late = run(left, ev.Acknowledged())
    assert (PaymentState.REVERSING, Reason.NEVER_ACKNOWLEDGED) == (late.state, late.reason)
    assert late.acknowledged_ms is not None


def test_what_takes_money_back_gives_it_up_when_it_is_taken_back_itself() -> None:
    """In the commit of its own reversal, before that is owed."""
    void = replace(payment_in(PaymentState.APPROVED, order=VOID, claim=CLAIM), reverse_unacknowledged=True)
    _, effects = flow.step(void, ev.LeftUnacknowledged(), NOW_MS)
    assert [UnmarkOriginal(), Commit(), Reverse()] == [
        effect for effect in effects if effect in (UnmarkOriginal(), Commit(), Reverse())
    ]
