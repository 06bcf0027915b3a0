"""The shell has one way to carry out each effect that the table may ask for."""

from __future__ import annotations

from typing import get_args

from tpayd.transaction.effects import Effect
from tpayd.transaction.steps.work import Work


def test_each_effect_is_waited_for_or_done_at_once() -> None:
    """And none is both."""
    assert sorted(kind.__name__ for kind in get_args(Effect)) == sorted(
        kind.__name__ for table in (Work.STEPS, Work.ACTS) for kind in table
    )
