"""T14: a whole store goes over to another release while lanes sell, and back from one that does not live."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.harness.base import ALL_SERVICES
from tests.harness.next_release import dies_at_start, staged_release
from tests.harness.selling import SellingTill
from tests.harness.supervised import SupervisedStore
from tests.harness.waiting import eventually
from tpayd.releases.book import Book
from tpayd.releases.journal import Attempt, State
from tpayd.releases.layout import Layout
from tpayd_client.types import Verdict

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]

SERVICES = (*ALL_SERVICES, "updater")
LANES = 4
TAKEN_BACK_MAX_S = 20.0
"""Ten seconds are promised, and kept by a machine that has nothing else to do (6 s); a test's machine often has."""
UPDATER = {"trial_s": 2.0, "ready_limit_s": 60.0, "window": ""}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisedStore]:
    directory = tmp_path_factory.mktemp("updates")
    settings = {"updater": UPDATER}
    with SupervisedStore(directory, services=SERVICES, lanes=LANES, readers=LANES, settings=settings) as running:
        running.open_shop(card="visa-tap")
        yield running


def apply(store: SupervisedStore) -> Attempt:
    """Have the staged release gone over to; how the attempt ended."""
    with store.client() as pos:
        pos.call("update.apply", {"now": True}, ttl_s=120)
    book = Book(Layout(store.instance.home))
    ends = (State.COMMITTED, State.ROLLED_BACK)
    eventually(lambda: book.attempt().state in ends, timeout_s=150, what=lambda: f"an end: {book.attempt()}")
    store.wait_ready(timeout_s=60, degraded=False)
    store.hold_cards("visa-tap")
    return book.attempt()


def launcher_moment(store: SupervisedStore, event: str) -> float:
    """Unix time of the last such line."""
    lines = [line for line in store.logs("launcher") if line["event"] == event]
    return datetime.fromisoformat(lines[-1]["time"]).timestamp()


def test_a_release_that_does_not_start_is_taken_back(store: SupervisedStore) -> None:
    """By the launcher, within seconds of knowing it; the store sells again, and the reason is told."""
    staged_release(store.instance.home, "9.0.0", dies_at_start("transaction"))
    attempt = apply(store)
    condemned_s = launcher_moment(store, "release.condemned")
    ready_s = max(store_ready_s(store, service) for service in ALL_SERVICES)
    assert (State.ROLLED_BACK, "0.1.0") == (attempt.state, Layout(store.instance.home).current())
    assert attempt.text.startswith("transaction died 3 times within ")
    assert ready_s - condemned_s <= TAKEN_BACK_MAX_S
    with store.client() as pos:
        assert Verdict.PAID is pos.sale("1", 11_000).verdict


def store_ready_s(store: SupervisedStore, service: str) -> float:
    lines = [line for line in store.logs(service) if line["event"] == "process.ready"]
    return datetime.fromisoformat(lines[-1]["time"]).timestamp()


def test_lanes_sell_across_an_update_and_none_is_lost(store: SupervisedStore) -> None:
    """Each sale has one verdict; the host has charged what the lanes were told; the pause is a few seconds."""
    charged_before = charged_minor(store)
    staged_release(store.instance.home, "9.1.0")
    tills = [SellingTill(store.client, str(lane)) for lane in range(1, LANES + 1)]
    for till in tills:
        till.start()
    try:
        attempt = apply(store)
        for till in tills:
            till.wait_sold_since(time.monotonic())
    finally:
        for till in tills:
            till.end()
    assert State.COMMITTED is attempt.state
    health = store.health("transaction", 10.0)
    assert health is not None
    assert "9.1.0" == health.version
    assert [] == [fault for till in tills for fault in till.faults]
    paid = sum(till.paid_minor for till in tills)
    assert paid > 0
    eventually(
        lambda: charged_minor(store) - charged_before == paid,
        timeout_s=60,
        what=lambda: f"the host has what the lanes were told: {charged_minor(store) - charged_before} of {paid}",
    )


def charged_minor(store: SupervisedStore) -> int:
    """What all customers have paid in the end, by the host's book."""
    return sum(entry.net_minor for entry in store.sandbox.ledger())
