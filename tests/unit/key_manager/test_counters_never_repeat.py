"""No DUKPT counter is given twice, whatever crashes or fails between."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd.crypto.dukpt import LAST_COUNTER, next_counter
from tpayd.crypto.errors import CounterExhaustedError
from tpayd.key_manager.counters import BLOCK, Counters
from tpayd.key_manager.errors import NotReservedError

KEY = "test:TPAY0001:00"


class Disk:
    """Holds limits as the store does: what it accepted stays, and never falls."""

    def __init__(self, **limits: int) -> None:
        self.limits = limits
        self.writes: list[dict[str, int]] = []
        self.asked = 0

    def write(self, limits: Mapping[str, int]) -> None:
        self.writes.append(dict(limits))
        self.limits |= {key_id: max(limit, self.limits.get(key_id, 0)) for key_id, limit in limits.items()}

    def life(self, block: int = 8) -> Counters:
        """What a process makes of the disk when it starts; nobody writes but `serve`."""
        return Counters(self.limits, self._ask, block)

    def serve(self, counters: Counters) -> None:
        """Write what is asked for, if anything is."""
        asked, self.asked = self.asked, 0
        if asked and (limits := counters.wanted()):
            self.write(limits)
            counters.reserved(limits)

    def _ask(self) -> None:
        self.asked += 1


EVENTS = ("take some", "crash", "begins", "begins at activation", "is on disk", "ends", "fails", "key is gone")


@given(st.lists(st.sampled_from(EVENTS), max_size=300))
def test_no_counter_twice(events: list[str]) -> None:
    """Any mixture of taking, writing that ends, fails or is cut off, and crashes gives ascending, reserved counters."""
    disk = Disk()
    counters = disk.life()
    given_out: list[int] = []
    writing: dict[str, int] = {}
    for event in events:
        if event == "take some":
            with contextlib.suppress(NotReservedError):
                for _ in range(5):
                    given_out.append(counters.take(KEY))
                    assert given_out[-1] <= disk.limits[KEY]
        elif event == "crash":
            counters, writing = disk.life(), {}
        elif event.startswith("begins"):
            writing = counters.first_block(KEY) if "activation" in event else counters.wanted()
        elif event == "key is gone":
            counters.forget(KEY)
        else:
            disk.write({} if event == "fails" else writing)
            counters.reserved(writing if event == "ends" else {})
            writing = writing if event == "is on disk" else {}
    assert sorted(set(given_out)) == given_out


def test_nobody_waits_where_the_disk_keeps_up() -> None:
    """A key that was to be used has counters from the first message on, and each next block comes ahead of need."""
    disk = Disk()
    counters = disk.life(block=BLOCK)
    counters.use([KEY])
    for expected in range(1, 5 * BLOCK):
        disk.serve(counters)
        assert expected == counters.take(KEY)


def test_start_is_one_write() -> None:
    """However many keys a store has."""
    disk = Disk(**{f"key-{number}": 512 for number in range(64)})
    counters = disk.life(block=BLOCK)
    counters.use(disk.limits)
    disk.serve(counters)
    assert [dict.fromkeys(disk.limits, 512 + BLOCK)] == disk.writes
    assert {next_counter(512)} == {counters.take(key_id) for key_id in disk.limits}


def test_lanes_that_sell_alike_are_reserved_for_together() -> None:
    """One write for all of them, each time half a block was used."""
    disk = Disk()
    names = [f"key-{number}" for number in range(64)]
    counters = disk.life(block=BLOCK)
    counters.use(names)
    for _ in range(2 * BLOCK):
        for name in names:
            disk.serve(counters)
            counters.take(name)
    assert len(disk.writes) <= 5


def test_keys_of_earlier_days_cost_nothing() -> None:
    """What nobody uses in this life is not reserved for again."""
    disk = Disk(old=512)
    counters = disk.life()
    counters.use([KEY])
    assert [KEY] == list(counters.wanted())


def test_empty_hands_ask_and_say_so() -> None:
    """Without a reserved counter none is given; once it is on disk, the same message gets one."""
    disk = Disk()
    counters = disk.life()
    with pytest.raises(NotReservedError):
        counters.take(KEY)
    disk.serve(counters)
    assert 1 == counters.take(KEY)


def test_crash_skips_less_than_two_blocks() -> None:
    """A restart costs a bounded number of counters."""
    disk = Disk()
    before = disk.life(block=BLOCK)
    before.use([KEY])
    disk.serve(before)
    last = before.take(KEY)
    after = disk.life(block=BLOCK)
    after.use([KEY])
    disk.serve(after)
    assert 0 < after.take(KEY) - last <= 2 * BLOCK


def test_end_of_counters() -> None:
    """The last counter is given, then the key is used up, also after a restart."""
    start = 0xFFFE_8000
    disk = Disk(**{KEY: start})
    counters = disk.life()
    counters.use([KEY])
    disk.serve(counters)
    expected = next_counter(start)
    assert (expected, LAST_COUNTER) == (counters.take(KEY), LAST_COUNTER)
    disk.serve(counters)
    last = expected
    while last < LAST_COUNTER:
        last = counters.take(KEY)
        disk.serve(counters)
    for life in (counters, disk.life()):
        with pytest.raises(CounterExhaustedError):
            life.take(KEY)


def test_keys_do_not_share_counters() -> None:
    """Each key counts for itself."""
    disk = Disk()
    counters = disk.life()
    counters.use("ab")
    disk.serve(counters)
    assert (1, 1, 2) == (counters.take("a"), counters.take("b"), counters.take("a"))
