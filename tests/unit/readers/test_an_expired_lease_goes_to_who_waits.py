"""A lease that is not renewed ends, and its reader, if it is clean, goes to the lane that waits."""

from types import SimpleNamespace
from typing import Any

from tests.harness.clock import FakeClock
from tpayd.device_broker.bars import Bars
from tpayd.device_broker.leases import Grant, Member
from tpayd.device_broker.lending import Lending
from tpayd.device_broker.pool import Pool

TTL_US = 4_000_000


class Lane:
    """Somebody who waits for a reader."""

    def __init__(self) -> None:
        self.request: Any = SimpleNamespace(on_cancel=lambda _: None)
        self.until_ms = 10**12
        self.granted_to: Grant | None = None
        self.places: list[int] = []

    def granted(self, grant: Grant) -> None:
        self.granted_to = grant

    def moved(self, position: int, expected_wait_ms: int | None) -> None:
        self.places.append(position)


def test_who_waits_gets_the_reader_in_the_turn_that_ends_its_lease() -> None:
    """He is given the reader, and no place in a queue that he has left."""
    clock = FakeClock()
    reader: Any = SimpleNamespace(name="reader-1", clean=True, step=None)
    silent: Any = SimpleNamespace(
        waited_s=lambda _: None,
        lease_ended=lambda _: None,
        changed=lambda _: None,
        lent=lambda _: None,
        trouble=lambda _: None,
    )
    pool = Pool([Member("reader-1", frozenset())], first_fence=1, epoch="e")
    lending = Lending(pool, {"reader-1": reader}, silent, silent, clock, bars=Bars(), waiting_max=8)
    lending.on_clean(reader)
    first, second, third = Lane(), Lane(), Lane()
    for lane in (first, second, third):
        lending.want(lane, f"lane-{id(lane)}", TTL_US)
    clock.advance(TTL_US / 1e6)
    lending.tick(clock.monotonic_us())
    assert second.granted_to is not None
    assert second.places == []
    assert third.places != []
