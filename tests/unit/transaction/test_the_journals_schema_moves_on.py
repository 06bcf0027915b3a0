"""An older journal is brought to this version when it is opened, as a whole or not at all; a newer one is refused."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from alembic.autogenerate import compare_metadata
from alembic.command import upgrade
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from tests.harness.clock import FakeClock
from tests.harness.journals import Place
from tests.unit.transaction.samples import EVENTS, PAYMENT, run
from tpayd.transaction import events as ev
from tpayd.transaction.journal import Journal, JournalStore, JournalVersionError
from tpayd.transaction.journal.indexes import metadata
from tpayd.transaction.journal.migrating import alembic_config
from tpayd.transaction.journal.schema import SCHEMA_VERSION, VERSION_TABLE
from tpayd_contracts.payment import PaymentState


def at_version(place: Place, version: str) -> None:
    """The tables as that migration left them."""
    engine = create_engine(place.sqlalchemy_url)
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        upgrade(config, version)
    engine.dispose()


async def with_a_payment(place: Place) -> None:
    """A journal that holds one payment that no POS has acknowledged."""
    journal = Journal(JournalStore(place.url), FakeClock(), structlog.get_logger())
    journal.open()
    by_type: dict[type, Any] = {type(event): event for event in EVENTS}
    read = ev.CardRead(by_type[ev.CardRead].card, chip=False, customer_us=1, reader_us=1)
    payment = PAYMENT
    journal.put(PAYMENT, ev.Created(PAYMENT))
    for event in (by_type[ev.Leased], read, by_type[ev.Sealed], by_type[ev.HostApproved]):
        payment = run(payment, event)
        journal.put(payment, event)
    assert PaymentState.APPROVED == payment.state
    await journal.close()


def back_to_0001(place: Place) -> None:
    """As a journal of tpayd 0.1, which knew no migrations either."""
    place.run(
        "drop index payments_day",
        "drop table closes",
        "alter table payments drop column last_position",
        "alter table chains drop column newest",
        f"drop table {VERSION_TABLE}",
        "update payments set open = (1 = 0)",
        "insert into about values ('schema_version', '1')",
    )


def test_the_newest_migration_makes_the_tables_that_the_code_uses(place: Place) -> None:
    """Nothing was added to the one and forgotten in the other."""
    JournalStore(place.url).open()
    engine = create_engine(place.sqlalchemy_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert [] == compare_metadata(context, metadata)
        for name, table in metadata.tables.items():
            key = inspect(connection).get_pk_constraint(name)["constrained_columns"]
            assert [column.name for column in table.primary_key] == key
    engine.dispose()
    assert [SCHEMA_VERSION] == ScriptDirectory.from_config(alembic_config()).get_heads()


async def test_a_journal_of_the_first_version_goes_on(place: Place) -> None:
    """With what the newer columns say of the payments that it holds."""
    await with_a_payment(place)
    before = place.rows("select * from payments")
    newest = place.rows("select lane, newest from chains")
    back_to_0001(place)
    store = JournalStore(place.url)
    found = store.open()
    store.close()
    assert [PAYMENT.request_id] == [payment.request_id for payment in found.unacknowledged]
    columns = "lane, last_position, first_position, open"
    assert [("1", 5, 1, True)] == [(*row[:3], bool(row[3])) for row in place.rows(f"select {columns} from payments")]
    assert len(before) == len(place.rows("select * from payments"))
    assert newest == place.rows("select lane, newest from chains")


async def test_an_upgrade_that_fails_leaves_the_journal_as_it_was(place: Place) -> None:
    """The older version can still be used."""
    await with_a_payment(place)
    back_to_0001(place)
    place.run("create table events_by_payment (x integer)")
    with pytest.raises(Exception, match="already"):
        JournalStore(place.url).open()
    place.run("drop table events_by_payment")
    with pytest.raises(Exception, match=VERSION_TABLE):
        place.rows(f"select * from {VERSION_TABLE}")
    with pytest.raises(Exception, match="newest"):
        place.rows("select newest from chains")
    store = JournalStore(place.url)
    assert 1 == len(store.open().unacknowledged)
    store.close()


def test_every_single_version_can_be_upgraded(place: Place) -> None:
    """Whichever an instance stopped at."""
    at_version(place, "0001")
    JournalStore(place.url).open()
    assert [(SCHEMA_VERSION,)] == place.rows(f"select version_num from {VERSION_TABLE}")


def test_a_newer_journal_is_refused_and_left_alone(place: Place) -> None:
    """An older daemon never writes what a newer one has to read."""
    JournalStore(place.url).open()
    place.run(f"update {VERSION_TABLE} set version_num = '9999'")
    with pytest.raises(JournalVersionError, match="schema 9999"):
        JournalStore(place.url).open()
    assert [("9999",)] == place.rows(f"select version_num from {VERSION_TABLE}")
