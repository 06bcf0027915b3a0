"""Every request and what became of it: an answer of a known kind, or a finding. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

__all__ = ["Sale", "Tally", "percentile_ms", "told_paid", "told_twice"]

PAID = "PAID"
BUSY = "busy"
_NS_PER_MS = 1e6


class Sale(msgspec.Struct):
    """One request. Times are of one monotonic clock, in nanoseconds."""

    lane: str
    key: str
    amount_minor: int
    due_ns: int
    """When the timetable wanted it: its time counts from here, so that a late sender hides nothing."""
    answered_ns: int = 0
    answer: str = ""
    """The verdict, or the error's code; empty: none came."""
    outcome: str = ""
    """An error's outcome; a verdict's reason."""

    @property
    def took_ms(self) -> float:
        return (self.answered_ns - self.due_ns) / _NS_PER_MS


def percentile_ms(times: Sequence[float], percent: float) -> float:
    """Nearest rank; 0 where there are none."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0


@dataclass
class Tally:
    """The requests of one phase."""

    name: str
    began_ns: int
    ended_ns: int
    asked: int
    """Requests that the timetable held."""
    no_lane: int
    """Those that could not be sent, because every lane still waited for an answer."""
    sales: list[Sale] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return (self.ended_ns - self.began_ns) / 1e9

    @property
    def paid(self) -> list[Sale]:
        return told_paid(self.sales)

    @property
    def busy(self) -> list[Sale]:
        """Refused, and certain that nothing has happened."""
        return [sale for sale in self.sales if (sale.answer, sale.outcome) == (BUSY, "not_started")]

    @property
    def paid_per_s(self) -> float:
        """Payments that ended within the phase, whenever they began."""
        return sum(self.began_ns <= sale.answered_ns < self.ended_ns for sale in self.paid) / self.seconds

    def paid_ms(self, percent: float) -> float:
        return percentile_ms([sale.took_ms for sale in self.paid], percent)

    def busy_ms(self, percent: float) -> float:
        return percentile_ms([sale.took_ms for sale in self.busy], percent)

    @property
    def last_busy_ms(self) -> float:
        """How long after its begin the phase's last `busy` came; 0: none."""
        return max((sale.answered_ns - self.began_ns for sale in self.busy), default=0) / _NS_PER_MS

    def findings(self) -> list[str]:
        """What must not be: anything but PAID or busy, or no answer at all."""
        counts = Counter((sale.answer or "no answer", sale.outcome) for sale in self.sales)
        found = [
            f"{self.name}: {count} x {answer} {outcome}".rstrip()
            for (answer, outcome), count in counts.items()
            if (answer, outcome) not in ((PAID, ""), (BUSY, "not_started"))
        ]
        if self.asked != len(self.sales) + self.no_lane:
            found.append(f"{self.name}: {self.asked} asked, {len(self.sales)} sent, {self.no_lane} without a lane")
        return found


def told_paid(sales: Iterable[Sale]) -> list[Sale]:
    """Those whose POS heard PAID."""
    return [sale for sale in sales if sale.answer == PAID]


def told_twice(sales: Iterable[Sale]) -> list[str]:
    """Request ids that were used twice: the bench's own fault, and every figure would be wrong."""
    return [key for key, times in Counter(sale.key for sale in sales).items() if times > 1]
