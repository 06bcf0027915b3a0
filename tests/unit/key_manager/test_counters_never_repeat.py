"""No DUKPT counter is given twice, whatever crashes or fails between."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd.crypto.dukpt import LAST_COUNTER, next_counter
from tpayd.crypto.errors import CounterExhaustedError
from tpayd.key_manager.counters import Counters

KEY = "test:TPAY0001:00"


class Disk:
    """Holds limits as the store does: what it accepted stays, and never falls."""

    def __init__(self, **limits: int) -> None:
        self.limits = limits
        self.asked: list[tuple[str, int]] = []
        self.full = False

    def reserve(self, key_id: str, limit: int) -> None:
        if self.full:
            raise OSError
        self.limits[key_id] = max(limit, self.limits.get(key_id, 0))

    def life(self, block: int = 8) -> Counters:
        """What a process makes of the disk when it starts."""
        self.asked.clear()
        return Counters(self.limits, self.reserve, lambda key_id, limit: self.asked.append((key_id, limit)), block)


EVENTS = ("take some", "crash", "ahead done", "ahead failed", "disk full", "disk free")


@given(st.lists(st.sampled_from(EVENTS), max_size=300))
def test_no_counter_twice(events: list[str]) -> None:
    """Any mixture of taking, reserving ahead, a full disk and crashes gives ascending counters, all reserved before."""
    disk = Disk()
    counters = disk.life()
    given_out: list[int] = []
    for event in events:
        if event == "take some":
            with contextlib.suppress(OSError):
                for _ in range(5):
                    given_out.append(counters.take(KEY))
                    assert given_out[-1] <= disk.limits[KEY]
        elif event == "crash":
            counters = disk.life()
        elif event.startswith("ahead") and disk.asked:
            key_id, limit = disk.asked.pop()
            failed = event == "ahead failed" or disk.full
            if not failed:
                disk.reserve(key_id, limit)
            counters.reserved_ahead(key_id, None if failed else limit)
        elif event.startswith("disk"):
            disk.full = event == "disk full"
    assert sorted(set(given_out)) == given_out


def test_ahead_means_no_wait() -> None:
    """When blocks are reserved ahead in time, taking counters never waits for the disk again after the first."""
    disk = Disk()
    counters = disk.life(block=256)
    counters.take(KEY)
    waited: list[int] = []
    counters._reserve = lambda _, limit: waited.append(limit)
    for _ in range(2000):
        counters.take(KEY)
        while disk.asked:
            counters.reserved_ahead(*disk.asked.pop())
    assert [] == waited


def test_failed_reservation_reserves_nothing() -> None:
    """When the block ahead could not be written, what is handed out is still reserved first."""
    disk = Disk()
    counters = disk.life()
    for _ in range(50):
        assert counters.take(KEY) <= disk.limits[KEY]
        while disk.asked:
            counters.reserved_ahead(disk.asked.pop()[0], None)


def test_crash_skips_less_than_two_blocks() -> None:
    """A restart costs a bounded number of counters."""
    disk = Disk()
    before = disk.life(block=256).take(KEY)
    assert disk.life(block=256).take(KEY) - before <= 512


def test_end_of_counters() -> None:
    """The last counter is given, then the key is used up, also after a restart."""
    start = 0xFFFE_8000
    disk = Disk(**{KEY: start})
    counters = disk.life()
    expected = next_counter(start)
    assert (expected, LAST_COUNTER) == (counters.take(KEY), LAST_COUNTER)
    last = expected
    while last < LAST_COUNTER:
        last = counters.take(KEY)
    for life in (counters, disk.life()):
        with pytest.raises(CounterExhaustedError):
            life.take(KEY)


def test_keys_do_not_share_counters() -> None:
    """Each key counts for itself."""
    counters = Disk().life()
    assert (1, 1, 2) == (counters.take("a"), counters.take("b"), counters.take("a"))
