"""A lost connection, a lost commit, a lost race: nothing is written twice, and nothing is lost."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import OperationalError

from tests.harness import eventually
from tests.harness.journals import Place
from tests.harness.postgres import PostgresServer
from tests.unit.transaction.samples import NOW_MS, PAYMENT
from tpayd.transaction import events as ev
from tpayd.transaction.journal import (
    DoubtError,
    JournalStore,
    JournalUrlError,
    StanBlock,
    StorageError,
    UnreachableError,
    database,
)
from tpayd.transaction.journal.database import RECONNECT_AFTER_S, Database
from tpayd.transaction.journal.entries import Entry


def entry(number: int) -> Entry:
    payment = replace(PAYMENT, payment_id=f"{number:036d}", request_id=f"{number:036d}")
    return Entry(payment, ev.Created(payment), NOW_MS)


@pytest.fixture
def server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """The server, which runs again afterwards whatever a test did to it."""
    yield postgres
    postgres.stop()
    postgres.start()


@pytest.fixture
def there(postgres: PostgresServer) -> Place:
    return Place("postgresql", postgres.database())


def cut_all(place: Place) -> None:
    """End every other connection to the database."""
    place.run(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
        "and pid <> pg_backend_pid()"
    )


def seqs(place: Place) -> list[int]:
    return [seq for (seq,) in place.rows("select seq from events order by position")]


def test_a_connection_that_was_cut_is_made_anew(there: Place) -> None:
    """The write during which it is noticed fails, and comes again."""
    store = JournalStore(there.url)
    store.open()
    store.write([entry(1)], [])
    cut_all(there)
    with pytest.raises(StorageError):
        store.write([entry(2)], [])
    store.write([entry(2), entry(3)], [])
    assert [1, 2, 3] == seqs(there)
    cut_all(there)
    with pytest.raises(StorageError):
        store.find("1", f"{3:036d}")
    assert store.find("1", f"{3:036d}") is not None
    store.close()


def test_a_commit_whose_answer_was_lost_is_looked_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not repeated: the caller hears that it is done."""
    store = JournalStore(place.url)
    store.open()
    fail_after_commit(store, monkeypatch)
    store.write([entry(1)], [StanBlock("test", "TPAY0001", 100)])
    store.write([entry(2)], [])
    assert [1, 2] == seqs(place)
    store.close()


