"""T26: after an approval the chip card's last word is asked (2nd GENERATE AC); on by default, and can be off."""

from __future__ import annotations

import pytest

from tests.features.counters import ON_ITS_READER, Counter, changed
from tests.harness import eventually
from tpayd.transaction.settings import TransactionSettings


def test_it_is_on_by_default() -> None:
    """As the manual has it."""
    assert TransactionSettings().second_generate_ac


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_a_card_that_declines_is_not_charged(counter: Counter) -> None:
    """The host has approved, the card says no: NOT_PAID, and the host's net is 0."""
    counter.reset("declining-ic")
    result = counter.sale(45_000)
    assert ("NOT_PAID", "declined_by_card") == (result.verdict, result.reason)

    def reversed_at_the_host() -> bool:
        booked = counter.booked(result)
        return booked is not None and booked.net_minor == 0

    eventually(reversed_at_the_host, timeout_s=30, what="the reversal")
    counter.wait_free()


@pytest.mark.parametrize("counter", [ON_ITS_READER], indirect=True)
def test_switched_off_the_hosts_word_is_the_last(counter: Counter) -> None:
    """The same card is PAID without being asked again, and the next customer finds a clean reader."""
    with changed(counter.store, second_generate_ac=False):
        counter.reset("declining-ic")
        paid = counter.sale(46_000)
        booked = counter.booked(paid)
        assert ("PAID", 46_000) == (paid.verdict, booked and booked.net_minor)
        assert "finishing_card" not in counter.steps
        events = [step.event for step in counter.pos.explain("3", paid.request_id).steps]
        assert "card_accepted" not in events
        counter.reset()
        assert "PAID" == counter.sale(47_000).verdict
