"""While it runs, the daemon purges what has grown too old, between two commits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry, Counter

from tests.harness.clock import FakeClock
from tests.harness.journals import Place
from tests.unit.transaction.test_old_payments_lose_their_details import history
from tpayd.kit.settings import SettingsError
from tpayd.transaction.journal import bookkeeping
from tpayd.transaction.journal.bookkeeping import Bookkeeper, rest_s
from tpayd.transaction.settings import TransactionSettings


class House:
    """What the bookkeeper asks of its process."""

    def __init__(self, place: Place, directory: Any, keep_days: int) -> None:
        self.settings = TransactionSettings(journal_url=place.url, journal_keep_days=keep_days)
        self.instance = SimpleNamespace(
            home=directory, data=directory, settings_file=lambda name: directory / f"{name}.toml"
        )
        self.clock = FakeClock()
        self.log = structlog.get_logger()
        self.metrics = self
        self.beats: list[float] = []
        self.counters: list[Counter] = []

    def counter(self, what: str, text: str) -> Counter:
        self.counters.append(Counter(what, text, registry=CollectorRegistry()))
        return self.counters[-1]

    def gauge(self, *_: object) -> Any:
        return SimpleNamespace(set_function=lambda _: None, set=lambda _: None)

    def call_every(self, period_s: float, _: object) -> None:
        self.beats.append(period_s)


async def test_what_is_too_old_is_purged_page_by_page(
    place: Place, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And counted; what is written meanwhile is not held up."""
    monkeypatch.setattr(bookkeeping, "BETWEEN_PAGES_S", 0.0)
    house: Any = House(place, tmp_path, 30)
    keeper = Bookkeeper(house)
    await keeper.open()
    for number in range(40):
        if number == 30:
            house.clock.step(5 * 86_400)
        for entry in history(number, 0):
            keeper.journal.put(entry.payment, entry.event)
    await keeper.journal.committed()
    house.clock.step(27 * 86_400)
    await keeper.purge()
    assert [(40 * 7, 10 * 7)] == place.rows("select count(*), count(payload) from events")
    assert 30 == house.counters[0]._value.get()
    assert house.settings.journal_purge_every_s in house.beats
    await keeper.journal.close()


@pytest.mark.parametrize(("took_s", "rest"), [(0.001, 0.05), (0.1, 0.3), (5.0, 1.0)])
def test_a_busy_store_is_given_way(took_s: float, rest: float) -> None:
    """The longer a page took, its wait for others' commits included, the longer the next one waits; within limits."""
    assert rest == pytest.approx(rest_s(took_s))


async def test_a_store_may_keep_everything(place: Place, tmp_path: Any) -> None:
    """journal_keep_days = 0."""
    house: Any = House(place, tmp_path, 0)
    keeper = Bookkeeper(house)
    await keeper.open()
    assert house.settings.journal_purge_every_s not in house.beats
    await keeper.journal.close()


def test_a_wrong_url_is_a_wrong_setting(tmp_path: Any) -> None:
    """Named with its file, and without the URL: there may be a password in it."""
    house: Any = House(Place("sqlite", "mysql://u:s3cret@h/d"), tmp_path, 0)
    with pytest.raises(SettingsError, match=r"transaction.toml: journal_url: mysql is not supported") as caught:
        Bookkeeper(house)
    assert "s3cret" not in str(caught.value)
