"""Stores that several feature tests share; each test leaves them as it found them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.features.counters import SETTINGS, UNMARKED, Counter
from tests.harness import Store


@pytest.fixture(scope="package")
def counters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Lanes that have their customers sign and key numbers in different ways: see `tests.features.counters`."""
    with Store(tmp_path_factory.mktemp("counters"), lanes=int(UNMARKED), readers=5, settings=SETTINGS) as running:
        running.open_shop(card="visa-ic")
        yield running


@pytest.fixture
def counter(counters: Store, request: pytest.FixtureRequest) -> Iterator[Counter]:
    """The lane that the test names by `@pytest.mark.parametrize("counter", [LANE], indirect=True)`."""
    with Counter(counters, request.param) as opened:
        opened.reset()
        yield opened
        opened.reset()
