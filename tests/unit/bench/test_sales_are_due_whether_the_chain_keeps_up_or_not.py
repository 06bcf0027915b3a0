"""In an open loop nothing that the chain does moves the time at which a sale is due."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest

from tests.bench.pace import Due, due_times

_S = 1_000_000_000


def test_sales_come_at_the_rate_that_is_asked_for_the_same_way_in_each_run() -> None:
    """100 a second are 10,000 in 100 s, but for chance (four standard deviations); two runs are the same."""
    times = list(islice(due_times(100.0), 10_000))
    assert 100 * _S == pytest.approx(times[-1], rel=0.04)
    assert times == sorted(times)
    assert times == list(islice(due_times(100.0), 10_000))


def test_they_come_at_random_as_customers_do() -> None:
    """Times between are exponential: as many as 1 - 1/e of them are shorter than the mean."""
    times = list(islice(due_times(1.0), 10_001))
    shorter = sum(1 for one, next_one in pairwise(times) if next_one - one < _S)
    assert 6_321 == pytest.approx(shorter, abs=200)


def test_a_late_load_finds_every_sale_at_the_time_it_was_due() -> None:
    """Whoever looks late takes them one after the other, each with its own time."""
    due = Due(iter([10, 20, 30, 99]), begins_ns=1_000, ends_ns=1_050)
    assert [1_010, 1_020, 1_030, None] == [due.take(1_040) for _ in range(4)]


def test_nothing_is_taken_before_its_time_or_after_the_end() -> None:
    """The wait is that to the next sale, or to the end."""
    due = Due(iter([_S, 3 * _S]), begins_ns=0, ends_ns=2 * _S)
    assert (None, 0.25) == (due.take(3 * _S // 4), due.wait_s(3 * _S // 4))
    assert _S == due.take(_S)
    assert (None, 1.0) == (due.take(_S), due.wait_s(_S))
    assert (None, 0.0) == (due.take(4 * _S), due.wait_s(4 * _S))
