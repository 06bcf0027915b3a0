"""T9: how each reader and pool is, live: by command, by event and by metric; and what a customer hears of a loss."""

from __future__ import annotations

import asyncio
import threading
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.harness import Store, eventually
from tests.harness.command_line import tpayd
from tests.harness.hearing import heard
from tpayd_client import PaymentProgress
from tpayd_client.types import DeviceEvent, PaymentResult, PoolEvent, PoolStatus, Verdict

SETTINGS: dict[str, dict[str, Any]] = {
    "device_broker": {
        "pools": [{"name": "near", "label": "Near"}, {"name": "far", "label": "Far"}],
        "devices": [
            {"name": "reader-1", "port": "sandbox/readers/reader-1", "label": "Near 1", "pool": "near"},
            {"name": "reader-2", "port": "sandbox/readers/reader-2", "label": "Far 1", "pool": "far"},
        ],
        "lanes": [{"name": "1", "pools": ["near", "far"]}, {"name": "2", "pools": ["near"]}],
    }
}


@pytest.fixture(scope="module")
def open_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("pools"), lanes=3, readers=2, settings=SETTINGS) as running:
        running.open_shop()
        yield running


@pytest.fixture
def store(open_store: Store) -> Iterator[Store]:
    """Both readers ready, and nobody with a card."""
    _ready(open_store)
    yield open_store
    _ready(open_store)


def _ready(store: Store) -> None:
    """Also after a test that failed in the middle of it."""
    with store.client() as pos:
        for reader in store.plan.reader_names:
            store.sandbox.plug(reader)
            store.sandbox.auto(reader, "")
            pos.maintenance(reader, on=False)
        eventually(
            lambda: all(device.state == "ready" and not device.bars for device in pos.devices().devices),
            timeout_s=60, what=lambda: f"both ready: {pos.devices().devices}; {store.sandbox.readers().readers}",
        )  # fmt: skip


def test_a_reader_that_is_unplugged_and_back_is_told_as_it_happens(store: Store) -> None:
    def is_in(state: str) -> Callable[[DeviceEvent], bool]:
        return lambda event: event.device.name == "reader-1" and event.device.state == state

    gone = asyncio.run(heard(store, "device.state", is_in("absent"), lambda: store.sandbox.unplug("reader-1")))
    assert "sandbox/readers/reader-1" in gone.device.detail
    back = asyncio.run(heard(store, "device.state", is_in("ready"), lambda: store.sandbox.plug("reader-1")))
    assert ("near", None, "SBX0000001") == (back.device.pool, back.device.lane, back.device.serial_number)


def test_a_pool_tells_its_readers_as_they_come_and_go(store: Store) -> None:
    def near(ready: int) -> Callable[[PoolEvent], bool]:
        return lambda event: any(pool.name == "near" and pool.ready == ready for pool in event.pools)

    def maintain(*, on: bool) -> None:
        done = tpayd("devices", "maintenance", "reader-2", "--on" if on else "--off", home=store.instance.home)
        assert 0 == done.status

    # Changes within a moment are told as one: what was told last is known from an event alone.
    asyncio.run(heard(store, "pool.state", near(1), lambda: maintain(on=True)))
    maintain(on=False)
    told = asyncio.run(heard(store, "pool.state", near(0), lambda: store.sandbox.unplug("reader-1")))
    assert {("near", "Near", 0, 1), ("far", "Far", 1, 0)} == {
        (pool.name, pool.label, pool.ready, pool.away) for pool in told.pools
    }
    asyncio.run(heard(store, "pool.state", near(1), lambda: store.sandbox.plug("reader-1")))


def test_maintenance_is_told_shown_and_counted(store: Store) -> None:
    home = store.instance.home

    def barred(event: DeviceEvent) -> bool:
        return event.device.name == "reader-2" and bool(event.device.bars)

    def close() -> None:
        assert 0 == tpayd("devices", "maintenance", "reader-2", "--on", "--reason", "sticky keys", home=home).status

    told = asyncio.run(heard(store, "device.state", barred, close))
    assert "(sticky keys); `tpayd devices maintenance reader-2 --off` gives it back" in told.device.bars[0].why
    assert "sticky keys" in tpayd("devices", "list", home=home).out
    assert 'barred_readers{cause="maintenance"} 1.0' in metrics(store)
    assert 0 == tpayd("devices", "maintenance", "reader-2", "--off", home=home).status
    assert 'barred_readers{cause="maintenance"} 0.0' in metrics(store)