def test_a_commit_that_cannot_be_looked_up_at_once_is_looked_up_later(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller hears whether that is known, brings the same again with more, and each is there once."""
    store = JournalStore(place.url)
    store.open()
    fail_after_commit(store, monkeypatch)
    refuse_connections(store, monkeypatch, times=2)
    for _ in range(2):
        with pytest.raises(DoubtError, match="nobody home"):
            store.write([entry(1)], [])
    fail_before_commit(store, monkeypatch)
    with pytest.raises(StorageError, match="gone") as certain:
        store.write([entry(1), entry(2)], [])
    assert not isinstance(certain.value, DoubtError)
    store.write([entry(1), entry(2), entry(3)], [])
    assert [1, 2, 3] == seqs(place)
    store.close()


def test_a_log_that_somebody_reads_is_taken_over_once_he_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed sync SQLite's log may have a hole, so nothing may stand on it before it is emptied."""
    monkeypatch.setattr(database, "_DURABLE_SQLITE", ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=20"))
    place = Place.make("sqlite", tmp_path, None)
    store = JournalStore(place.url)
    store.open()
    store.write([entry(1)], [])
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3", isolation_level=None)) as reader:
        reader.execute("begin")
        assert 1 == len(reader.execute("select * from events").fetchall())
        store.write([entry(2)], [])
        fail_before_commit(store, monkeypatch)
        for _ in range(2):
            with pytest.raises(StorageError, match="while somebody reads"):
                store.write([entry(3)], [])
        reader.execute("commit")
    store.write([entry(3), entry(4)], [])
    assert [1, 2, 3, 4] == seqs(place)
    store.close()


def test_a_transaction_that_lost_a_race_begins_again(there: Place) -> None:
    """Serialization failure and deadlock are nobody's business but the store's."""
    store = JournalStore(there.url)
    store.open()
    there.run(
        "create sequence losses",
        "create function lose() returns trigger language plpgsql as $$ declare n bigint := nextval('losses'); begin "
        "if n = 1 then raise exception 'lost' using errcode = '40001'; end if; "
        "if n = 2 then raise exception 'lost' using errcode = '40P01'; end if; return new; end $$",
        "create trigger losing before insert on events for each statement execute function lose()",
    )
    store.write([entry(1)], [])
    assert [1] == seqs(there)
    assert [(3,)] == there.rows("select last_value from losses")
    store.close()


def test_who_loses_every_time_gives_up(there: Place) -> None:
    """The queue behind it waits no longer than for any other failure."""
    store = JournalStore(there.url)
    store.open()
    there.run(
        "create function lose() returns trigger language plpgsql as "
        "$$ begin raise exception 'lost again' using errcode = '40001'; end $$",
        "create trigger losing before insert on events for each statement execute function lose()",
    )
    with pytest.raises(StorageError, match="lost again"):
        store.write([entry(1)], [])
    there.run("drop trigger losing on events")
    store.write([entry(1)], [])
    assert [1] == seqs(there)
    store.close()


def test_a_server_that_is_gone_is_not_knocked_at_by_everybody(server: PostgresServer) -> None:
    """Within half a second all who ask hear of one attempt; then another one is made."""
    place = Place("postgresql", server.database())
    store = JournalStore(place.url)
    store.open()
    store.write([entry(1)], [])
    server.stop()
    with pytest.raises(StorageError):
        store.write([entry(2)], [])
    with pytest.raises(UnreachableError):
        store.find("1", "x")
    server.start()

    def written() -> bool:
        try:
            store.write([entry(2)], [])
        except StorageError:
            return False
        return True

    eventually(written, timeout_s=RECONNECT_AFTER_S + 5, what="the server known to be back")
    assert [1, 2] == seqs(place)
    store.close()


def test_commits_are_synchronous_even_where_the_server_says_otherwise(there: Place) -> None:
    """What was acknowledged survives the server's power cut."""
    database = there.url.split("/")[3].split("?")[0]
    there.run(f'alter database "{database}" set synchronous_commit = off')
    store = JournalStore(there.url)
    store.open()
    assert store._connection is not None
    assert "on" == store._connection.exec_driver_sql("show synchronous_commit").scalar_one()
    assert "5s" == store._connection.exec_driver_sql("show statement_timeout").scalar_one()
    store.close()


def test_a_server_that_forgets_is_refused(postgres: PostgresServer) -> None:
    """Without fsync a power cut there would lose what it has acknowledged."""
    place = Place("postgresql", postgres.database())
    postgres.run("postgres", "ALTER SYSTEM SET fsync = off")
    postgres.run("postgres", "SELECT pg_reload_conf()")
    try:
        eventually(lambda: postgres.run("postgres", "SHOW fsync") == [("off",)], timeout_s=5, what="fsync off")
        with pytest.raises(StorageError, match="fsync = off"):
            JournalStore(place.url).open()
    finally:
        postgres.run("postgres", "ALTER SYSTEM RESET fsync")
        postgres.run("postgres", "SELECT pg_reload_conf()")
        eventually(lambda: postgres.run("postgres", "SHOW fsync") == [("on",)], timeout_s=5, what="fsync on")


def test_without_the_driver_the_way_to_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not installed with the rest."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(JournalUrlError, match=r"pip install 'tpayd\[postgresql\]'"):
        Database("postgresql://u@h/d")


@pytest.mark.parametrize("url", ["postgresql://u:s3cret@h/d", "postgresql://u@h/d?password=s3cret&sslpassword=s3cret"])
def test_a_password_is_never_shown(url: str) -> None:
    """Wherever it stands in the URL."""
    assert "s3cret" not in Database(url).name


def fail_after_commit(store: JournalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next transaction is committed, and its answer lost."""
    insert = store._insert

    def insert_and_fail(*arguments: object) -> None:
        monkeypatch.setattr(store, "_insert", insert)
        insert(*arguments)  # type: ignore[arg-type]
        raise OperationalError("commit", {}, OSError("connection lost"))

    monkeypatch.setattr(store, "_insert", insert_and_fail)


def fail_before_commit(store: JournalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next transaction is not committed."""
    insert = store._insert

    def fail(*_: object) -> None:
        monkeypatch.setattr(store, "_insert", insert)
        raise OperationalError("commit", {}, OSError("gone"))

    monkeypatch.setattr(store, "_insert", fail)


def refuse_connections(store: JournalStore, monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
    """The next connections are refused."""
    connect, left = store._database.connect, [times]

    def refuse() -> object:
        if left[0]:
            left[0] -= 1
            raise UnreachableError("nobody home")
        return connect()

    monkeypatch.setattr(store._database, "connect", refuse)
