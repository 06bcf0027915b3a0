"""A verdict's wait counts from the moment at which all that was wrong meanwhile is over."""

from __future__ import annotations

import pytest

from tests.torture.recovery import Outage, longest_wait
from tests.torture.told import Told

DEATH = Outage("transaction", 10.0, 12.0, death=True)


def told(began_s: float, told_s: float) -> Told:
    return Told("1", "a", 10_000, "PAID", "approved", began_s, told_s)


@pytest.mark.parametrize(
    ("payment", "outages", "wait_s"),
    [
        (told(9.0, 13.5), [DEATH], 1.5),
        (told(9.0, 11.0), [DEATH], 0.0),
        (told(11.0, 19.0), [DEATH], 0.0),
        (told(9.0, 13.5), [DEATH, Outage("gateway", 12.5, 13.0, death=True)], 0.5),
        (told(9.0, 13.5), [DEATH, Outage("reader", 11.0, 13.4, death=False)], 0.1),
        (told(9.0, 13.5), [Outage("reader", 10.0, 12.0, death=False)], 0.0),
        (told(9.0, 13.5), [Outage("gateway", 1.0, 2.0, death=True)], 0.0),
    ],
    ids=["open", "told-meanwhile", "began-later", "two-deaths", "still-unplugged", "nobody-died", "long-ago"],
)
def test_wait(payment: Told, outages: list[Outage], wait_s: float) -> None:
    """Only payments that were open at a death count."""
    assert wait_s == pytest.approx(longest_wait([payment], outages)[0])
