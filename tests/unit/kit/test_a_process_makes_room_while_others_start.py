"""A process that no sale needs starts when the machine has room for it, and soon in any case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate

from tpayd.kit.first_steps import wait_for_room


def machine(*idle_of_ten: int) -> Callable[[], list[int]]:
    """One whose times grow by ten ticks between two looks, so many of them idle; afterwards as in the last look."""

    def ticks() -> Iterator[list[int]]:
        sums = [0, *accumulate(idle_of_ten)]
        for look in range(1000):
            last = sums[min(look, len(sums) - 1)] + max(0, look - len(sums) + 1) * idle_of_ten[-1]
            yield [look * 10 - last, 0, 0, last, 0, 0, 0, 0]

    seen = ticks()
    return lambda: next(seen)


def waited_s(read: Callable[[], list[int]]) -> float:
    """How long it waits on such a machine."""
    slept: list[float] = []
    wait_for_room(read, slept.append)
    return round(sum(slept), 3)


def test_an_idle_machine_is_found_idle_at_once() -> None:
    """Two looks are enough."""
    assert 0.2 == waited_s(machine(10))
    assert 0.2 == waited_s(machine(5))


def test_others_that_start_are_let_go_first() -> None:
    """They keep the machine busy, though not without a gap."""
    assert 0.8 == waited_s(machine(0, 1, 10, 0, 0, 0, 4, 4))


def test_a_machine_that_is_never_idle_is_waited_for_no_longer_than_a_start_takes() -> None:
    """A loaded store has its helpers all the same."""
    assert 2.0 == waited_s(machine(0))


def test_a_machine_that_tells_nothing_is_not_waited_for() -> None:
    """Without /proc there is nothing to go by."""
    assert 0.2 == waited_s(lambda: [0] * 8)
