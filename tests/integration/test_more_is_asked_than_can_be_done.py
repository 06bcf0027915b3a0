"""A store of which more is asked than it can do: each request is PAID or busy, and all books agree."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.bench.overload.__main__ import play, started
from tests.bench.overload.books import disagreements
from tests.harness import Store
from tpayd_client.types import PaymentProgress
from tpayd_contracts.sandbox import HostMode

LANES = 16
AT_ONCE = 2


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    directory: Path = tmp_path_factory.mktemp("overload")
    with started(directory, LANES, AT_ONCE + 2, {"transaction": {"max_in_hand": AT_ONCE}}) as running:
        yield running


def test_everything_asked_for_is_paid_or_busy_and_nothing_else(store: Store) -> None:
    """At a host that takes 100 ms and two payments at a time, 20 a second can be made; 100 are asked for."""
    store.sandbox.host(HostMode.APPROVE, delay_ms=100)
    try:
        tallies = play(store, LANES, "open:100:2", "open:2:1").tallies
    finally:
        store.sandbox.host(HostMode.APPROVE)
    pressed = tallies[0]
    assert [] == [finding for tally in tallies for finding in tally.findings()]
    assert len(pressed.paid) >= AT_ONCE
    assert pressed.busy
    assert [] == disagreements(store, [sale for tally in tallies for sale in tally.sales])


def test_customers_who_take_their_time_keep_nobody_else_from_paying(store: Store) -> None:
    """As many payments as fit wait for a card; another lane sells as ever."""
    readers = store.plan.reader_names
    for reader in readers:
        store.sandbox.auto(reader, "")
    with ThreadPoolExecutor(AT_ONCE) as lanes, store.client() as pos:
        waiting = [threading.Event() for _ in range(AT_ONCE)]
        slow = [lanes.submit(_sell, store, str(lane), waits) for lane, waits in enumerate(waiting, 1)]
        assert all(waits.wait(30) for waits in waiting)
        for free in [device.name for device in pos.devices().devices if not device.leased_to]:
            store.sandbox.auto(free, "visa-tap")
        assert "PAID" == pos.sale(str(LANES), 41_000, timeout_s=30).verdict
        for reader in readers:
            store.sandbox.auto(reader, "visa-tap")
        for reader in readers:
            store.sandbox.present(reader, "visa-tap")
        assert ["PAID"] * AT_ONCE == [sale.result(60) for sale in slow]


def _sell(store: Store, lane: str, waits: threading.Event) -> str:
    def told(step: PaymentProgress) -> None:
        if step.step == "present_card":
            waits.set()

    with store.client() as pos:
        return pos.sale(lane, 42_000, on_progress=told, timeout_s=60).verdict
