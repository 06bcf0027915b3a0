"""Two stores for the tests of a failing journal: one keeps it in a file, the other in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import Store
from tests.harness.postgres import PostgresServer
from tests.integration.payment.till import Till

IMPATIENT: dict[str, Any] = {
    "answer_wait_s": 2.5,
    "host_max_processing_s": 2.5,
    "reversal_waits_s": [0.2, 0.4],
    "pos_gone_after_s": 0.5,
    "card_wait_s": 5.0,
}


def store_at(directory: pytest.TempPathFactory, url: str) -> Iterator[Store]:
    settings = {"transaction": {**IMPATIENT, "journal_url": url}}
    with Store(directory.mktemp("journal"), lanes=2, readers=2, settings=settings) as running:
        running.open_shop(card="visa-tap")
        yield running


@pytest.fixture(scope="module")
def file_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    yield from store_at(tmp_path_factory, "")


@pytest.fixture(scope="module")
def database_store(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Iterator[Store]:
    yield from store_at(tmp_path_factory, postgres_server.database())


@pytest.fixture
def file_till(file_store: Store) -> Iterator[Till]:
    yield from till_in(file_store)


@pytest.fixture
def database_till(database_store: Store) -> Iterator[Till]:
    yield from till_in(database_store)


def till_in(store: Store) -> Iterator[Till]:
    with Till(store) as opened:
        opened.reset()
        yield opened
        opened.reset()
