"""Time follows the host and nobody's clock, and exchange numbers are never given twice."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.clock import FakeClock
from tpayd.key_manager.ticks import KEEP_EVERY_MS, ExchangeNumber, Ticker, Ticks
from tpayd.key_manager.trusted_time import AGREE_MS, Moved, TrustedTime

DAY_S = 86_400
YEAR_S = 365 * DAY_S


def _host_says(time: TrustedTime, clock: FakeClock, ahead_s: float) -> bool:
    """A host whose clock is ahead of the time that is counted answers now; whether it is followed."""
    moved = time.host_said(time.now_ms() + round(ahead_s * 1000), clock.boottime_ms())
    if moved is not None:
        time.move(moved)
    return moved is not None


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.integers(0, 10**6)), max_size=50))
def test_nobody_who_sets_the_clock_sets_the_time(steps: list[tuple[float, int]]) -> None:
    """However the machine's clock is set, forward or back, the time is what has passed, and never earlier."""
    clock = FakeClock()
    time = TrustedTime(clock, clock.unix_ms(), from_host=True)
    expected_ms = clock.unix_ms()
    for set_by_s, passed_s in steps:
        clock.step(set_by_s)
        clock.advance(passed_s)
        expected_ms += passed_s * 1000
        assert expected_ms == time.now_ms()


def test_a_restart_goes_on_from_the_floor() -> None:
    """What the machine's clock says by then counts for nothing, in either direction."""
    for set_by_s in (-YEAR_S, YEAR_S):
        clock = FakeClock()
        floor_ms = clock.unix_ms()
        clock.step(set_by_s)
        assert floor_ms == TrustedTime(clock, floor_ms, from_host=True).now_ms()


def test_a_host_moves_the_time_forwards_only() -> None:
    """An answer that is late, or of a host whose clock was set back, changes nothing."""
    clock = FakeClock()
    time = TrustedTime(clock, clock.unix_ms(), from_host=True)
    before_ms = time.now_ms()
    assert [False, True, False] == [_host_says(time, clock, ahead_s) for ahead_s in (-5.0, 3600.0, -1.0)]
    assert before_ms + 3_600_000 == time.now_ms()


def test_an_answer_counts_from_when_it_was_checked() -> None:
    """The sweep that reads it comes later; what has passed since is added."""
    clock = FakeClock()
    time = TrustedTime(clock, clock.unix_ms(), from_host=True)
    said_ms, at_ms = time.now_ms() + 10_000, clock.boottime_ms()
    clock.advance(60)
    moved = time.host_said(said_ms, at_ms)
    assert moved is not None
    time.move(moved)
    assert said_ms + 60_000 == time.now_ms()


def test_a_store_that_was_down_takes_no_clock_for_wrong() -> None:
    """After a night the floor is hours behind: only a host's answer since the start says how the machine's clock is."""
    clock = FakeClock()
    time = TrustedTime(clock, clock.unix_ms() - 10 * 3_600_000, from_host=True)
    assert None is time.machine_ahead_ms()
    assert _host_says(time, clock, 10 * 3600.0)
    assert 0 == time.machine_ahead_ms()
    clock.step(90)
    assert 90_000 == time.machine_ahead_ms()


def test_a_host_that_moves_nothing_says_how_the_clock_is_all_the_same() -> None:
    """Its answer is a little earlier than what is counted; one that is doubted says nothing."""
    clock = FakeClock()
    time = TrustedTime(clock, clock.unix_ms(), from_host=True)
    assert not _host_says(time, clock, YEAR_S)
    assert None is time.machine_ahead_ms()
    assert not _host_says(time, clock, -5.0)
    assert 0 == time.machine_ahead_ms()


def test_one_jump_of_a_host_expires_nothing() -> None:
    """A host that is suddenly a year ahead is followed only when answers ten minutes apart agree."""
    clock = FakeClock()
    time = TrustedTime(clock, clock.unix_ms(), from_host=True)
    assert not _host_says(time, clock, YEAR_S)
    assert _host_says(time, clock, 1.0)
    clock.advance(AGREE_MS / 1000)
    assert not _host_says(time, clock, YEAR_S)
    clock.advance(AGREE_MS / 1000 - 1)
    assert not _host_says(time, clock, YEAR_S)
    clock.advance(1)
    assert _host_says(time, clock, YEAR_S)


def test_two_wrong_hosts_that_disagree_are_not_followed() -> None:
    """A year ahead, then two: neither proves the other."""
    clock = FakeClock()
    time = TrustedTime(clock, clock.unix_ms(), from_host=True)
    for years in (1, 2, 1, 2):
        assert not _host_says(time, clock, years * YEAR_S)
        clock.advance(AGREE_MS / 1000)


def test_a_new_store_counts_from_its_founding() -> None:
    """Without any host's time, what is kept is what was counted, and a restart goes on from there."""
    clock = FakeClock()
    founded_ms = clock.unix_ms()
    time = TrustedTime(clock, 0, from_host=False)
    clock.step(YEAR_S)
    clock.advance(60)
    assert founded_ms + 60_000 == time.floor_ms
    assert founded_ms + 60_000 == TrustedTime(clock, time.floor_ms, from_host=False).now_ms()


