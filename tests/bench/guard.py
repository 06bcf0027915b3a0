"""Whether the chain has become slower than it was recorded, as far as one short run can say. Pure.

Only ratios within one run are compared, so that it does not matter how fast the machine is. A round in which others
used the machine, or its disk was slow, says nothing. Of the others the best one counts for each ratio: noise makes a
chain slower, never faster. And a ratio may be worse than recorded by a margin, which is as wide as quiet rounds of the
same code were apart.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from tests.bench.figures import FOREIGN_LIMIT, Round, cpu_us, p50, per_s

__all__ = ["RATIOS", "Judgement", "Looked", "Record", "Verdict", "judge", "ratios"]

SYNC_LIMIT_US = 3_000.0
"""With a disk slower than this, syncs are all that a round measures."""
CLEAN_ROUNDS = 2
"""So many rounds have to be undisturbed."""


class Better(enum.Enum):
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True)
class Ratio:
    """One that is guarded."""

    better: Better
    margin: float
    """How many times worse than recorded it may be."""
    cpus_matter: bool
    """Whether it depends on the number of processors."""


RATIOS = {
    "floor_ratio": Ratio(Better.LOW, 1.5, cpus_matter=True),
    "plain_ratio": Ratio(Better.HIGH, 1.6, cpus_matter=True),
    "cpu_ratio": Ratio(Better.LOW, 1.35, cpus_matter=False),
}
"""`cpu_ratio`: CPU of an approval, tpayd's five processes to the plain chain's four."""


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """What an earlier run gave: the medians of its rounds."""

    cpus: int
    ratios: dict[str, float]


@dataclass(frozen=True)
class Looked:
    """A round, and the time of a sync before it."""

    phases: Round
    sync_us: float

    @property
    def disturbed(self) -> str:
        """By what; empty if by nothing."""
        foreign = max(phase.foreign for phase in self.phases)
        if foreign > FOREIGN_LIMIT:
            return f"others used {foreign:.0%} of the machine"
        if self.sync_us > SYNC_LIMIT_US:
            return f"a sync took {self.sync_us / 1000:.1f} ms"
        return ""


class Verdict(enum.Enum):
    OK = "ok"
    SLOWER = "slower"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    sentences: Sequence[str]
    """One for each ratio, or why there is no judgement."""


def ratios(told: Round) -> dict[str, float]:
    """Those of one round."""
    return {
        "floor_ratio": p50(told, "chain", 1) / p50(told, "floor", 1),
        "plain_ratio": per_s(told, "chain") / per_s(told, "plain"),
        "cpu_ratio": cpu_us(told, "chain") / max(cpu_us(told, "plain"), 1.0),
    }


def judge(rounds: Sequence[Looked], record: Record, cpus: int) -> Judgement:
    """What the undisturbed rounds say. Ratios that depend on the number of processors are compared on as many only."""
    clean = [looked for looked in rounds if not looked.disturbed]
    if len(clean) < CLEAN_ROUNDS:
        why = [f"round {number}: {looked.disturbed}" for number, looked in enumerate(rounds, 1) if looked.disturbed]
        return Judgement(Verdict.NOT_JUDGED, why)
    told = [ratios(looked.phases) for looked in clean]
    sentences, slower = [], False
    for name, ratio in RATIOS.items():
        if ratio.cpus_matter and cpus != record.cpus:
            sentences.append(f"{name} not compared: recorded on {record.cpus} processors, here are {cpus}")
            continue
        best = _best(ratio, [one[name] for one in told])
        limit = _limit(ratio, record.ratios, name)
        worse = best > limit if ratio.better is Better.LOW else best < limit
        slower = slower or worse
        sentences.append(
            f"{name} {best:.2f}, recorded {record.ratios[name]:.2f}, limit {limit:.2f}{': SLOWER' if worse else ''}"
        )
    return Judgement(Verdict.SLOWER if slower else Verdict.OK, sentences)


def _best(ratio: Ratio, values: Sequence[float]) -> float:
    return min(values) if ratio.better is Better.LOW else max(values)


def _limit(ratio: Ratio, recorded: Mapping[str, float], name: str) -> float:
    return recorded[name] * ratio.margin if ratio.better is Better.LOW else recorded[name] / ratio.margin
