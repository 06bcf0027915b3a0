"""A STAN is never handed out twice within a business day, whatever dies."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tpayd.transaction.journal import StanBlock
from tpayd.transaction.steps.stans import LAST, Stans


class Disk:
    """The reservations as they would be found after a crash."""

    def __init__(self) -> None:
        self.reserved: dict[tuple[str, str], int] = {}

    def put(self, block: StanBlock) -> None:
        self.reserved[block.profile, block.terminal_id] = block.reserved_to

    def start(self, in_use: frozenset[str] = frozenset()) -> Stans:
        return Stans("test", self.reserved, self.put, lambda _, stan: stan in in_use)


@given(st.lists(st.integers(0, 250), min_size=1, max_size=12))
def test_crashes_skip_numbers_and_repeat_none(lives: list[int]) -> None:
    """Any number of sales between any number of crashes."""
    disk = Disk()
    taken = []
    for sales in lives:
        stans = disk.start()
        taken += [stans.take("TPAY0001") for _ in range(sales)]
    assert len(taken) == len(set(taken))
    assert sorted(taken) == taken


def test_terminals_count_apart() -> None:
    """A STAN belongs to a terminal."""
    stans = Disk().start()
    assert ["000001", "000001", "000002"] == [stans.take("TPAY0001"), stans.take("TPAY0002"), stans.take("TPAY0001")]


def test_a_wrap_skips_open_payments() -> None:
    """After 999999 comes the first number that no open payment has."""
    disk = Disk()
    disk.reserved["test", "TPAY0001"] = LAST - 1
    stans = disk.start(in_use=frozenset({"000001", "000002"}))
    assert ["999999", "000003"] == [stans.take("TPAY0001"), stans.take("TPAY0001")]


def test_a_reservation_is_put_before_its_first_number_is_used() -> None:
    """So both wait for the same commit."""
    disk = Disk()
    number = int(disk.start().take("TPAY0001"))
    assert number <= disk.reserved["test", "TPAY0001"]
