"""A chain that became slower is found; a machine that was busy, slow or another one is told of and blamed on nobody."""

from __future__ import annotations

import pytest

from tests.bench.guard import SYNC_LIMIT_US, Looked, Record, Verdict, judge
from tests.bench.rounds import LANES, Phase

RECORD = Record(cpus=2, ratios={"floor_ratio": 3.0, "plain_ratio": 1.0, "cpu_ratio": 2.0})


def looked(
    chain_ms: float = 3.0,
    chain_sales: int = 1_000,
    chain_cpu_s: float = 2.0,
    *,
    foreign: float = 0.0,
    machine: float = 1.0,
    sync_us: float = 200.0,
) -> Looked:
    """A round on a machine `machine` times as slow; as it was recorded, unless told otherwise."""
    chain_sales, plain_sales = round(chain_sales / machine), round(1_000 / machine)
    chain_cpu_s, plain_cpu_s = chain_cpu_s * chain_sales / 1_000, plain_sales / 1_000
    phases = [
        Phase("chain", 1, [chain_ms * machine] * 9, 1.0, {"gateway": 1.0}, {}, 0.0),
        Phase("floor", 1, [1.0 * machine] * 9, 1.0, {"gateway": 1.0}, {}, 0.0),
        Phase("chain", LANES, [1.0] * chain_sales, 1.0, {"gateway": chain_cpu_s * machine}, {}, foreign),
        Phase("plain", LANES, [1.0] * plain_sales, 1.0, {"gateway": plain_cpu_s * machine}, {}, 0.0),
    ]
    return Looked(phases, sync_us)


def test_what_was_recorded_passes() -> None:
    """Three ratios, each told with its limit."""
    judgement = judge([looked()] * 3, RECORD, cpus=2)
    assert Verdict.OK is judgement.verdict
    assert [
        "floor_ratio 3.00, recorded 3.00, limit 4.50",
        "plain_ratio 1.00, recorded 1.00, limit 0.62",
        "cpu_ratio 2.00, recorded 2.00, limit 2.70",
    ] == judgement.sentences


@pytest.mark.parametrize(
    ("slow", "name"),
    [
        (looked(chain_ms=4.6), "floor_ratio"),
        (looked(chain_sales=620), "plain_ratio"),
        (looked(chain_cpu_s=2.8), "cpu_ratio"),
    ],
    ids=["time of a sale", "sales per second", "CPU of a sale"],
)
def test_a_chain_that_is_slower_in_every_round_is_found(slow: Looked, name: str) -> None:
    """Each of the three by itself."""
    judgement = judge([slow] * 3, RECORD, cpus=2)
    assert Verdict.SLOWER is judgement.verdict
    assert [name] == [sentence.split()[0] for sentence in judgement.sentences if sentence.endswith("SLOWER")]


def test_a_slow_machine_is_no_slow_chain() -> None:
    """Five times slower at everything: the ratios are the same."""
    assert Verdict.OK is judge([looked(machine=5.0)] * 3, RECORD, cpus=2).verdict


def test_one_good_round_is_enough() -> None:
    """Noise makes a chain slower, never faster."""
    assert Verdict.OK is judge([looked(chain_ms=9.0), looked(), looked(chain_ms=9.0)], RECORD, cpus=2).verdict


@pytest.mark.parametrize(
    ("disturbed", "why"),
    [
        (looked(chain_ms=9.0, foreign=0.3), "others used 30% of the machine"),
        (looked(chain_ms=9.0, sync_us=SYNC_LIMIT_US + 1_000), "a sync took 4.0 ms"),
    ],
    ids=["foreign load", "slow disk"],
)
def test_a_disturbed_machine_is_told_and_judges_nobody(disturbed: Looked, why: str) -> None:
    """With fewer than two quiet rounds there is no judgement; with two there is."""
    judgement = judge([disturbed, looked(chain_ms=9.0), disturbed], RECORD, cpus=2)
    assert Verdict.NOT_JUDGED is judgement.verdict
    assert [f"round 1: {why}", f"round 3: {why}"] == judgement.sentences
    assert Verdict.SLOWER is judge([disturbed, looked(chain_ms=9.0), looked(chain_ms=9.0)], RECORD, cpus=2).verdict


def test_another_number_of_processors_leaves_the_cpu_to_be_compared() -> None:
    """Rates and times depend on it; what a sale costs hardly does."""
    assert Verdict.OK is judge([looked(chain_ms=9.0, chain_sales=100)] * 2, RECORD, cpus=16).verdict
    assert Verdict.SLOWER is judge([looked(chain_cpu_s=4.0)] * 2, RECORD, cpus=16).verdict
