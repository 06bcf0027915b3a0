"""A reader of another maker's protocol takes whole payments: beside the others, and alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.harness import Store, eventually
from tests.integration.payment.till import Till
from tests.integration.readers.counter import device, wait_for
from tests.integration.readers.mixed_store import NEO, STX, mixed_store
from tpayd_client.types import Amount, CashIcSaleRequest
from tpayd_contracts.device import DeviceState
from tpayd_contracts.sandbox import HostMode


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with mixed_store(tmp_path_factory.mktemp("mixed")) as running:
        running.open_shop(card="visa-tap")
        yield running


@pytest.fixture
def both(store: Store) -> Iterator[Till]:
    """Lane 1's till, and both readers plugged in."""
    with Till(store) as till:
        for name in (STX, NEO):
            store.sandbox.plug(name)
            wait_for(store, name, timeout_s=30)
        till.reset()
        yield till
        till.reset()


@pytest.fixture
def neo_alone(both: Till) -> Till:
    """Nothing but the NEO reader is there."""
    both.store.sandbox.unplug(STX)
    wait_for(both.store, STX, DeviceState.ABSENT, timeout_s=30)
    return both


def test_the_reader_says_who_it_is(both: Till) -> None:
    shown = device(both.store, NEO)
    assert ("IDTECH-NEO------SBX0000002------", "SBX0000002") == (shown.reader_id, shown.serial_number)


@pytest.mark.parametrize(
    ("card", "entry_mode"),
    [("visa-ic", "ic"), ("visa-tap", "contactless"), ("jcb-stripe", "stripe"), ("broken-ic", "fallback")],
)
def test_every_kind_of_card_pays(neo_alone: Till, card: str, entry_mode: str) -> None:
    """Chip, tap, stripe, and the stripe of a broken chip, each booked by the host as told to the POS."""
    till = neo_alone
    till.cards(card)
    result = till.sale(11_000)
    assert ("PAID", "approved", entry_mode) == (result.verdict, result.state, result.card and result.card.entry_mode)
    assert result.card is not None
    assert set(result.card.masked_pan[6:-4]) == {"*"}
    entry = till.booked(result)
    assert entry is not None
    assert (11_000, result.approval_code) == (entry.net_minor, entry.approval_code)


def test_a_receipt_has_the_chips_data(neo_alone: Till) -> None:
    neo_alone.cards("visa-ic")
    receipt = neo_alone.sale(12_000).receipt
    assert receipt is not None
    assert {"84", "95", "9F26"} <= set(receipt.emv)


def test_a_card_that_declines_after_all_is_not_charged(neo_alone: Till) -> None:
    """The card has the last word: the approval is reversed."""
    neo_alone.cards("declining-ic")
    result = neo_alone.sale(13_000)
    assert ("NOT_PAID", "declined_by_card") == (result.verdict, result.reason)
    settled = neo_alone.settled(result.request_id)
    assert ("reversed", 0) == (settled.state, neo_alone.host_net(settled))


def test_a_host_that_declines_is_believed_by_the_card(neo_alone: Till) -> None:
    till = neo_alone
    till.cards("visa-ic")
    till.store.sandbox.host(HostMode.DECLINE, code="51", times=1)
    assert ("NOT_PAID", "51") == ((result := till.sale(14_000)).verdict, result.response_code)
    wait_for(till.store, NEO, timeout_s=30)


def test_one_pool_lends_both(both: Till) -> None:
    """Two lanes sell at once: one gets the one kind of reader, the other the other, and both are paid once."""
    store = both.store
    both.cards("")

    def sell(lane: str) -> tuple[str, int]:
        with Till(store, lane) as till:
            result = till.sale(19_000, timeout_s=90)
            return result.verdict, till.host_net(result)

    with ThreadPoolExecutor(2) as lanes:
        selling = [lanes.submit(sell, lane) for lane in ("1", "2")]
        for name in (STX, NEO):
            wait_for(store, name, DeviceState.LEASED, timeout_s=30)
        for name in (STX, NEO):
            store.sandbox.present(name, "visa-tap")
        assert [("PAID", 19_000), ("PAID", 19_000)] == [sale.result(timeout=90) for sale in selling]


def test_an_unplugged_neo_reader_comes_back(neo_alone: Till) -> None:
    """In the middle of a card wait its cable is pulled: the payment fails, and after replugging the next one works."""
    till = neo_alone
    till.cards("")
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(till.sale, 16_000, timeout_s=90)
        wait_for(till.store, NEO, DeviceState.LEASED, timeout_s=30)
        till.store.sandbox.unplug(NEO)
        result = waiting.result(timeout=90)
    assert ("NOT_PAID", None) == (result.verdict, till.booked(result))
    till.store.sandbox.plug(NEO)
    wait_for(till.store, NEO, timeout_s=30)
    till.cards("visa-tap")
    assert till.sale(16_500).verdict == "PAID"


def test_a_broker_that_dies_finds_its_neo_reader_again(neo_alone: Till) -> None:
    """Killed while a card is waited for: the reader, which waits still, is reset, and the next customer pays."""
    till = neo_alone
    till.cards("")
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(till.sale, 17_000, timeout_s=90)
        wait_for(till.store, NEO, DeviceState.LEASED, timeout_s=30)
        till.store.restart("device_broker")
        result = waiting.result(timeout=90)
    assert ("NOT_PAID", None) == (result.verdict, till.booked(result))
    wait_for(till.store, NEO, timeout_s=30)
    till.cards("visa-tap")
    # The other processes find the new broker in their own time; until then a sale is refused before it has begun.
    eventually(lambda: till.sale(17_500).verdict == "PAID", timeout_s=60, what="a sale through the new broker")


def test_what_it_cannot_is_refused_by_its_abilities(neo_alone: Till) -> None:
    """A bank card needs a PIN pad: with the NEO reader alone nobody is asked for one, and nothing is booked."""
    result = neo_alone.pos.order(CashIcSaleRequest(neo_alone.lane, Amount(18_000)), timeout_s=90)
    assert ("NOT_PAID", None) == (result.verdict, neo_alone.booked(result))


def test_no_card_number_is_left_anywhere(both: Till) -> None:
    assert [] == both.store.card_number_leaks()
