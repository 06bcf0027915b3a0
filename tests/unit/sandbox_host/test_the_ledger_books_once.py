"""The sandbox's ledger: the third opinion on every payment, so it has to be right."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.unit.hosts.examples import REVERSAL, SALE
from tpayd.sandbox.host.cards import Card
from tpayd.sandbox.host.ledger import Booked, Ledger, open_database
from tpayd_contracts.money import Amount

CARD = Card(masked_pan="411111******1111", token="t" * 32, issuer="i", acquirer="a")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    database = open_database(tmp_path / "host.sqlite3")
    yield database
    database.close()


@pytest.fixture
def ledger(database: sqlite3.Connection) -> Ledger:
    return Ledger(database)


def nets(ledger: Ledger) -> list[int]:
    return [entry.net_minor for entry in ledger.entries(0, 200)]


def test_an_approved_sale_is_the_customers_money(ledger: Ledger) -> None:
    """Net is the amount; a declined sale's net is 0."""
    ledger.book(SALE, CARD, "00")
    ledger.book(msgspec.structs.replace(SALE, stan="000044"), CARD, "51")
    assert ([11_000, 0], 1, 0) == (nets(ledger), ledger.approvals, ledger.reversals)


def test_the_same_sale_again_is_answered_from_the_book(ledger: Ledger) -> None:
    """Same terminal, business day, STAN: one booking, one answer, whatever the host would say now."""
    assert Booked(1, "00", fresh=True) == ledger.book(SALE, CARD, "00")
    assert Booked(1, "00", fresh=False) == ledger.book(SALE, CARD, "51")
    assert [11_000] == nets(ledger)


@pytest.mark.parametrize("change", [{"amount": Amount(total_minor=12_000)}, {"local": "20260314150927"}])
def test_another_sale_under_the_same_number_is_refused(ledger: Ledger, change: dict[str, object]) -> None:
    """A terminal that uses a STAN twice in a day is told so (94), and nothing is booked."""
    ledger.book(SALE, CARD, "00")
    assert "94" == ledger.book(msgspec.structs.replace(SALE, **change), CARD, "00").response_code
    assert [11_000] == nets(ledger)


def test_another_business_day_may_use_the_number_again(ledger: Ledger) -> None:
    """A STAN is unique per terminal and business day."""
    ledger.book(SALE, CARD, "00")
    tomorrow = msgspec.structs.replace(SALE, business_day="20260315", local="20260315100000")
    assert ledger.book(tomorrow, CARD, "00").fresh


def test_a_reversal_makes_the_net_zero_once(ledger: Ledger) -> None:
    """However often it comes; the answer is yes each time."""
    ledger.book(SALE, CARD, "00")
    answers = [ledger.reverse(REVERSAL), ledger.reverse(msgspec.structs.replace(REVERSAL, repeat=True))]
    assert (["00", "00"], [0], 1) == (answers, nets(ledger), ledger.reversals)


def test_a_sale_repeated_after_its_reversal_is_not_approved(ledger: Ledger) -> None:
    """Its money has gone back."""
    ledger.book(SALE, CARD, "00")
    ledger.reverse(REVERSAL)
    assert ("12", [0]) == (ledger.book(SALE, CARD, "00").response_code, nets(ledger))


def test_a_sale_that_comes_after_its_reversal_is_refused(ledger: Ledger) -> None:
    """A reversal can overtake its sale on another line: it is told 25, and remembered."""
    assert ["25", "25"] == [ledger.reverse(REVERSAL), ledger.reverse(REVERSAL)]
    assert ("12", [0]) == (ledger.book(SALE, CARD, "00").response_code, nets(ledger))
    assert "00" == ledger.reverse(REVERSAL)


def test_a_reversal_of_another_amount_reverses_nothing(ledger: Ledger) -> None:
    """13, and the sale stands."""
    ledger.book(SALE, CARD, "00")
    wrong = msgspec.structs.replace(REVERSAL, amount_minor=10_000)
    assert ("13", [11_000]) == (ledger.reverse(wrong), nets(ledger))


@pytest.mark.parametrize("sale_first", [True, False])
def test_the_book_survives_a_restart(tmp_path: Path, sale_first: bool) -> None:
    """Bookings, reversals and what was not found are read again from the disk."""
    first = open_database(tmp_path / "host.sqlite3")
    ledger = Ledger(first)
    if sale_first:
        ledger.book(SALE, CARD, "00")
    ledger.reverse(REVERSAL)
    ledger.commit()
    first.close()
    second = open_database(tmp_path / "host.sqlite3")
    again = Ledger(second)
    assert (int(sale_first), int(sale_first)) == (again.approvals, again.reversals)
    assert "12" == again.book(SALE, CARD, "00").response_code
    second.close()


def test_what_was_not_committed_never_happened(tmp_path: Path) -> None:
    """A host that dies before its commit has answered nobody, and knows nothing."""
    first = open_database(tmp_path / "host.sqlite3")
    Ledger(first).book(SALE, CARD, "00")
    first.close()
    second = open_database(tmp_path / "host.sqlite3")
    assert () == Ledger(second).entries(0, 10)
    second.close()


def test_every_commit_is_on_the_disk_before_it_is_answered(database: sqlite3.Connection) -> None:
    """WAL with synchronous=FULL (2): each commit syncs."""
    assert ("wal", 2) == (
        database.execute("PRAGMA journal_mode").fetchone()[0], database.execute("PRAGMA synchronous").fetchone()[0],
    )  # fmt: skip
