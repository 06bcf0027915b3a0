"""One store with open keys and impatient waits for all tests of a payment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import Store
from tests.integration.payment.till import Till

IMPATIENT = {
    "transaction": {
        "answer_wait_s": 1.5,
        "host_max_processing_s": 1.0,
        "reversal_waits_s": [0.2, 0.4],
        "pos_gone_after_s": 0.5,
        "card_wait_s": 5.0,
    },
}


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("payment"), lanes=3, readers=2, settings=IMPATIENT) as running:
        running.open_shop(card="visa-tap")
        yield running


@pytest.fixture
def till(store: Store) -> Iterator[Till]:
    """Lane 1's till; host and readers as they should be."""
    with Till(store) as opened:
        opened.reset()
        yield opened
        opened.reset()
