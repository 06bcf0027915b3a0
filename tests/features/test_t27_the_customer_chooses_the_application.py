"""T27: of a chip card's applications the reader takes the first, or has the customer choose; off by default."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.features.counters import ON_ITS_READER, Counter, changed
from tests.harness import Store
from tpayd.transaction.settings import TransactionSettings
from tpayd_contracts.sandbox import Keying

CARD = "two-application-ic"


@pytest.fixture(scope="module")
def choosing(counters: Store) -> Iterator[Store]:
    """The store, with the switch on."""
    with changed(counters, choose_application=True, card_wait_s=10.0):
        yield counters


def test_it_is_off_by_default() -> None:
    """As the manual has it."""
    assert not TransactionSettings().choose_application


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_without_it_the_first_application_pays(counter: Counter) -> None:
    """Nobody is asked."""
    counter.reset(CARD)
    paid = counter.sale(20_000)
    assert ("PAID", "MASTERCARD") == (paid.verdict, paid.card and paid.card.label)
    assert "choose" not in counter.steps


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_with_it_the_customer_chooses_at_the_reader(choosing: Store, counter: Counter) -> None:
    """The cashier sees that he does, and the receipt names what he chose; a card with one application asks nobody."""
    counter.reset(CARD)
    counter.store.sandbox.customer("reader-4", delay_ms=3_000)
    paid = counter.sale(21_000)
    assert ("PAID", "DEBIT MASTERCARD") == (paid.verdict, paid.card and paid.card.label)
    assert "choose" in counter.steps
    counter.reset("visa-ic")
    assert "PAID" == counter.sale(22_000).verdict
    assert "choose" not in counter.steps


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_who_does_not_choose_does_not_pay(choosing: Store, counter: Counter) -> None:
    """The wait is the card's; the host hears of nothing, and the reader is free again."""
    counter.reset(CARD)
    counter.store.sandbox.customer("reader-4", keying=Keying.WALKS_AWAY)
    result = counter.sale(23_000)
    assert ("NOT_PAID", "card_timeout", None) == (result.verdict, result.reason, counter.booked(result))
    counter.reset()
    counter.wait_free()
