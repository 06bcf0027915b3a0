"""From the phases of one store to its points: closed loops by lanes, open loops by load. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench.figures import Figure
from tests.bench.rounds import Phase

__all__ = ["Percentiles", "Point", "capacity_per_s", "point"]


@dataclass(frozen=True)
class Percentiles:
    """Times of sales in ms, by nearest rank: each is the time of a sale that really was."""

    p50: float
    p99: float
    p999: float
    longest: float

    @classmethod
    def of(cls, times_ms: Sequence[float]) -> Percentiles:
        """Raises ValueError without times."""
        if not times_ms:
            raise ValueError("no sale ended in the counted time")
        ordered = sorted(times_ms)

        def rank(per_mille: int) -> float:
            return round(ordered[max(0, -(-len(ordered) * per_mille // 1000) - 1)], 2)

        return cls(rank(500), rank(990), rank(999), rank(1000))


@dataclass(frozen=True)
class Point:
    """What one store did with so many lanes, or under such a load, over all rounds."""

    lanes: int
    load: float
    """Sales offered, as a share of what the store could do in the same round; 0: the loop was closed."""
    sales: int
    offered_per_s: Figure
    per_s: Figure
    times_ms: Percentiles
    """Of all rounds together."""
    p99_ms: Figure
    """Round by round: how far they lie apart."""
    cpu_us: Mapping[str, float] = field(default_factory=dict)
    """CPU per sale of each process, those beside the chain too."""


def capacity_per_s(closed: Sequence[Phase]) -> float:
    """What the store could do: the most sales per second of any number of lanes."""
    return max(len(phase.times_ms) / phase.seconds for phase in closed)


def point(phases: Sequence[Phase], load: float = 0.0) -> Point:
    """The same phase of each round; in an open loop, at `load` of the store's capacity."""
    return Point(
        lanes=phases[0].lanes,
        load=load,
        sales=sum(len(phase.times_ms) for phase in phases),
        offered_per_s=_over([phase.offered_per_s for phase in phases]),
        per_s=_over([len(phase.times_ms) / phase.seconds for phase in phases]),
        times_ms=Percentiles.of([time for phase in phases for time in phase.times_ms]),
        p99_ms=_over([Percentiles.of(phase.times_ms).p99 for phase in phases]),
        cpu_us=_cpu_us(phases),
    )


def _cpu_us(phases: Sequence[Phase]) -> dict[str, float]:
    names = {**phases[0].cpu_s, **phases[0].beside_cpu_s}
    return {
        name: round(
            statistics.median(
                (phase.cpu_s | phase.beside_cpu_s)[name] * 1e6 / len(phase.times_ms) for phase in phases
            ),
            1,
        )
        for name in names
    }  # fmt: skip


def _over(values: Sequence[float]) -> Figure:
    return Figure.of([round(value, 2) for value in values])
