"""How long things took, counted into buckets: a histogram that costs one search and two additions.

A histogram of prometheus_client costs several microseconds for each value, and a payment has many. The metric is made
from this when somebody scrapes.
"""

from __future__ import annotations

from bisect import bisect_left

__all__ = ["BUCKETS_S", "Timings"]

BUCKETS_S = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
"""From a hop between two processes (0.1 ms) to a customer who looks for the card (30 s)."""


class Timings:
    """Durations of one kind, in seconds."""

    __slots__ = ("buckets", "total_s")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BUCKETS_S) + 1)
        self.total_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self.total_s += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Upper bounds and how many lie below each, as `HistogramMetricFamily.add_metric` takes them."""
        total = 0
        rows: list[tuple[str, float]] = []
        for bound, count in zip((*BUCKETS_S, float("inf")), list(self.buckets), strict=True):
            total += count
            rows.append(("+Inf" if bound == float("inf") else str(bound), total))
        return rows
