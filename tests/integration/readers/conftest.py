from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Store
from tests.integration.readers.counter import load_key, wait_for
from tpayd_contracts.device import LEASE_RESET
from tpayd_contracts.operation import Empty
from tpayd_contracts.sandbox import Keying, Signing

SERVICES = ("sandbox_readers", "device_broker")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Store]:
    """Two readers with keys and no card, and the broker."""
    with Store(tmp_path, services=SERVICES) as store:
        open_counter(store)
        yield store


@pytest.fixture(scope="module")
def open_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """As `shop`, for all tests of a file."""
    with Store(tmp_path_factory.mktemp("shop"), services=SERVICES) as store:
        open_counter(store)
        yield store


@pytest.fixture
def fresh_shop(open_shop: Store) -> Iterator[Store]:
    """The shop of the file, with no lease, no card, and customers who do as they are asked."""
    yield open_shop
    open_shop.ask("device_broker", LEASE_RESET, Empty(), name="transaction")
    for name in open_shop.plan.reader_names:
        open_shop.sandbox.auto(name, "")
        open_shop.sandbox.customer(name, signing=Signing.SIGNS, keying=Keying.RIGHT)
        open_shop.sandbox.mute(name, mute=False)
        wait_for(open_shop, name)


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
