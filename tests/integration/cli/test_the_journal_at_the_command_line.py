"""`tpayd journal`: the books of a store that stands still, at the command line."""

from __future__ import annotations

import csv
import io
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.harness import Store, tpayd
from tests.harness.journals import Place
from tests.harness.postgres import PostgresServer
from tests.unit.transaction.samples import EVENTS, NOW_MS, PAYMENT, run
from tpayd.cli.exits import Exit
from tpayd.kit.instance import Instance
from tpayd.kit.lock import ServiceLock
from tpayd.transaction import events as ev
from tpayd.transaction.journal import JournalStore
from tpayd.transaction.journal.entries import Entry

BY_TYPE = {type(event): event for event in EVENTS}
SALE = (ev.Leased, ev.CardRead, ev.Sealed, ev.HostApproved, ev.CardAccepted)
DAY = "2026-09-22"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An instance with two sales and one that was aborted, in its journal."""
    home = Store(tmp_path / "store", services=()).instance.home
    with closing(JournalStore(f"sqlite:///{home / 'data' / 'journal.sqlite3'}")) as store:
        store.open()
        for number, kinds in enumerate((SALE, SALE, (ev.Leased, ev.CardFailed))):
            payment = replace(PAYMENT, payment_id=f"p{number:035d}", request_id=f"r{number:035d}")
            entries = [Entry(payment, ev.Created(payment), NOW_MS)]
            for kind in kinds:
                payment = run(payment, BY_TYPE[kind])
                entries.append(Entry(payment, BY_TYPE[kind], NOW_MS))
            store.write(entries, [])
    return home


def change(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "data" / "journal.sqlite3")) as connection, connection:
        connection.execute(statement)


def test_an_intact_journal_verifies(home: Path) -> None:
    """Exit status 0, and what was looked at."""
    said = tpayd("journal", "verify", home=home)
    assert (Exit.OK, "intact: 15 events (0 purged), 3 payments, 1 lanes") == (said.status, said.out.splitlines()[-1])
    assert {
        "intact": True,
        "events": 15,
        "purged": 0,
        "payments": 3,
        "lanes": 1,
        "damages": 0,
        "findings": [],
    } == tpayd("journal", "verify", "--json", home=home).json


def test_a_damaged_journal_says_where(home: Path) -> None:
    """Exit status 1, and each damage with its place."""
    change(home, "update events set at_ms = 0 where position = 8")
    said = tpayd("journal", "verify", home=home)
    place = "event 8, lane 1, number 8, payment p00000000000000000000000000000000001"
    assert Exit.NO == said.status
    what = "it has changed since it was written, unless number 7 of its lane, position 7, was replaced as a whole"
    assert f"damaged: {place}: {what}" in said.out.splitlines()
    (finding,) = tpayd("journal", "verify", "--json", home=home).json["findings"]
    assert (8, "1", 8) == (finding["position"], finding["lane"], finding["seq"])


def test_a_file_that_is_no_database_is_told_so(home: Path) -> None:
    """Not with a traceback."""
    path = home / "data" / "journal.sqlite3"
    path.write_bytes(b"x" * 8192)
    said = tpayd("journal", "verify", "--json", home=home)
    assert (Exit.FAILED, "storage_failed") == (said.status, said.json["error"]["code"])
    assert "not a database" in said.json["error"]["message"]


def test_the_accountant_gets_each_sale_once(home: Path) -> None:
    """With amounts taken apart and the card masked; what never went to the host is no sale."""
    said = tpayd("journal", "export", "--from", DAY, home=home)
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [f"r{number:035d}" for number in range(2)] == [row["request_id"] for row in rows]
    assert ("11000", "10000", "1000", "PAID", "approved", "123456", "411111******1111", "20260922") == tuple(
        rows[0][name]
        for name in ("total_minor", "supply_minor", "vat_minor", "verdict", "state", "approval_code", "card",
                     "business_day")
    )  # fmt: skip
    as_json = tpayd("journal", "export", "--from", DAY, "--to", "2026-09-30", "--json", home=home).json
    assert ("20260922", "20260930", 2) == (as_json["from"], as_json["to"], len(as_json["payments"]))
    assert {name: str(value) for name, value in as_json["payments"][1].items()} == rows[1]
    assert [] == tpayd("journal", "export", "--from", "2026-09-23", "--json", home=home).json["payments"]


def test_an_export_to_a_file_overwrites_nothing(home: Path, tmp_path: Path) -> None:
    """And wrong days are refused by name."""
    out = tmp_path / "out.csv"
    arguments = ("journal", "export", "--from", DAY, "--out", str(out))
    assert (Exit.OK, Exit.REFUSED) == (tpayd(*arguments, home=home).status, tpayd(*arguments, home=home).status)
    assert 3 == len(out.read_text().splitlines())
    wrong = tpayd("journal", "export", "--from", DAY, "--to", "2026-09-01", home=home)
    assert (Exit.USAGE, True) == (wrong.status, "is before --from" in wrong.err)


def test_old_details_are_purged_on_demand(home: Path) -> None:
    """The journal still verifies, and the sales are still in the export."""
    assert 0 == tpayd("journal", "purge", "--older-than", "36500", "--json", home=home).json["payments"]
    change(home, "update events set at_ms = 1")  # the chain minds, the purge does not
    said = tpayd("journal", "purge", "--older-than", "1", "--json", home=home)
    assert {"older_than_days": 1, "payments": 3, "events": 15} == said.json
    rows = tpayd("journal", "export", "--from", DAY, "--json", home=home).json["payments"]
    assert [(11_000, "", "approved")] * 2 == [(row["total_minor"], row["card"], row["state"]) for row in rows]


def test_what_needs_the_daemon_stopped_says_so(home: Path) -> None:
    """Nothing is touched under a running daemon's feet."""
    with closing(ServiceLock(Instance.open(home, create=False).run_file("transaction", "lock"))):
        for command in (("purge",), ("move", "--to", "postgresql://nobody@/x"), ("claim", "--yes")):
            said = tpayd("journal", *command, home=home)
            assert (Exit.REFUSED, True) == (said.status, "tpayd down" in said.err)
        assert Exit.OK == tpayd("journal", "verify", home=home).status


