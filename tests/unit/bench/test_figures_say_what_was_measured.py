"""Figures are medians over rounds, ratios are taken within a round, and the last line is for scripts."""

from __future__ import annotations

import re

import pytest

from tests.bench.figures import Figure, cpu_us_by_process, figures, last_line, spoiled
from tests.bench.hops import ROOT, Call, Sync, sale
from tests.bench.rounds import LANES, Phase


def told(chain_ms: float, floor_ms: float, chain_sales: int, plain_sales: int, foreign: float = 0.0) -> list[Phase]:
    """A round of 10 s phases."""
    return [
        Phase("chain", 1, [chain_ms] * 9, 10.0, {"gateway": 1.0}, {}, foreign),
        Phase("floor", 1, [floor_ms] * 9, 10.0, {"gateway": 1.0}, {}, 0.0),
        Phase("plain", 1, [5.0] * 9, 10.0, {"gateway": 1.0}, {}, 0.0),
        Phase("chain", LANES, [40.0] * chain_sales, 10.0, {"gateway": 4.0, "transaction": 8.0}, {"load": 2.4}, 0.0),
        Phase("plain", LANES, [30.0] * plain_sales, 10.0, {"gateway": 9.0}, {"load": 2.0}, 0.0),
    ]


def test_a_figure_is_the_median_of_the_rounds_with_its_spread() -> None:
    """One slow round moves the spread, not the figure."""
    rounds = [told(3.0, 1.0, 100, 100), told(4.0, 1.0, 100, 100), told(90.0, 1.0, 100, 100)]
    assert Figure(4.0, 3.0, 90.0) == figures(rounds)["chain_c1_p50_ms"]


def test_a_ratio_is_taken_within_a_round() -> None:
    """A round in which the whole machine was three times slower says the same as the others."""
    rounds = [told(3.0, 1.0, 100, 200), told(9.0, 3.0, 30, 60), told(3.0, 1.0, 100, 200)]
    assert Figure(3.0, 3.0, 3.0) == figures(rounds)["floor_ratio"]
    assert Figure(0.5, 0.5, 0.5) == figures(rounds)["plain_ratio"]


def test_cpu_is_that_of_an_approval_under_load() -> None:
    """12 s of CPU for 24,000 approvals are 500 µs each; the load's own are told apart."""
    rounds = [told(3.0, 1.0, 24_000, 100)]
    assert 500.0 == figures(rounds)["chain_cpu_us"].median
    by_process = {name: round(figure.median) for name, figure in cpu_us_by_process(rounds, "chain").items()}
    assert {"gateway": 167, "transaction": 333, "load": 100} == by_process


def test_the_last_line_has_its_five_figures_and_nothing_else() -> None:
    """Scripts read this line."""
    line = last_line(figures([told(3.14159, 1.0, 24_000, 48_000)]))
    assert "bench: c1_p50_ms=3.14 floor_ratio=3.14 c64_per_s=2400 plain_ratio=0.50 cpu_us=500" == line
    assert re.fullmatch(r"bench: c1_p50_ms=\S+ floor_ratio=\S+ c64_per_s=\S+ plain_ratio=\S+ cpu_us=\S+", line)


@pytest.mark.parametrize(("foreign", "said"), [(0.0, 0), (0.10, 0), (0.11, 1)])
def test_a_disturbed_phase_is_named(foreign: float, said: int) -> None:
    """A figure measured beside other work is not passed off as a clean one."""
    sentences = spoiled([told(3.0, 1.0, 100, 100, foreign)])
    assert said == len(sentences)
    assert all("round 1, chain with 1 lanes" in sentence for sentence in sentences)


def test_the_floor_makes_every_hop_of_a_sale_and_every_sync() -> None:
    """Each piece of work is asked for exactly once; the journal is synced twice, the host's ledger once."""
    plan = sale()
    steps = [step for work in plan.values() for step in (*work.steps, *work.after)]
    assert sorted(plan.keys() - {ROOT}) == sorted(step.work for step in steps if isinstance(step, Call))
    synced = [work.service for work in plan.values() for step in work.steps if isinstance(step, Sync)]
    assert ["transaction", "transaction", "host"] == synced
