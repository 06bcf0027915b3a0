"""Stores that several feature tests share; each test leaves them as it found them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Protocol

import pytest

from tests.features.counters import LEFT_BEHIND, SETTINGS, UNMARKED, Counter
from tests.harness import Said, Store, SupervisedStore, tpayd
from tests.integration.payment.till import Till


class Run(Protocol):
    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Said: ...


@pytest.fixture(scope="package")
def counters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Lanes that have their customers sign and key numbers in different ways: see `tests.features.counters`."""
    store = Store(tmp_path_factory.mktemp("counters"), lanes=int(UNMARKED), readers=5, settings=SETTINGS)
    with (store.instance.sandbox / "cards.toml").open("a", encoding="utf-8") as cards:
        cards.write(LEFT_BEHIND)
    with store as running:
        running.open_shop(card="visa-ic")
        yield running


SHOP = {
    "transaction": {
        "standalone": True, "answer_wait_s": 1.5, "host_max_processing_s": 1.5, "reversal_waits_s": [0.2, 0.4, 3.0],
    },
}  # fmt: skip


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An ordinary store: two lanes, two readers."""
    with Store(tmp_path_factory.mktemp("shop"), lanes=2, readers=2, settings=SHOP) as running:
        running.open_shop(card="visa-tap")
        yield running


@pytest.fixture(scope="package")
def supervised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisedStore]:
    """A store that `tpayd up` has started."""
    readers = [{"name": "reader-1", "auto_card": "visa-tap"}]
    settings = {"sandbox_readers": {"readers": readers}}
    with SupervisedStore(tmp_path_factory.mktemp("supervised"), lanes=1, readers=1, settings=settings) as running:
        # Eight processes that start at once, on a machine that may be busy with other tests.
        running.wait_ready(degraded=True, timeout_s=90)
        running.open_shop()
        yield running


@pytest.fixture
def till(shop: Store) -> Iterator[Till]:
    """Lane 1's till there; host and readers as they should be."""
    with Till(shop) as opened:
        opened.reset()
        yield opened
        opened.reset()


@pytest.fixture
def run(shop: Store) -> Run:
    """`tpayd` for that store."""
    return partial(tpayd, home=shop.instance.home)


@pytest.fixture
def counter(counters: Store, request: pytest.FixtureRequest) -> Iterator[Counter]:
    """The lane that the test names by `@pytest.mark.parametrize("counter", [LANE], indirect=True)`."""
    with Counter(counters, request.param) as opened:
        opened.reset()
        yield opened
        opened.reset()
