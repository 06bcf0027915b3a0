"""A lane is served from its own devices first, then from the pools that it prefers; urgency wins one turn."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.readers.test_the_pool_gives_fair_turns import TTL_US, grant_in, pool_of, reader, ticket
from tpayd.device_broker.figures import Durations
from tpayd.device_broker.leases import Granted, Hopeless, LaneRules, Moved
from tpayd.device_broker.pool import NoneFitsError, Pool
from tpayd.device_broker.seats import LentError
from tpayd_contracts.device import DeviceState

COUNTER, GARDEN = "counter", "garden"


def test_its_own_comes_first_then_the_preferred_pool_then_the_longest_idle() -> None:
    pool = pool_of(
        reader("c", pool=COUNTER), reader("g1", pool=GARDEN), reader("g2", pool=GARDEN), reader("own", "1"),
        rules={"1": LaneRules((GARDEN, COUNTER))},
    )  # fmt: skip
    pool.unready("g1", DeviceState.QUARANTINE, 5)
    pool.ready("g1", 6)
    assert ["own", "g2", "g1", "c"] == [grant_in(pool.acquire(ticket(number), 9)).device for number in range(4)]


def test_a_pool_that_a_lane_does_not_use_stays_closed_to_it() -> None:
    pool = pool_of(reader("c", pool=COUNTER), rules={"1": LaneRules((GARDEN,))})
    with pytest.raises(NoneFitsError):
        pool.acquire(ticket(1), 0)


def served_by(pool: Pool, lanes: list[str], rounds: int) -> list[str]:
    """Which lanes are served, each asking again as soon as it had its turn. One reader serves them all."""
    held = grant_in(pool.acquire(ticket(0, "other"), 0))
    number = 0
    for lane in lanes:
        number += 1
        pool.acquire(ticket(number, lane), 0)
    served = []
    for _ in range(rounds):
        held = grant_in(pool.release(held.lease_id, held.fence, 0, clean=True))
        served.append(held.lane)
        number += 1
        pool.acquire(ticket(number, held.lane), 0)
    return served


def test_the_higher_priority_goes_first_and_not_twice() -> None:
    pool = pool_of(reader("a"), rules={"3": LaneRules(priority=5)})
    assert ["3", "1", "2", "3", "1", "2"] == served_by(pool, ["1", "2", "3"], 6)


def test_a_lane_that_comes_again_and_again_does_not_starve_others() -> None:
    """Whoever is urgent and returns at once wins one turn over each that waits."""
    pool = pool_of(reader("a"), rules={"9": LaneRules(priority=9), "8": LaneRules(priority=8)})
    assert ["9", "8", "1", "9", "8", "1"] == served_by(pool, ["1", "8", "9"], 6)


@given(
    steps=st.lists(st.sampled_from(["ask 1", "ask 2", "ask 3", "serve", "serve"]), min_size=6, max_size=60),
    priorities=st.dictionaries(st.sampled_from("123"), st.integers(0, 9), min_size=1),
)
def test_nobody_is_served_twice_while_another_waits_once(steps: list[str], priorities: dict[str, int]) -> None:
    """Whatever the priorities, and however often lanes ask: counted here, lane by lane, from what is granted."""
    pool = pool_of(reader("a"), rules={lane: LaneRules(priority=value) for lane, value in priorities.items()})
    held = grant_in(pool.acquire(ticket(0, "other"), 0))
    waiting: dict[int, Counter[str]] = {}
    lanes: dict[int, str] = {}
    for number, step in enumerate(steps, start=1):
        if step == "serve":
            found = [e for e in pool.release(held.lease_id, held.fence, 0, clean=True) if isinstance(e, Granted)]
            if not found:
                held = grant_in(pool.acquire(ticket(number, "other"), 0))
                continue
            [granted] = found
            held = granted.grant
            del waiting[granted.ticket.number]
            for other, passed_by in waiting.items():
                if lanes[other] == held.lane:
                    passed_by.clear()
                else:
                    passed_by[held.lane] += 1
        else:
            lanes[number] = step.removeprefix("ask ")
            assert [] == pool.acquire(ticket(number, lanes[number]), 0)
            waiting[number] = Counter()
        assert max((times for passed_by in waiting.values() for times in passed_by.values()), default=0) <= 1


@given(
    asked=st.lists(st.sampled_from("123456"), min_size=1, max_size=12),
    priorities=st.dictionaries(st.sampled_from("123456"), st.integers(0, 9)),
)
def test_the_places_told_are_the_order_served(asked: list[str], priorities: dict[str, int]) -> None:
    """With one reader, and nobody who comes later, the first place told is served first, and so on."""
    pool = pool_of(reader("a"), rules={lane: LaneRules(priority=value) for lane, value in priorities.items()})
    held = grant_in(pool.acquire(ticket(0, "1"), 0))
    for number, lane in enumerate(asked, start=1):
        pool.acquire(ticket(number, lane), 0)
    told = {effect.ticket.number: effect.position for effect in pool.tick(1) if isinstance(effect, Moved)}
    served = []
    for _ in asked:
        [granted] = [e for e in pool.release(held.lease_id, held.fence, 2, clean=True) if isinstance(e, Granted)]
        held = granted.grant
        served.append(granted.ticket.number)
    assert sorted(told, key=lambda number: told[number]) == served
    assert list(range(1, len(asked) + 1)) == sorted(told.values())


def test_a_place_counts_those_who_could_take_the_same_reader() -> None:
    pool = pool_of(
        reader("c", pool=COUNTER), reader("g", pool=GARDEN),
        rules={"1": LaneRules((COUNTER,)), "2": LaneRules((GARDEN,)), "3": LaneRules((COUNTER, GARDEN))},
    )  # fmt: skip
    for number in (1, 2):
        pool.acquire(ticket(number, str(number)), 0)
    one, two, three = ticket(11, "1"), ticket(12, "2"), ticket(13, "3")
    for wish in (one, two, three):
        pool.acquire(wish, 0)
    # Lane 3 has had no turn yet, so it goes before both.
    assert {(13, 1), (11, 2), (12, 2)} == {(e.ticket.number, e.position) for e in pool.tick(0) if isinstance(e, Moved)}


def test_the_expected_wait_follows_the_use_of_the_readers() -> None:
    """Two readers that are lent for 20 s each: somebody is served every 10 s."""
    pool = pool_of(reader("a"), reader("b"))
    first = [grant_in(pool.acquire(ticket(number, str(number)), 0)) for number in (1, 2)]
    for held in first:
        pool.renew(held.lease_id, held.fence, 10_000_000)
        pool.release(held.lease_id, held.fence, 20_000_000, clean=True)
    for number in (3, 4):
        pool.acquire(ticket(number, str(number)), 20_000_000)
    third, fourth = ticket(5, "5"), ticket(6, "6")
    pool.acquire(third, 20_000_000)
    pool.acquire(fourth, 20_000_000)
    assert [Moved(third, 1, 10_000_000), Moved(fourth, 2, 20_000_000)] == pool.tick(20_000_000)


def test_an_absent_reader_is_not_counted_on() -> None:
    durations = Durations()
    durations.note(COUNTER, 30)
    assert (30, 15, None) == (
        durations.expected_us(1, [(COUNTER, 1)]),
        durations.expected_us(1, [(COUNTER, 2)]),
        durations.expected_us(1, []),
    )


def test_a_reader_that_is_added_serves_who_waits() -> None:
    members = [reader("a")]
    pool = pool_of(*members)
    pool.acquire(ticket(1), 0)
    pool.acquire(ticket(2, "2"), 0)
    assert [] == pool.rearrange([*members, reader("b")], {}, 5)
    assert pool.state("b") is DeviceState.STARTING
    assert "2" == grant_in(pool.ready("b", 6)).lane


def test_a_reader_that_is_lent_cannot_be_taken_away() -> None:
    pool = pool_of(reader("a"), reader("b"))
    held = grant_in(pool.acquire(ticket(1), 0))
    with pytest.raises(LentError):
        pool.rearrange([reader("b")], {}, 1)
    pool.release(held.lease_id, held.fence, 2, clean=True)
    assert [] == pool.rearrange([reader("b")], {}, 3)
    assert "b" == grant_in(pool.acquire(ticket(2), 4)).device


def test_a_lease_goes_on_while_its_reader_is_moved_to_another_lane() -> None:
    pool = pool_of(reader("a"))
    held = grant_in(pool.acquire(ticket(1), 0))
    pool.rearrange([reader("a", "2")], {}, 1)
    assert pool.renew(held.lease_id, held.fence, TTL_US - 1)
    pool.release(held.lease_id, held.fence, TTL_US, clean=True)
    with pytest.raises(NoneFitsError):
        pool.acquire(ticket(2, "1"), TTL_US)
    assert "a" == grant_in(pool.acquire(ticket(3, "2"), TTL_US)).device


def test_who_waits_for_what_is_taken_away_is_told() -> None:
    pool = pool_of(reader("a"), ready=False)
    pool.acquire(ticket(1), 0)
    assert [Hopeless(ticket(1), gone=True)] == pool.rearrange([reader("a", "2")], {}, 1)
    assert 0 == pool.queue_length


def test_a_lane_that_is_given_a_ready_reader_gets_it_at_once() -> None:
    pool = pool_of(reader("a", pool=COUNTER), reader("b"), rules={"1": LaneRules(("shared",))})
    pool.acquire(ticket(1), 0)
    pool.acquire(ticket(2), 0)
    effects = pool.rearrange([reader("a", pool=COUNTER), reader("b")], {"1": LaneRules(("shared", COUNTER))}, 1)
    assert "a" == grant_in(effects).device
