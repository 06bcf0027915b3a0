"""A point of the matrix is all rounds together, and a percentile is the time of a sale that really was."""

from __future__ import annotations

import pytest

from tests.bench.figures import Figure
from tests.bench.rounds import Phase
from tests.bench.summary import Percentiles, capacity_per_s, point


def phase(times_ms: list[float], *, lanes: int = 64, offered_per_s: float = 0.0) -> Phase:
    """Ten seconds."""
    return Phase("chain", lanes, times_ms, 10.0, {"gateway": 0.1}, {"load": 0.01}, 0.0, offered_per_s)


def test_a_percentile_is_the_time_that_so_many_sales_did_not_exceed() -> None:
    """Nearest rank: of 1,000 sales 500, 990 and 999 were as fast or faster."""
    assert Percentiles(500.0, 990.0, 999.0, 1000.0) == Percentiles.of([float(n) for n in range(1000, 0, -1)])
    assert Percentiles(7.0, 7.0, 7.0, 7.0) == Percentiles.of([7.0])


def test_no_sale_is_no_figure() -> None:
    """A chain that did nothing has no median."""
    with pytest.raises(ValueError, match="no sale ended"):
        Percentiles.of([])


def test_the_times_of_all_rounds_count_together() -> None:
    """One bad round of three is a third of the sales, and the spread shows it."""
    told = point([phase([1.0] * 100), phase([1.0] * 100), phase([9.0] * 100)])
    assert (300, 1.0, 9.0) == (told.sales, told.times_ms.p50, told.times_ms.p99)
    assert Figure(1.0, 1.0, 9.0) == told.p99_ms
    assert {"gateway": 1000.0, "load": 100.0} == told.cpu_us


def test_an_open_loop_says_what_was_offered_beside_what_was_done() -> None:
    """A store that did not keep up is seen."""
    told = point([phase([1.0] * 80, offered_per_s=10.0)], load=0.75)
    assert (0.75, 10.0, 8.0) == (told.load, told.offered_per_s.median, told.per_s.median)


def test_capacity_is_the_most_that_any_number_of_lanes_got() -> None:
    """More lanes can be slower."""
    assert 9.0 == capacity_per_s([phase([1.0] * 20, lanes=1), phase([1.0] * 90), phase([1.0] * 70, lanes=256)])
