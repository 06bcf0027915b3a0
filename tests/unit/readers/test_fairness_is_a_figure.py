"""What the pool did in the last hour can be read in figures whose meaning is written down."""

from __future__ import annotations

import pytest

from tests.unit.readers.test_the_pool_gives_fair_turns import grant_in, pool_of, reader, ticket
from tpayd.device_broker.figures import WINDOW_US, Figures, Stand, Waits, fairness, jain, most_overtaken, shares, waits
from tpayd_contracts.device import DeviceState


def stand(lane: str, waited_us: int = 0, **more: object) -> Stand:
    return Stand(1, lane, "shared", waited_us, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "index"),
    [([], None), ([0.0, 0.0], None), ([0.5], 1.0), ([0.3, 0.3, 0.3], 1.0), ([1.0, 0.0], 0.5), ([4.0, 2.0], 0.9)],
)
def test_jains_index(values: list[float], index: float | None) -> None:
    assert index == (None if index is None else pytest.approx(jain(values)))


def test_a_share_is_turns_got_of_turns_stood_in_line_for() -> None:
    """Lane 1 got two turns while another got two before it; lane 2 gave up after three turns of others."""
    found = shares([stand("1", 5, passed_by=1), stand("1", 9, passed_by=1), stand("2", 7, passed_by=3, served=False)])
    assert [("1", 2, 0, 2, 5, 9), ("2", 0, 1, 3, 0, 0)] == [
        (one.lane, one.turns, one.given_up, one.passed_by, one.wait_median_us, one.wait_longest_us) for one in found
    ]
    assert [0.5, 0.0] == [one.share for one in found]


def test_lanes_are_compared_with_those_of_their_own_priority() -> None:
    """What a priority gives is wanted; what happens to two lanes of one priority is not."""
    urgent = [stand("1", priority=5), stand("2", priority=5)]
    patient = [stand("3", passed_by=9), stand("4", passed_by=9)]
    starving = [stand("5", passed_by=9, served=False)]
    assert (1.0, 1.0) == (fairness(shares(urgent + patient)), fairness(shares(patient)))
    assert pytest.approx(2 / 3) == fairness(shares(urgent + patient + starving))
    assert fairness([]) is None


def test_waits_are_of_those_who_were_served() -> None:
    stands = [stand("1", waited) for waited in range(1, 101)] + [stand("2", 500, served=False)]
    assert Waits(50, 95, 100) == waits(stands)
    assert Waits(0, 0, 0) == waits([])


def test_only_the_last_hour_counts() -> None:
    figures = Figures()
    figures.note(Stand(10, "1", "shared", 0))
    figures.note(Stand(20, "2", "far", 0))
    assert ["1", "2"] == [one.lane for one in figures.stands(10 + WINDOW_US)]
    assert ["2"] == [one.lane for one in figures.stands(11 + WINDOW_US)]
    assert ["2"] == [one.lane for one in figures.stands(20, lambda group: group == "far")]


def test_lanes_that_ask_alike_are_served_alike() -> None:
    """Eight lanes at one reader, each asking again at once: the figure is 1.0, and nobody was overtaken twice."""
    pool = pool_of(reader("a"))
    held = grant_in(pool.acquire(ticket(0, "0"), 0))
    for number in range(1, 8):
        pool.acquire(ticket(number, str(number)), 0)
    for number in range(8, 88):
        pool.acquire(ticket(number, held.lane), number)
        held = grant_in(pool.release(held.lease_id, held.fence, number, clean=True))
    stands = pool.figures.stands(100)
    assert jain([one.share for one in shares(stands)]) == pytest.approx(1.0, abs=0.01)
    assert 1 == most_overtaken(stands)


def test_groups_tell_their_readers_and_queues() -> None:
    pool = pool_of(reader("a"), reader("b"), reader("own", "1"), reader("c", pool="far"))
    pool.bar({"b"}, 0)
    pool.unready("c", DeviceState.ABSENT, 0)
    held = [grant_in(pool.acquire(ticket(number), 0)) for number in (1, 2)]
    pool.acquire(ticket(3), 0)
    pool.release(held[0].lease_id, held[0].fence, 40, clean=False)
    told = {one.group: one for one in pool.groups()}
    assert {"shared", "lane:1", "far"} == told.keys()
    assert ({DeviceState.LEASED: 1, DeviceState.READY: 1}, 1, 1) == (
        told["shared"].states, told["shared"].barred, told["shared"].queue,
    )  # fmt: skip
    assert (1, 40) == (told["lane:1"].queue, told["lane:1"].lease_mean_us)
    assert ({DeviceState.ABSENT: 1}, 0) == (told["far"].states, told["far"].queue)
