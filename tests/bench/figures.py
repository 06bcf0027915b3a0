"""From phases to figures: the median of the rounds, and how far they lie apart. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.rounds import LANES, Phase

__all__ = [
    "FOREIGN_LIMIT",
    "Figure",
    "Round",
    "cpu_us",
    "cpu_us_by_process",
    "figures",
    "last_line",
    "p50",
    "per_s",
    "spoiled",
]

FOREIGN_LIMIT = 0.10
"""Rounds in which others used more of the machine than this are named."""

Round = Sequence[Phase]


@dataclass(frozen=True)
class Figure:
    """One figure over all rounds."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """One value for each round."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.lowest:.3g} to {self.highest:.3g})"


def figures(rounds: Sequence[Round]) -> dict[str, Figure]:
    """Every figure by name. Ratios are taken within a round, so that a slow minute meets both sides."""
    wanted: dict[str, Callable[[Round], float]] = {
        "chain_c1_p50_ms": lambda told: p50(told, "chain", 1),
        "chain_c1_p99_ms": lambda told: percentile(told, "chain", 1, 99),
        "floor_c1_p50_ms": lambda told: p50(told, "floor", 1),
        "plain_c1_p50_ms": lambda told: p50(told, "plain", 1),
        "floor_ratio": lambda told: p50(told, "chain", 1) / p50(told, "floor", 1),
        "chain_c64_per_s": lambda told: per_s(told, "chain"),
        "chain_c64_p50_ms": lambda told: p50(told, "chain", LANES),
        "chain_c64_p99_ms": lambda told: percentile(told, "chain", LANES, 99),
        "plain_c64_per_s": lambda told: per_s(told, "plain"),
        "plain_ratio": lambda told: per_s(told, "chain") / per_s(told, "plain"),
        "chain_cpu_us": lambda told: cpu_us(told, "chain"),
        "plain_cpu_us": lambda told: cpu_us(told, "plain"),
        "foreign_share": lambda told: max(phase.foreign for phase in told),
    }
    return {name: _over(rounds, figure) for name, figure in wanted.items()}


def last_line(told: dict[str, Figure]) -> str:
    """The line that scripts read."""
    return (
        f"bench: c1_p50_ms={told['chain_c1_p50_ms'].median:.2f} floor_ratio={told['floor_ratio'].median:.2f} "
        f"c64_per_s={told['chain_c64_per_s'].median:.0f} plain_ratio={told['plain_ratio'].median:.2f} "
        f"cpu_us={told['chain_cpu_us'].median:.0f}"
    )


def spoiled(rounds: Sequence[Round]) -> list[str]:
    """Phases that others disturbed, one sentence each."""
    return [
        f"round {number}, {phase.chain} with {phase.lanes} lanes: others used {phase.foreign:.0%} of the machine"
        for number, told in enumerate(rounds, 1)
        for phase in told
        if phase.foreign > FOREIGN_LIMIT
    ]


def p50(told: Round, chain: str, lanes: int) -> float:
    return statistics.median(_phase(told, chain, lanes).times_ms)


def percentile(told: Round, chain: str, lanes: int, percent: int) -> float:
    times = _phase(told, chain, lanes).times_ms
    return statistics.quantiles(times, n=100)[percent - 1]


def per_s(told: Round, chain: str) -> float:
    phase = _phase(told, chain, LANES)
    return len(phase.times_ms) / phase.seconds


def cpu_us(told: Round, chain: str) -> float:
    """CPU of the chain's own processes per approval, under load."""
    phase = _phase(told, chain, LANES)
    return sum(phase.cpu_s.values()) * 1e6 / len(phase.times_ms)


def cpu_us_by_process(rounds: Sequence[Round], chain: str) -> dict[str, Figure]:
    """The same for each process, those beside the chain too."""

    def one(name: str) -> Callable[[Round], float]:
        def figure(told: Round) -> float:
            phase = _phase(told, chain, LANES)
            return (phase.cpu_s | phase.beside_cpu_s)[name] * 1e6 / len(phase.times_ms)

        return figure

    first = _phase(rounds[0], chain, LANES)
    return {name: _over(rounds, one(name)) for name in (*first.cpu_s, *first.beside_cpu_s)}


def _phase(told: Round, chain: str, lanes: int) -> Phase:
    return next(phase for phase in told if (phase.chain, phase.lanes) == (chain, lanes))


def _over(rounds: Sequence[Round], figure: Callable[[Round], float]) -> Figure:
    return Figure.of([figure(told) for told in rounds])
