"""Whatever dies, fails, comes late or twice: after healing the three books say the same."""

import pytest

from tests.simulation.crowd import run_all

SEEDS = 2_000


@pytest.mark.timeout(900)
def test_no_seed_breaks_a_promise() -> None:
    """2,000 runs; `make simulate SEED=…` tells the story of one that fails, `make simulate SEEDS=10000` runs more."""
    failures = [failure for _, failures in run_all(0, SEEDS, workers=1) for failure in failures]
    assert [] == [f"make simulate SEED={failure.seed}  # {failure.violations[0]}" for failure in failures]