def test_a_journal_moves_to_postgresql_with_its_setting(home: Path, postgres: PostgresServer) -> None:
    """Two commands and it is there; and back again."""
    there = Place("postgresql", postgres.database())
    said = tpayd("journal", "move", "--to", there.url, "--json", home=home)
    assert (Exit.OK, 15, 3) == (said.status, said.json["events"], said.json["payments"])
    settings = tomllib.loads((home / "config" / "transaction.toml").read_text())
    assert there.url == settings["journal_url"]
    assert 15 == tpayd("journal", "verify", "--json", home=home).json["events"]
    assert "there already" in tpayd("journal", "move", "--to", there.url, home=home).err
    assert Exit.OK == tpayd("journal", "move", "--to", "file", home=home).status
    assert "" == tomllib.loads((home / "config" / "transaction.toml").read_text())["journal_url"]
    assert 15 == tpayd("journal", "verify", "--json", home=home).json["events"]


def test_a_wrong_place_is_refused_with_the_way_out(home: Path, tmp_path: Path) -> None:
    """And the setting stays."""
    for url, what in (
        ("mysql://x@y/z", "not supported"), ("nonsense", "no database URL"), ("sqlite://", "names no file"),
        (f"postgresql://postgres@/x?host={tmp_path}", "cannot be read"),
    ):  # fmt: skip
        said = tpayd("journal", "move", "--to", url, home=home)
        assert (True, True) == (said.status != Exit.OK, what in said.err), said
    assert "" == tomllib.loads((home / "config" / "transaction.toml").read_text())["journal_url"]


def test_another_instances_journal_can_be_claimed(home: Path, tmp_path: Path, postgres: PostgresServer) -> None:
    """For the machine that replaces a broken one."""
    there = Place("postgresql", postgres.database())
    assert Exit.OK == tpayd("journal", "move", "--to", there.url, home=home).status
    other = Store(tmp_path / "other", services=()).instance.home
    config = other / "config" / "transaction.toml"
    config.write_text(config.read_text().replace('journal_url = ""', f'journal_url = "{there.url}"'))
    refused = tpayd("journal", "purge", home=other)
    assert (Exit.REFUSED, True) == (refused.status, "tpayd journal claim" in refused.err)
    assert Exit.OK == tpayd("journal", "claim", "--yes", home=other).status
    assert Exit.OK == tpayd("journal", "purge", home=other).status
    assert Exit.REFUSED == tpayd("journal", "purge", home=home).status
