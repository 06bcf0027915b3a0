from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Store
from tests.integration.readers.counter import load_key, wait_for

SERVICES = ("sandbox_readers", "device_broker")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Store]:
    """Two readers with keys and no card, and the broker."""
    with Store(tmp_path, services=SERVICES) as store:
        open_counter(store)
        yield store


@pytest.fixture
def small_shop(tmp_path: Path) -> Iterator[Store]:
    """One reader for two lanes."""
    with Store(tmp_path, services=SERVICES, readers=1) as store:
        open_counter(store)
        yield store


def open_counter(store: Store) -> None:
    for number, name in enumerate(store.plan.reader_names, start=1):
        wait_for(store, name)
        assert load_key(store, name, number).confirmed
        wait_for(store, name)
