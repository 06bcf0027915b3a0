"""T28: unified simple pay [통합간편결제] takes a chip card as well as a code if the store sets so; off by default."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.features.counters import ON_ITS_READER, Counter, changed
from tests.harness import Store
from tpayd.transaction.settings import TransactionSettings
from tpayd_client import Amount, PaymentProgress
from tpayd_client.types import OriginalPayment, PaymentKind, PaymentResult, SimplePayRequest, VoidRequest


@pytest.fixture(scope="module")
def accepting(counters: Store) -> Iterator[Store]:
    """The store, with the switch on."""
    with changed(counters, simple_pay_accepts_card=True):
        yield counters


def simple_pay(
    counter: Counter, amount: int, step: Callable[[PaymentProgress], None] = lambda _: None
) -> PaymentResult:
    return counter.pos.order(SimplePayRequest("3", Amount(amount)), on_progress=step, timeout_s=60)


def put_in(counter: Counter, card: str) -> Callable[[PaymentProgress], None]:
    """The customer is asked for a code, and puts in this card."""

    def step(progress: PaymentProgress) -> None:
        if progress.step == "show_code":
            counter.store.sandbox.present("reader-4", card)

    return step


def test_it_is_off_by_default() -> None:
    """The manual prints no default; ours is off."""
    assert not TransactionSettings().simple_pay_accepts_card


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_switched_off_a_card_is_not_taken(counter: Counter) -> None:
    """The code's wait ends without one."""
    counter.reset("")
    result = simple_pay(counter, 41_500, put_in(counter, "visa-ic"))
    assert ("NOT_PAID", "card_timeout", None) == (result.verdict, result.reason, counter.booked(result))


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_a_card_instead_of_a_code_is_a_credit_sale(accepting: Store, counter: Counter) -> None:
    """It is signed for, has the card's last word, stands in the host's book as a sale, and is voided as one."""
    counter.reset("")
    paid = simple_pay(counter, 64_000, put_in(counter, "visa-ic"))
    assert ("PAID", PaymentKind.SALE, "411111******1111") == (
        paid.verdict, paid.kind, paid.card and paid.card.masked_pan,
    )  # fmt: skip
    booked = counter.booked(paid)
    assert ("sale", 64_000) == (booked and booked.kind, booked and booked.net_minor)
    events = [step.event for step in counter.pos.explain("3", paid.request_id).steps]
    assert ["signed", "card_accepted"] == [event for event in events if event in ("signed", "card_accepted")]
    again = counter.pos.order(SimplePayRequest("3", Amount(64_000)), request_id=paid.request_id, timeout_s=60)
    assert ("PAID", True, paid.approval_code) == (again.verdict, again.repeated, again.approval_code)
    back = counter.pos.order(VoidRequest("3", OriginalPayment(request_id=paid.request_id)), timeout_s=60)
    assert "PAID" == back.verdict


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_a_code_is_still_a_code(accepting: Store, counter: Counter) -> None:
    """It is no sale, and nobody signs."""
    counter.reset("kakaopay")
    paid = simple_pay(counter, 65_000)
    assert ("PAID", PaymentKind.SIMPLE_PAY, "kakaopay") == (
        paid.verdict, paid.kind, paid.card and paid.card.label,
    )  # fmt: skip


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_a_card_that_the_host_declines_is_not_paid(accepting: Store, counter: Counter) -> None:
    """As any sale."""
    counter.reset("")
    result = simple_pay(counter, 40_051, put_in(counter, "visa-ic"))
    assert ("NOT_PAID", "declined_by_host") == (result.verdict, result.reason)
