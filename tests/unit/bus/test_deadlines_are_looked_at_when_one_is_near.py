"""One timer ends all requests of a caller: seldom while all have time, and never late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from tpayd.kit.bus import limits
from tpayd.kit.bus.pending import Pending, PendingTable, Sink
from tpayd.kit.bus.stats import NoStats
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log


class Moment:
    """A clock and a loop in one: time passes when the timer is made to fire."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def boottime_ms(self) -> int:
        return self.now_ms

    def monotonic_us(self) -> int:
        return self.now_ms * 1000

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> object:
        self.timers.append((delay_s, callback))
        return object()

    def fire(self) -> None:
        (delay_s, callback) = self.timers.pop()
        self.now_ms += round(delay_s * 1000)
        callback()


class Table:
    def __init__(self) -> None:
        self.moment = Moment()
        self.ended: list[int] = []
        self.cancelled: list[int] = []
        self.table = PendingTable(
            "transaction", self.cancelled.append, clock=cast("Clock", self.moment),
            loop=cast("asyncio.AbstractEventLoop", self.moment), stats=NoStats(), log=cast("Log", None),
        )  # fmt: skip

    def add(self, number: int, in_ms: int) -> None:
        sink = Sink(lambda _: None, lambda _: self.ended.append(number))
        self.table.add(Pending(number, "payment.sale", self.moment.now_ms + in_ms, 0, sink))

    @property
    def waits_s(self) -> list[float]:
        return [delay_s for delay_s, _ in self.moment.timers]


def test_a_request_that_comes_later_is_never_overslept() -> None:
    """However short its time, the next look comes before its deadline, since that includes the answer's grace."""
    assert limits.ANSWER_GRACE_MS / 1000 >= limits.SWEEP_AT_LEAST_EVERY_S


@pytest.mark.parametrize(
    ("left_ms", "wait_s"),
    [(60_000, limits.SWEEP_AT_LEAST_EVERY_S), (100, 0.1), (3, limits.SWEEP_EVERY_S)],
)
def test_the_next_look_is_at_the_nearest_deadline(left_ms: int, wait_s: float) -> None:
    """Not sooner than a look every so often costs, not later than a new request may need."""
    table = Table()
    table.add(1, 90_000)
    table.add(2, left_ms + round(limits.SWEEP_AT_LEAST_EVERY_S * 1000))
    assert [limits.SWEEP_AT_LEAST_EVERY_S] == table.waits_s
    table.moment.fire()
    assert [pytest.approx(wait_s)] == table.waits_s


def test_each_request_ends_at_its_deadline() -> None:
    """Within one look of it, and the peer is told; those with more time go on."""
    table = Table()
    table.add(1, 400)
    table.add(2, 1_000)
    begun_ms = table.moment.now_ms
    while not table.ended:
        table.moment.fire()
    late_ms = table.moment.now_ms - begun_ms - 400
    assert ([1], [1], [2]) == (table.ended, table.cancelled, list(table.table.open))
    assert 0 <= late_ms <= limits.SWEEP_EVERY_S * 1000


def test_nobody_is_woken_for_nothing() -> None:
    """Without an open request no timer runs."""
    table = Table()
    table.add(1, 90_000)
    table.table.open.clear()
    table.moment.fire()
    assert [] == table.waits_s
