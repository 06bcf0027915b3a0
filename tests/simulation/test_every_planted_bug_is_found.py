"""A simulation that finds nothing proves nothing: each deliberate fault is found, within a bounded number of seeds."""

import pytest

from tests.simulation.crowd import hunt_all
from tests.simulation.planting import Patch, bugs


def test_there_are_enough_of_them() -> None:
    """At least twenty, each with the promise that it breaks."""
    assert len(bugs()) >= 20
    assert all(bug.breaks and bug.patches for bug in bugs())


@pytest.mark.timeout(1200)
def test_each_is_found() -> None:
    """By a seed whose number is told."""
    assert [] == [f"{find.bug.name}: {find.violation}" for find in hunt_all(workers=1) if find.seed is None]


def test_a_bug_whose_words_are_gone_is_told() -> None:
    """When the product changes, a planted bug that would change nothing any more fails, and does not pass unnoticed."""
    with pytest.raises(ValueError, match="renew the planted bug"):
        Patch("tpayd.transaction.flow.table", "no such words", "other words").applied("source")
