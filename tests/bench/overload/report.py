"""What was promised, and what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.figures import FOREIGN_LIMIT
from tests.bench.overload.tally import Tally

__all__ = ["Report"]

BUSY_LIMIT_MS = 50.0
"""99 % of refusals come within this time."""
KEEPS_RATIO = 1.5
"""An accepted payment may take so many times as long as at capacity: the refusals share the machine."""
RECOVERY_LIMIT_MS = 250.0
"""After this time with half the load, nothing may be refused any more."""


@dataclass(frozen=True)
class Report:
    """One run."""

    times: float
    capacity: Tally
    before: Tally
    overload: Tally
    after: Tally
    used: Sequence[Mapping[str, float]]
    """CPU seconds of each process, in each of the four phases."""
    disagreements: Sequence[str]
    foreign: float

    def figures(self) -> dict[str, float]:
        """All that was measured, by name."""
        over, full = self.overload, self.capacity
        return {
            "times": self.times,
            "capacity_per_s": full.paid_per_s,
            "capacity_p50_ms": full.paid_ms(50),
            "capacity_p99_ms": full.paid_ms(99),
            "asked_per_s": over.asked / over.seconds,
            "accepted_per_s": over.paid_per_s,
            "accepted_p50_ms": over.paid_ms(50),
            "accepted_p99_ms": over.paid_ms(99),
            "busy_per_s": len(over.busy) / over.seconds,
            "busy_p50_ms": over.busy_ms(50),
            "busy_p99_ms": over.busy_ms(99),
            "busy_max_ms": over.busy_ms(100),
            "no_lane": over.no_lane,
            "before_p50_ms": self.before.paid_ms(50),
            "before_p99_ms": self.before.paid_ms(99),
            "after_p50_ms": self.after.paid_ms(50),
            "after_p99_ms": self.after.paid_ms(99),
            "recovery_ms": self.after.last_busy_ms,
            "wrong": len(self._wrong()),
            "foreign_share": self.foreign,
        }

    def broken(self) -> list[str]:
        """Promises that were not kept, one sentence each."""
        told = self.figures()
        found = self._wrong()
        if self.capacity.busy:
            found.append(f"{len(self.capacity.busy)} sales were refused at capacity, where everybody fits")
        if told["busy_p99_ms"] > BUSY_LIMIT_MS:
            found.append(f"busy took {told['busy_p99_ms']:.0f} ms (99 %); {BUSY_LIMIT_MS:.0f} ms are promised")
        for percent in ("p50", "p99"):
            now, then = told[f"accepted_{percent}_ms"], told[f"capacity_{percent}_ms"]
            if now > KEEPS_RATIO * then:
                found.append(f"accepted payments took {now:.0f} ms ({percent}), {then:.0f} ms at capacity")
        if self.overload.no_lane:
            found.append(f"{self.overload.no_lane} sales found no lane free: the store answered too late")
        if told["recovery_ms"] > RECOVERY_LIMIT_MS:
            found.append(f"busy was said until {told['recovery_ms']:.0f} ms after the load had dropped")
        return found

    def lines(self) -> Iterator[str]:
        """For people."""
        for name, tally in (
            ("capacity", self.capacity), ("half", self.before), (f"{self.times:g} times", self.overload),
            ("half again", self.after),
        ):  # fmt: skip
            yield (
                f"{name:11} asked {tally.asked / tally.seconds:7.0f}/s, paid {tally.paid_per_s:6.0f}/s in "
                f"{tally.paid_ms(50):4.0f} / {tally.paid_ms(99):4.0f} ms (50 / 99 %), "
                f"busy {len(tally.busy) / tally.seconds:6.0f}/s in {tally.busy_ms(50):.1f} / {tally.busy_ms(99):.1f} / "
                f"{tally.busy_ms(100):.1f} ms (50 / 99 / 100 %), no lane free {tally.no_lane}"
            )
        if self.foreign > FOREIGN_LIMIT:
            yield f"disturbed: others used {self.foreign:.0%} of the machine"
        for name, used, tally in zip(
            ("capacity", "half", "overload", "half again"), self.used,
            (self.capacity, self.before, self.overload, self.after), strict=True,
        ):  # fmt: skip
            shares = ", ".join(f"{process} {spent / tally.seconds:.0%}" for process, spent in used.items())
            yield f"{name:11} of one processor: {shares}"
        yield from (f"NOT KEPT: {sentence}" for sentence in self.broken())

    def last_line(self) -> str:
        """The line that scripts read."""
        told = self.figures()
        return (
            f"bench-overload: capacity_per_s={told['capacity_per_s']:.0f} asked_per_s={told['asked_per_s']:.0f} "
            f"accepted_per_s={told['accepted_per_s']:.0f} busy_p99_ms={told['busy_p99_ms']:.1f} "
            f"busy_max_ms={told['busy_max_ms']:.1f} "
            f"accepted_p50_ratio={told['accepted_p50_ms'] / (told['capacity_p50_ms'] or 1):.2f} "
            f"accepted_p99_ratio={told['accepted_p99_ms'] / (told['capacity_p99_ms'] or 1):.2f} "
            f"recovery_ms={told['recovery_ms']:.0f} wrong={told['wrong']:.0f}"
        )

    def _wrong(self) -> list[str]:
        found = [
            sentence
            for tally in (self.capacity, self.before, self.overload, self.after)
            for sentence in tally.findings()
        ]
        return found + list(self.disagreements)
