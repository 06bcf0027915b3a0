"""From a file to PostgreSQL and back: all of it or nothing, and the old one is closed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.harness.journals import Place
from tests.harness.postgres import PostgresServer
from tests.unit.transaction.samples import NOW_MS, PAYMENT
from tpayd.transaction import events as ev
from tpayd.transaction.journal import JournalDamagedError, JournalOwnedError, JournalStore, Owner, StanBlock
from tpayd.transaction.journal.copying import PAGE
from tpayd.transaction.journal.entries import Entry
from tpayd.transaction.journal.moving import TargetInUseError, move
from tpayd.transaction.journal.place import JournalPlace
from tpayd.transaction.journal.verifying import verify

HERE = Owner("a" * 36, "here:/srv/a")
TABLES = ("events", "payments", "chains", "stan_blocks", "closes")


@pytest.fixture
def file(tmp_path: Path) -> Place:
    return Place.make("sqlite", tmp_path, None)


@pytest.fixture
def server(postgres: PostgresServer) -> Place:
    return Place("postgresql", postgres.database())


def filled(place: Place, count: int = PAGE + 5, *, first: int = 0) -> None:
    """Payments on two lanes."""
    with closing(JournalStore(place.url)) as store:
        store.open()
        payments = [
            replace(PAYMENT, lane=str(n % 2), payment_id=f"p{n:035d}", request_id=f"r{n:035d}")
            for n in range(first, first + count)
        ]
        store.write([Entry(each, ev.Created(each), NOW_MS) for each in payments], [StanBlock("test", "TPAY0001", 300)])
        store.keep_close("test", "20260302", NOW_MS, lambda number: b"close %d" % number)


def everything(place: Place) -> list[list[tuple[object, ...]]]:
    return [sorted(place.rows(f"select * from {table}"), key=repr) for table in TABLES]


def moved(source: Place, target: Place, progress: Callable[[str, int, int], None] = lambda *_: None) -> None:
    move(JournalPlace(source.url, None), JournalPlace(target.url, HERE), progress)


def test_there_and_back_again_nothing_has_changed(file: Place, server: Place) -> None:
    """And it verifies in both places."""
    filled(file)
    before = everything(file)
    steps: list[tuple[str, int, int]] = []
    moved(file, server, lambda *step: steps.append(step))
    assert before == [[as_sqlite(row) for row in table] for table in everything(server)]
    assert [("copying events", PAGE, PAGE + 5), ("copying events", PAGE + 5, PAGE + 5)] == steps[:2]
    assert verify(server.url, lambda *_: None).intact
    filled(server, 3, first=PAGE + 5)
    move(JournalPlace(server.url, HERE), JournalPlace(file.url, None), lambda *_: None)
    assert PAGE + 8 == len(file.rows("select position from events"))
    assert verify(file.url, lambda *_: None).intact
    filled(file, 1, first=PAGE + 8)


def test_a_daemon_with_a_forgotten_setting_refuses_the_old_journal(file: Place, server: Place) -> None:
    """It would begin a second truth."""
    filled(file)
    moved(file, server)
    with pytest.raises(JournalOwnedError, match=r"moved to postgresql://postgres@"):
        JournalStore(file.url).open()


def test_a_move_that_was_interrupted_leaves_nothing_and_can_be_begun_again(file: Place, server: Place) -> None:
    """Whenever it is."""
    filled(file)

    def at(step: str) -> Callable[[str, int, int], None]:
        def interrupt(of: str, *_: int) -> None:
            if of == step:
                raise KeyboardInterrupt

        return interrupt

    for step in ("copying payments", "payments"):
        with pytest.raises(KeyboardInterrupt):
            moved(file, server, at(step))
        with pytest.raises(Exception, match="events"):
            server.rows("select * from events")
        JournalStore(file.url).open()
    moved(file, server)
    assert PAGE + 5 == len(server.rows("select position from events"))


def test_a_finished_copy_is_recognized(file: Place, server: Place) -> None:
    """It was interrupted before the old journal was closed."""
    filled(file)
    moved(file, server)
    file.run("delete from about where name = 'moved_to'")
    moved(file, server)
    with pytest.raises(JournalOwnedError, match="moved"):
        JournalStore(file.url).open()


def test_a_place_with_another_journal_is_left_alone(file: Place, server: Place) -> None:
    """Even one that looks like an older state of this one."""
    filled(file)
    filled(server, 3)
    with pytest.raises(TargetInUseError, match="3 events"):
        moved(file, server)
    assert 3 == len(server.rows("select position from events"))
    JournalStore(file.url).open()


def test_a_damaged_journal_is_not_moved(file: Place, server: Place) -> None:
    """It is told where, and stays where it is."""
    filled(file)
    file.run("update events set payload = hash where position = 7")
    with pytest.raises(JournalDamagedError, match="at event 7"):
        moved(file, server)
    with pytest.raises(Exception, match="events"):
        server.rows("select * from events")
    JournalStore(file.url).open()


def as_sqlite(row: tuple[object, ...]) -> tuple[object, ...]:
    """SQLite has no booleans."""
    return tuple(int(value) if isinstance(value, bool) else value for value in row)
