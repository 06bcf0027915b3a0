"""One store with open keys and impatient waits for all tests of a payment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Store
from tests.integration.payment.till import Till
from tpayd.gateway.clients import ClientRegistry
from tpayd_contracts.operation import Right

IMPATIENT = {
    "transaction": {
        "answer_wait_s": 1.5,
        "host_max_processing_s": 1.5,
        "reversal_waits_s": [0.2, 0.4],
        "reversal_blocked_limit_s": 1.0,
        "pos_gone_after_s": 0.5,
        "card_wait_s": 5.0,
        "inquiry_wait_s": 0.3,
        "inquiry_limit_s": 10.0,
        "unacknowledged_after_s": 1.0,
    },
}


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    # On lane 4 no test pays.
    with Store(tmp_path_factory.mktemp("payment"), lanes=4, readers=2, settings=IMPATIENT) as running:
        running.open_shop(card="visa-tap")
        yield running


@pytest.fixture(scope="package")
def key_file(store: Store) -> Path:
    """Of a POS that may act for lane 1 alone."""
    return ClientRegistry.open(store.instance).add("till-1", ("1",), Right.POS)


@pytest.fixture
def till(store: Store) -> Iterator[Till]:
    """Lane 1's till; host and readers as they should be."""
    with Till(store) as opened:
        opened.reset()
        yield opened
        opened.reset()
