"""An expired key stays expired when the clock is set back, and exchange numbers are never given twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.clock import FakeClock
from tpayd.key_manager.ticks import KEEP_EVERY_MS, Ticker, Ticks


@given(st.lists(st.floats(-1e9, 1e9), max_size=50))
def test_time_only_grows(steps: list[float]) -> None:
    """However the clock is set, no reading is earlier than one before, nor than what was kept."""
    clock = FakeClock()
    floor_ms = clock.unix_ms() - 5
    ticker = Ticker(clock, Ticks(floor_ms=floor_ms))
    seen = [floor_ms]
    for seconds in steps:
        clock.step(seconds)
        seen.append(ticker.now_ms())
    assert sorted(seen) == seen


def test_floor_of_an_earlier_life_holds() -> None:
    """After a restart with the clock set back, time goes on from what was kept."""
    clock = FakeClock()
    ticker = Ticker(clock, Ticks(floor_ms=clock.unix_ms()))
    clock.step(-86_400)
    assert clock.unix_ms() + 86_400_000 == ticker.now_ms()
    assert 86_400_000 == ticker.behind_ms()


def test_floor_is_kept_now_and_then() -> None:
    """The disk is not written for every reading, and lags no more than ten minutes."""
    clock = FakeClock()
    ticker = Ticker(clock, Ticks(floor_ms=clock.unix_ms()))
    clock.advance(KEEP_EVERY_MS / 1000 - 1)
    assert None is ticker.due()
    clock.advance(1)
    due = ticker.due()
    assert due is not None
    assert clock.unix_ms() == due.floor_ms
    ticker.kept(due)
    assert None is ticker.due()


@given(st.lists(st.sampled_from(["exchange", "restart", "back", "forth"]), max_size=60))
def test_exchange_numbers_grow(events: list[str]) -> None:
    """Sequences grow over restarts and clocks set back."""
    clock = FakeClock()
    disk = Ticks()
    ticker = Ticker(clock, disk)
    given_out: list[int] = []

    def keep(ticks: Ticks) -> None:
        nonlocal disk
        disk = ticks

    for event in events:
        if event == "exchange":
            number = ticker.next_exchange(keep)
            given_out.append(number.sequence)
            assert (6, True) == (len(number.stan), number.stan.isdecimal())
        elif event == "restart":
            ticker = Ticker(clock, disk)
        else:
            clock.step(-3600 if event == "back" else 3600)
    assert sorted(set(given_out)) == given_out


def test_new_store_goes_on_above_the_old_one() -> None:
    """A terminal whose store was lost begins with sequences above those of before: they follow the calendar."""
    clock = FakeClock()
    before = Ticker(clock, Ticks()).next_exchange(lambda _: None)
    clock.advance(1)
    assert before.sequence < Ticker(clock, Ticks()).next_exchange(lambda _: None).sequence


def test_number_that_is_not_on_disk_is_not_given() -> None:
    """A full disk stops the exchange before it begins, and the time goes on."""
    ticker = Ticker(FakeClock(), Ticks())

    def full(_: Ticks) -> None:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011  any
        ticker.next_exchange(full)
    assert "000001" == ticker.next_exchange(lambda _: None).stan
