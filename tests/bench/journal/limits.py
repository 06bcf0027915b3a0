"""What is promised of a journal of ten million rows, and what was kept of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["LIMITS", "Limit", "broken"]


@dataclass(frozen=True)
class Limit:
    """The most that a figure may be."""

    most: float
    what: str


LIMITS: Mapping[str, Limit] = {
    "status_new_p99_ms": Limit(50, "status of a payment of today"),
    "status_old_p99_ms": Limit(50, "status of a payment of the oldest day"),
    "explain_p99_ms": Limit(150, "the story of a payment"),
    "search_ms": Limit(2_000, "a payment of which only its own id is known, in all lanes"),
    "totals_ms": Limit(2_000, "totals of the present day"),
    "totals_old_ms": Limit(2_000, "totals of a day months ago"),
    "close_ms": Limit(5_000, "close of the present day, the host asked for each terminal"),
    "start_s": Limit(5, "from the start of transaction to its health's answer"),
    "sale_p50_ratio": Limit(1.5, "a sale, compared with the same store with an empty journal"),
    "purging_gap_ms": Limit(500, "the longest time a lane waited for a sale while old payments were purged"),
    "purging_p50_ratio": Limit(1.5, "a sale while old payments are purged, compared with the same store at rest"),
    "bytes_per_payment": Limit(4_000, "room on disk for each payment"),
    "verify_lane_s": Limit(900, "a walk over one lane"),
}
"""By figure. Times are generous for a machine of two processors that others use too."""


def broken(figures: Mapping[str, float]) -> list[str]:
    """Promises that were not kept, one sentence each; what was not measured is not judged."""
    return [
        f"{name} is {figures[name]:,.4g}; {limit.most:,.4g} is promised: {limit.what}"
        for name, limit in LIMITS.items()
        if name in figures and figures[name] > limit.most
    ]