def test_the_queue_is_told_with_place_and_wait_and_shown_with_its_figures(store: Store) -> None:
    """Lane 2 waits for the one near reader, which lane 3 has: place 1, and how long that takes, from the use so far."""
    store.sandbox.auto("reader-1", "visa-tap")
    with store.client() as pos:
        assert Verdict.PAID is pos.sale("2", 1_000, timeout_s=60).verdict
    store.sandbox.auto("reader-1", "")
    with store.client() as first, store.client() as second:
        wanted, queued, wanted_again = threading.Event(), threading.Event(), threading.Event()
        places: list[tuple[int | None, bool]] = []

        def step_of_first(progress: PaymentProgress) -> None:
            if progress.step == "present_card":
                wanted.set()

        def step_of_second(progress: PaymentProgress) -> None:
            if progress.position is not None:
                places.append((progress.position, progress.expected_wait_ms is not None))
                queued.set()
            if progress.step == "present_card":
                wanted_again.set()

        first.maintenance("reader-2", on=True)
        one = Paying(lambda: first.sale("3", 2_000, on_progress=step_of_first, timeout_s=90))
        assert wanted.wait(60)
        two = Paying(lambda: second.sale("2", 3_000, on_progress=step_of_second, timeout_s=90))
        assert queued.wait(60)
        with store.client() as pos:
            status = pos.pool_status("near")
            assert (1, 1, 1) == _standing(status)
        store.sandbox.present("reader-1", "visa-tap")
        assert Verdict.PAID is one.verdict()
        assert wanted_again.wait(60)
        store.sandbox.present("reader-1", "visa-tap")
        assert Verdict.PAID is two.verdict()
        first.maintenance("reader-2", on=False)
        assert (1, True) in places
        after = first.pool_status()
    assert after.most_overtaken <= 1
    assert after.fairness is not None
    assert {"2", "3"} <= {lane.lane for lane in after.lanes}
    shown = tpayd("pool", home=store.instance.home).out
    assert "Near" in shown
    assert "fairness" in shown
    assert "tpayd_device_broker_most_overtaken" in metrics(store)


def test_a_customer_whose_reader_is_lost_is_sent_to_another_pool(store: Store) -> None:
    """Before the card is read. The cashier is told where to send him."""
    store.sandbox.auto("reader-2", "visa-ic", delay_ms=300)
    asked = threading.Event()
    sent_to: list[str] = []

    def step(progress: PaymentProgress) -> None:
        if progress.step == "present_card" and progress.reader is not None:
            sent_to.append(progress.reader)
            asked.set()

    with store.client() as pos:
        paying = Paying(lambda: pos.sale("1", 4_000, on_progress=step, timeout_s=90))
        assert asked.wait(60)
        store.sandbox.unplug("reader-1")
        assert Verdict.PAID is paying.verdict()
    assert ["Near 1", "Far 1"] == list(dict.fromkeys(sent_to))


class Paying:
    """A payment in a thread of its own."""

    def __init__(self, pay: Callable[[], PaymentResult]) -> None:
        self._results: list[PaymentResult] = []
        self._thread = threading.Thread(target=lambda: self._results.append(pay()))
        self._thread.start()

    def verdict(self) -> Verdict:
        self._thread.join(120)
        return self._results[0].verdict


def _standing(status: PoolStatus) -> tuple[int, int, int]:
    """Pools shown, readers lent, lanes waiting."""
    return len(status.pools), status.pools[0].standing.leased, status.pools[0].standing.queue


def metrics(store: Store) -> str:
    port = store.instance.run_file("device_broker", "metrics").read_text().strip()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        return str(page.read().decode())
