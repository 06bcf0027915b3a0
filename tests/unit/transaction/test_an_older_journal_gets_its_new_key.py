"""Schema 0004 keeps payments in the order of their request ids: an older journal gets that key, or stays as it was."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine, insert

from tests.harness.journals import Place
from tests.unit.transaction.samples import PAYMENT
from tests.unit.transaction.test_the_daemon_purges_by_itself import House
from tests.unit.transaction.test_the_journals_schema_moves_on import at_version, with_a_payment
from tpayd.transaction.journal import JournalStore, StorageError
from tpayd.transaction.journal.bookkeeping import Bookkeeper
from tpayd.transaction.journal.coding import encode_payment
from tpayd.transaction.journal.entries import named_payment_row
from tpayd.transaction.journal.schema import SCHEMA_VERSION, VERSION_TABLE, metadata, payments

MANY = 10_001
"""Payments: one more than the migration moves at once on SQLite."""
COLUMNS = ", ".join(payments.c.keys())
KEYS = {
    "sqlite": "select group_concat(name, ' ') from pragma_index_info('sqlite_autoindex_payments_1')",
    "postgresql": "select string_agg(attname, ' ' order by attnum) from pg_attribute "
    "where attrelid = 'payments_pkey'::regclass",
}


async def at_0003(place: Place, sample: Place) -> list[tuple[Any, ...]]:
    """A journal of MANY payments as 0003 left it, with request ids in no order; the payments as they lie."""
    at_version(place, "0003")
    await with_a_payment(sample)
    engine = create_engine(place.sqlalchemy_url)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            names = ", ".join(table.c.keys())
            held = [dict(zip(table.c.keys(), row, strict=True)) for row in sample.rows(f"select {names} from {table}")]
            if table is payments:
                held += [other_payment(number) for number in range(1, MANY)]
            if held:
                connection.execute(insert(table), held)
    engine.dispose()
    return place.rows(f"select {COLUMNS} from payments order by first_position, request_id")


def other_payment(number: int) -> dict[str, Any]:
    """A payment that has ended, of one of eight lanes."""
    row = named_payment_row(PAYMENT, number, number)
    return row | {"lane": str(number % 8), "request_id": str(uuid.uuid4()), "open": False}


@pytest.fixture
def sample(tmp_path: Any) -> Place:
    """Where a journal of this version lies that rows are taken from."""
    (tmp_path / "sample").mkdir()
    return Place.make("sqlite", tmp_path / "sample", None)


async def test_all_that_it_holds_is_as_it_was(place: Place, sample: Place) -> None:
    """But for the order of the key; and it is told how far that is."""
    before = await at_0003(place, sample)
    assert "lane request_id" == place.rows(KEYS[place.engine])[0][0]
    store = JournalStore(place.url)
    assert store.outdated
    told: list[tuple[str, int, int]] = []
    store.upgrade(lambda *of: told.append(of))
    assert not store.outdated
    assert before == place.rows(f"select {COLUMNS} from payments order by first_position, request_id")
    assert "request_id lane" == place.rows(KEYS[place.engine])[0][0]
    if place.engine == "sqlite":
        assert [("payments", 10_000, MANY), ("payments", MANY, MANY)] == told
    assert 1 == len(store.open().unacknowledged)
    found = store.find(before[-1][0], before[-1][1])
    assert found is not None
    assert encode_payment(found) == before[-1][payments.c.keys().index("record")]
    store.close()


async def test_an_upgrade_that_is_stopped_leaves_it_as_it_was(tmp_path: Any, sample: Place) -> None:
    """And the next one does all of it. In PostgreSQL it is one statement."""
    place = Place.make("sqlite", tmp_path, None)
    before = await at_0003(place, sample)

    def stop(*_: object) -> None:
        raise StorageError("told to stop")

    with pytest.raises(StorageError, match="told to stop"):
        JournalStore(place.url).upgrade(stop)
    assert [("0003",)] == place.rows(f"select version_num from {VERSION_TABLE}")
    assert before == place.rows(f"select {COLUMNS} from payments order by first_position, request_id")
    JournalStore(place.url).open()
    assert [(SCHEMA_VERSION,)] == place.rows(f"select version_num from {VERSION_TABLE}")
    assert before == place.rows(f"select {COLUMNS} from payments order by first_position, request_id")


async def test_the_process_answers_while_it_upgrades(place: Place, tmp_path: Any) -> None:
    """Else a large journal's upgrade would be killed as hung, and begun again, for ever; nor is its start given up."""
    at_version(place, "0003")
    house: Any = House(place, tmp_path, 0)
    keeper = Bookkeeper(house)
    answered, long = threading.Event(), []
    upgrade: Callable[[Any], None] = keeper.store.upgrade

    def slow(progress: Any) -> None:
        assert answered.wait(30)
        long.append(house.start_is_long)
        upgrade(progress)

    keeper.store = SimpleNamespace(outdated=True, upgrade=slow)  # type: ignore[assignment]
    asyncio.get_running_loop().call_soon(answered.set)
    await keeper.open()
    assert [True] == long
    assert not house.start_is_long
    assert [(SCHEMA_VERSION,)] == place.rows(f"select version_num from {VERSION_TABLE}")
    await keeper.journal.close()
