"""One sandbox that sells, for all tests of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Protocol

import pytest

from tests.harness import Said, Store, tpayd

QUICK = {
    "transaction": {
        "partial_voids": True,
        "answer_wait_s": 1.5,
        "host_max_processing_s": 1.5,
        "reversal_waits_s": [0.2, 0.5],
    }
}


class Run(Protocol):
    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Said: ...


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("cli"), lanes=2, readers=2, settings=QUICK) as running:
        running.open_shop(card="visa-ic")
        yield running


@pytest.fixture
def run(store: Store) -> Run:
    """`tpayd` for that sandbox."""
    return partial(tpayd, home=store.instance.home)