def test_the_first_host_time_may_be_earlier() -> None:
    """A store that was founded with its clock an hour ahead is put right, and says by how much its dates are wrong."""
    clock = FakeClock()
    time = TrustedTime(clock, 0, from_host=False)
    assert Moved(-3_600_000, first=True) == time.host_said(time.now_ms() - 3_600_000, clock.boottime_ms())


def test_signed_metadata_says_how_late_it_is_at_least() -> None:
    """It moves the time forwards, and never back; a first host's time it is not."""
    clock = FakeClock()
    time = TrustedTime(clock, clock.unix_ms(), from_host=True)
    assert None is time.metadata_said(time.now_ms() - 1)
    assert Moved(1) == time.metadata_said(time.now_ms() + 1)


def _metadata_says(time: TrustedTime, ahead_s: int) -> int:
    """Metadata dated so far ahead of the time that is counted; by how much it is followed, in seconds."""
    moved = time.metadata_said(time.now_ms() + ahead_s * 1000)
    if moved is None:
        return 0
    time.move(moved)
    return moved.by_ms // 1000


def test_a_stolen_key_of_metadata_expires_nothing_at_once() -> None:
    """A year at once is a day; after that, as much as has passed, and never more than a day."""
    clock = FakeClock()
    time = TrustedTime(clock, clock.unix_ms(), from_host=True)
    assert [DAY_S, 0] == [_metadata_says(time, YEAR_S) for _ in range(2)]
    clock.advance(3600)
    assert [3600, 0] == [_metadata_says(time, YEAR_S) for _ in range(2)]
    clock.advance(10 * DAY_S)
    assert [600, DAY_S - 600, 0] == [_metadata_says(time, ahead_s) for ahead_s in (600, YEAR_S, YEAR_S)]


@given(st.lists(st.tuples(st.integers(-YEAR_S, YEAR_S), st.integers(0, 10 * DAY_S)), max_size=50))
def test_metadata_at_most_doubles_the_pace_of_time(steps: list[tuple[int, int]]) -> None:
    """Whatever it says, and whenever: keys live half as long at worst, but for one day."""
    clock = FakeClock()
    time = TrustedTime(clock, clock.unix_ms(), from_host=True)
    began_ms, passed_s = time.now_ms(), 0
    for ahead_s, waited_s in steps:
        _metadata_says(time, ahead_s)
        clock.advance(waited_s)
        passed_s += waited_s
        assert passed_s * 1000 <= time.now_ms() - began_ms <= (2 * passed_s + DAY_S) * 1000


def test_the_floor_is_kept_now_and_then() -> None:
    """The disk is written when a host has moved the floor by ten minutes, not for every answer."""
    clock = FakeClock()
    ticker = Ticker(clock, Ticks(floor_ms=clock.unix_ms(), from_host=True))
    clock.advance(10 * KEEP_EVERY_MS / 1000)
    assert None is ticker.due()
    assert _host_says(ticker.time, clock, 1.0)
    due = ticker.due()
    assert due is not None
    assert ticker.now_ms() == due.floor_ms
    ticker.kept(due)
    assert _host_says(ticker.time, clock, KEEP_EVERY_MS / 1000 - 1)
    assert None is ticker.due()


def test_what_is_on_disk_is_never_lowered() -> None:
    """Nor does a floor that was only counted outlive the first host's time."""
    assert Ticks(9, 4, 3, True) == Ticks(9, 2, 3, True).joined(Ticks(8, 4, 1, True))
    assert Ticks(8, 2, 3, True) == Ticks(9, 2, 3).joined(Ticks(8, 1, 1, True))
    assert Ticks(9, 0, 0) == Ticks(8).joined(Ticks(9))


@given(st.lists(st.sampled_from(["exchange", "restart", "back", "forth"]), max_size=60))
def test_exchange_numbers_grow(events: list[str]) -> None:
    """Sequences grow over restarts and clocks set back."""
    clock = FakeClock()
    disk = Ticks()
    ticker = Ticker(clock, disk)
    given_out: list[int] = []

    async def keep(ticks: Ticks) -> None:
        nonlocal disk
        disk = ticks

    for event in events:
        if event == "exchange":
            number = asyncio.run(ticker.next_exchange(keep))
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
    before = asyncio.run(Ticker(clock, Ticks()).next_exchange(_kept))
    clock.advance(1)
    assert before.sequence < asyncio.run(Ticker(clock, Ticks()).next_exchange(_kept)).sequence


def test_number_that_is_not_on_disk_is_not_given() -> None:
    """A full disk stops the exchange before it begins, and the time goes on."""
    ticker = Ticker(FakeClock(), Ticks())

    async def full(_: Ticks) -> None:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011  any
        asyncio.run(ticker.next_exchange(full))
    assert "000001" == asyncio.run(ticker.next_exchange(_kept)).stan


def test_exchanges_that_begin_together_have_numbers_of_their_own() -> None:
    """Though each waits for the disk in between."""
    ticker = Ticker(FakeClock(), Ticks())

    async def slow(_: Ticks) -> None:
        await asyncio.sleep(0)

    async def many() -> list[ExchangeNumber]:
        return await asyncio.gather(*(ticker.next_exchange(slow) for _ in range(64)))

    given_out = asyncio.run(many())
    assert (64, 64) == (len({each.sequence for each in given_out}), len({each.stan for each in given_out}))


async def _kept(_: Ticks) -> None:
    """A disk that takes everything."""
