"""A short day of a store with 8 lanes and 3 readers, by the command line alone; `make shop-day` is a long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.day import live

PAYMENTS = 32


@pytest.mark.alone
@pytest.mark.timeout(400)
def test_no_payment_is_lost_while_readers_come_and_go(tmp_path: Path) -> None:
    """Readers are found, given their keys and tested; one is pulled out and another put in while all lanes sell."""
    day = live(tmp_path / "store", lanes=8, readers=3, payments=PAYMENTS, say=print)
    assert () == day.lost
    assert PAYMENTS == len(day.told) + len(day.refused)
    assert day.most_overtaken <= 1
    assert sum(told.verdict == "PAID" for told in day.told) > PAYMENTS // 2
