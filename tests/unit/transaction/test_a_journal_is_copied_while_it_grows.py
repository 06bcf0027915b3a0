"""A copy for a backup is one moment of the journal, whoever writes to it meanwhile, and verifies by itself."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec.structs import replace

from tests.harness.journals import Place
from tests.unit.transaction.samples import NOW_MS, PAYMENT
from tpayd.transaction import events as ev
from tpayd.transaction.journal import JournalStore, StanBlock
from tpayd.transaction.journal.entries import Entry
from tpayd.transaction.journal.owning import RESTORED
from tpayd.transaction.journal.snapshot import snapshot
from tpayd.transaction.journal.verifying import verify

FIRST = 1_500
"""More than one page."""


def entry(number: int) -> Entry:
    payment = replace(PAYMENT, lane=str(number % 3), payment_id=f"p{number:035d}", request_id=f"r{number:035d}")
    return Entry(payment, ev.Created(payment), NOW_MS)


@contextmanager
def growing(place: Place) -> Iterator[threading.Event]:
    """A journal with a writer that goes on until the end; the event is set with each commit."""
    stop, wrote = threading.Event(), threading.Event()
    with closing(JournalStore(place.url)) as store:
        store.open()
        store.write([entry(number) for number in range(FIRST)], [StanBlock("test", "TPAY0001", 300)])
        store.keep_close("test", "20260302", NOW_MS, lambda _: b"report")
        store.note(RESTORED, "1 2 3")

    def write() -> None:
        with closing(JournalStore(place.url)) as store:
            store.open()
            number = FIRST
            while not stop.is_set():
                store.write([entry(number)], [])
                number += 1
                wrote.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert wrote.wait(30)
        yield wrote
    finally:
        stop.set()
        thread.join(30)


def test_a_copy_is_whole_while_somebody_writes(place: Place, tmp_path: Path) -> None:
    """At each step of the copy the writer gets a commit in: neither waits for the other."""
    copy = tmp_path / "copy.sqlite3"
    with growing(place) as wrote:
        waited: list[bool] = []

        def step(*_: object) -> None:
            wrote.clear()
            waited.append(wrote.wait(30))

        snapshot(place.url, copy, step)
    assert (True, True) == (len(waited) > 0, all(waited))
    found = verify(f"sqlite:///{copy}", lambda *_: None)
    assert (True, 3) == (found.intact, found.lanes)
    written = place.rows("select count(*) from events")[0][0]
    assert FIRST < found.events < written
    with closing(sqlite3.connect(copy)) as opened:
        tables = [opened.execute(f"select count(*) from {table}").fetchone()[0] for table in ("stan_blocks", "closes")]
        about = opened.execute("select value from about where name = 'restored'").fetchall()
    assert [1, 1] == tables
    assert [("1 2 3",)] == about


def test_a_copy_is_one_file_for_its_owner_alone(place: Place, tmp_path: Path) -> None:
    """No log beside it, mode 0600."""
    copy = tmp_path / "copies" / "copy.sqlite3"
    copy.parent.mkdir()
    with closing(JournalStore(place.url)) as store:
        store.open()
        store.write([entry(1)], [])
    snapshot(place.url, copy, lambda *_: None)
    assert ["copy.sqlite3"] == [path.name for path in copy.parent.iterdir()]
    assert 0o600 == copy.stat().st_mode & 0o777
