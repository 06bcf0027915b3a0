"""A reader that is barred, for whatever cause, is lent to no payment; the others serve its lanes."""

from __future__ import annotations

import pytest

from tests.unit.readers.test_the_pool_gives_fair_turns import grant_in, pool_of, reader, ticket
from tpayd.device_broker.bars import Bars
from tpayd.device_broker.leases import Hopeless
from tpayd.device_broker.pool import AllBarredError
from tpayd_contracts.device import Bar, BarCause


def test_the_others_serve() -> None:
    """A lane gets the reader that is not barred, and waits for it where it is lent."""
    pool = pool_of(reader("a"), reader("b"))
    pool.bar({"a"}, 0)
    assert "b" == grant_in(pool.acquire(ticket(1), 0)).device
    assert [] == pool.acquire(ticket(2, "2"), 0)


def test_with_all_barred_nobody_waits() -> None:
    """A wish that only barred readers would meet is refused at once, and names them."""
    pool = pool_of(reader("a"), reader("b"))
    pool.bar({"a", "b"}, 0)
    with pytest.raises(AllBarredError) as caught:
        pool.acquire(ticket(1), 0)
    assert ("a", "b") == caught.value.devices


def test_who_waits_is_told_when_hope_ends() -> None:
    """A payment in the queue ends when the last reader that it waits for is barred."""
    pool = pool_of(reader("a"))
    held = grant_in(pool.acquire(ticket(1), 0))
    pool.acquire(ticket(2, "2"), 0)
    assert [Hopeless(ticket(2, "2"), ("a",))] == pool.bar({"a"}, 0)
    assert pool.renew(held.lease_id, held.fence, 0)


def test_a_lifted_bar_serves_who_waits() -> None:
    """The reader goes to the next one in the queue as soon as it may."""
    pool = pool_of(reader("a"), reader("b"))
    pool.bar({"a"}, 0)
    pool.acquire(ticket(1), 0)
    pool.acquire(ticket(2, "2"), 0)
    assert "a" == grant_in(pool.bar(set(), 5)).device


def test_work_on_the_reader_itself_gets_it() -> None:
    """A key exchange gets the barred reader: it is what ends the bar."""
    pool = pool_of(reader("a"))
    pool.bar({"a"}, 0)
    assert "a" == grant_in(pool.acquire(ticket(1, "key:a", only="a"), 0)).device


def test_each_cause_has_its_own_bars() -> None:
    """What one cause lifts, another still bars."""
    bars = Bars()
    key, work = Bar("a", BarCause.KEY, "expired"), Bar("a", BarCause.MAINTENANCE, "being cleaned")
    assert frozenset("a") == bars.put(BarCause.KEY, [key])
    bars.put(BarCause.MAINTENANCE, [work])
    assert (key, work) == bars.of("a")
    assert frozenset("a") == bars.put(BarCause.KEY, [])
    assert (work,) == bars.of("a")
    assert frozenset() == bars.put(BarCause.KEY, [])
