"""A host link with the sandbox's host behind it, shared by the tests of a module that only ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import Store
from tests.integration.host.terminal import Terminal

BOTH = ("sandbox_host", "host_link")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    settings = {"host_link": {"profiles.test.waits.retry_first_s": 0.1}}
    with Store(tmp_path_factory.mktemp("host"), services=BOTH, settings=settings) as store:
        store.wait_ready(*BOTH, degraded=False)
        yield store


@pytest.fixture(scope="module")
def terminal(store: Store) -> Terminal:
    return Terminal.of(store)
