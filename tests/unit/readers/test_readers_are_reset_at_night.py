"""Each reader is reset once a day at the time that the store chose: idle ones only, and of a pool one at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.harness.clock import FakeClock
from tests.unit.readers.test_the_pool_gives_fair_turns import pool_of, reader
from tpayd.device_broker import errors
from tpayd.device_broker.bars import Bars
from tpayd.device_broker.lending import Lending
from tpayd.device_broker.nightly import AWAY_MAX_US, ROUND_US, Nightly, Sight
from tpayd_contracts.device import DeviceState

READY, LEASED, STARTING, ABSENT = DeviceState.READY, DeviceState.LEASED, DeviceState.STARTING, DeviceState.ABSENT
EVENING = datetime.fromisoformat("2026-03-02T22:00:00+09:00")
FOUR = datetime.fromisoformat("2026-03-03T04:00:00+09:00")


def sights(**states: DeviceState) -> list[Sight]:
    """Readers by name; the first letter is the pool."""
    return [Sight(name, name[0], state) for name, state in states.items()]


def test_never_without_a_time() -> None:
    nightly = Nightly("", EVENING)
    assert [] == nightly.due(FOUR + timedelta(days=3), 0, sights(a1=READY))


def test_one_of_each_pool_at_a_time() -> None:
    """The next one goes when the one before is back."""
    nightly = Nightly("04:00", EVENING)
    before = FOUR - timedelta(seconds=1)
    assert [] == nightly.due(before, 0, sights(a1=READY, a2=READY, b1=READY))
    assert ["a1", "b1"] == nightly.due(FOUR, 1, sights(a1=READY, a2=READY, b1=READY))
    assert [] == nightly.due(FOUR, 2, sights(a1=STARTING, a2=READY, b1=STARTING))
    assert ["a2"] == nightly.due(FOUR, 3, sights(a1=READY, a2=READY, b1=STARTING))
    assert [] == nightly.due(FOUR, 4, sights(a1=READY, a2=READY, b1=READY))


def test_once_a_day() -> None:
    nightly = Nightly("04:00", EVENING)
    assert ["a1"] == nightly.due(FOUR, 0, sights(a1=READY))
    assert [] == nightly.due(FOUR + timedelta(hours=23, minutes=59), 1, sights(a1=READY))
    assert ["a1"] == nightly.due(FOUR + timedelta(days=1), 2, sights(a1=READY))


def test_a_broker_that_starts_later_makes_up_for_nothing() -> None:
    """Its readers have just been started."""
    nightly = Nightly("04:00", FOUR + timedelta(seconds=1))
    assert [] == nightly.due(FOUR + timedelta(seconds=2), 0, sights(a1=READY))


def test_a_clock_set_back_begins_no_second_round() -> None:
    nightly = Nightly("04:00", EVENING)
    assert ["a1"] == nightly.due(FOUR, 0, sights(a1=READY))
    assert [] == nightly.due(FOUR - timedelta(hours=1), 1, sights(a1=READY))
    assert [] == nightly.due(FOUR + timedelta(minutes=1), 2, sights(a1=READY))


def test_a_reader_that_is_lent_is_tried_again() -> None:
    nightly = Nightly("04:00", EVENING)
    assert [] == nightly.due(FOUR, 0, sights(a1=LEASED))
    assert [] == nightly.due(FOUR, 1, sights(a1=LEASED))
    assert ["a1"] == nightly.due(FOUR, 2, sights(a1=READY))


def test_a_reader_that_comes_back_by_itself_was_reset_by_that() -> None:
    nightly = Nightly("04:00", EVENING)
    assert [] == nightly.due(FOUR, 0, sights(a1=ABSENT))
    assert [] == nightly.due(FOUR, 1, sights(a1=READY))


def test_a_reader_that_does_not_come_back_holds_up_the_others_for_a_while_only() -> None:
    nightly = Nightly("04:00", EVENING)
    assert ["a1"] == nightly.due(FOUR, 0, sights(a1=READY, a2=READY))
    assert [] == nightly.due(FOUR, AWAY_MAX_US - 1, sights(a1=STARTING, a2=READY))
    assert ["a2"] == nightly.due(FOUR, AWAY_MAX_US, sights(a1=STARTING, a2=READY))


def test_a_reader_that_could_not_be_reset_just_now_is_tried_again() -> None:
    nightly = Nightly("04:00", EVENING)
    assert ["a1"] == nightly.due(FOUR, 0, sights(a1=READY))
    nightly.again("a1")
    assert ["a1"] == nightly.due(FOUR, 1, sights(a1=READY))


def test_what_was_lent_all_night_is_told_once() -> None:
    nightly = Nightly("04:00", EVENING)
    nightly.due(FOUR, 0, sights(a1=LEASED, a2=READY))
    assert () == nightly.left_over(ROUND_US - 1)
    assert ("a1",) == nightly.left_over(ROUND_US)
    assert () == nightly.left_over(ROUND_US + 1)


@pytest.mark.parametrize("busy", [False, True])
def test_a_reset_is_a_start_and_an_idle_reader_is_not_lent_meanwhile(busy: bool) -> None:
    """One that is busy with itself is brought back to the pool, and reset later."""
    asked: list[str] = []

    def examine(_: object) -> None:
        if busy:
            raise errors.reader_busy("a")
        asked.append("start")

    device: Any = SimpleNamespace(name="a", clean=True, step=None, examine=examine)
    device.make_clean = lambda: asked.append("clean")
    silent: Any = SimpleNamespace(changed=lambda _: None)
    pool = pool_of(reader("a"))
    lending = Lending(pool, {"a": device}, silent, silent, FakeClock(), bars=Bars(), waiting_max=8)
    assert (not busy) is lending.start_anew("a")
    assert ["clean" if busy else "start"] == asked
    assert STARTING is pool.state("a")
    lending.on_clean(device)
    assert READY is pool.state("a")
