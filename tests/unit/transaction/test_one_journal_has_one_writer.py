"""Two daemons never write one journal: another instance is refused, a process that was replaced writes nothing more."""

from __future__ import annotations

import threading

import pytest

from tests.harness.journals import Place
from tests.unit.transaction.samples import NOW_MS, PAYMENT
from tpayd.transaction import events as ev
from tpayd.transaction.journal import JournalOwnedError, JournalStore, Owner
from tpayd.transaction.journal.entries import Entry

HERE, THERE = Owner("a" * 36, "here:/srv/a"), Owner("b" * 36, "there:/srv/b")
ENTRY = Entry(PAYMENT, ev.Created(PAYMENT), NOW_MS)


def test_another_instance_is_refused_by_name(place: Place) -> None:
    """Whether or not the first one runs at the moment."""
    first = JournalStore(place.url, HERE)
    first.open()
    for _ in range(2):
        with pytest.raises(JournalOwnedError, match=r"here:/srv/a.*tpayd journal claim"):
            JournalStore(place.url, THERE).open()
        first.close()


def test_the_same_instance_goes_on_after_its_end(place: Place) -> None:
    """Its former process may have left anything behind."""
    JournalStore(place.url, HERE).open()
    again = JournalStore(place.url, HERE)
    again.open()
    again.write([ENTRY], [])
    assert [(1,)] == place.rows("select count(*) from events")
    again.close()


def test_a_process_that_was_replaced_writes_nothing_more(place: Place) -> None:
    """Though it was believed dead, it may wake up."""
    old = JournalStore(place.url, HERE)
    old.open()
    new = JournalStore(place.url, HERE)
    new.open()
    for _ in range(2):
        with pytest.raises(JournalOwnedError, match="taken the journal over"):
            old.write([ENTRY], [])
    assert [(0,)] == place.rows("select count(*) from events")
    new.write([ENTRY], [])
    assert [(1,)] == place.rows("select count(*) from events")
    for store in (old, new):
        store.close()


def test_a_starting_process_waits_for_what_its_predecessor_left_in_the_server(place: Place) -> None:
    """A commit that is under way belongs to what it reads."""
    old = JournalStore(place.url, HERE)
    old.open()
    before_commit, may_commit = threading.Event(), threading.Event()
    check = old._writership.check

    def pause(*arguments: object) -> None:
        check(*arguments)  # type: ignore[arg-type]
        before_commit.set()
        may_commit.wait(10)

    object.__setattr__(old, "_writership", Pausing(pause))
    writing = threading.Thread(target=old.write, args=([ENTRY], []))
    writing.start()
    assert before_commit.wait(10)
    found = []
    new = JournalStore(place.url, HERE)
    opening = threading.Thread(target=lambda: found.append(new.open()))
    opening.start()
    opening.join(0.3)
    assert [] == found
    may_commit.set()
    for thread in (writing, opening):
        thread.join(10)
    assert [PAYMENT] == list(found[0].open)
    for store in (old, new):
        store.close()


class Pausing:
    """A writership whose check takes its time."""

    def __init__(self, check: object) -> None:
        self.check = check
