"""A failure is repeated by its number: the same seed makes the same run, to the last line of its trace."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.plan import plan_of
from tests.simulation.world import run

ROOT = Path(__file__).parents[2]
PROGRAM = (
    "from tests.simulation.plan import plan_of; from tests.simulation.world import run; print(run(plan_of({})).digest)"
)


@pytest.mark.parametrize("seed", [3, 67, 523, 964])
def test_the_same_seed_gives_the_same_trace(seed: int) -> None:
    """Within one process, whether the story is kept or not."""
    assert run(plan_of(seed)).digest == run(plan_of(seed), keep=True).digest


def test_another_process_gives_the_same_trace() -> None:
    """Nothing of the machine, its clock or Python's hashes gets in."""
    command = [sys.executable, "-c", PROGRAM.format(67)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"})
    assert run(plan_of(67)).digest == told.stdout.strip()


def test_another_seed_gives_another_trace() -> None:
    """Seeds are not all the same run."""
    assert len({run(plan_of(seed)).digest for seed in range(10)}) == 10
