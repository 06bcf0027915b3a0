"""A void or refund lowers the net of its original, once, by what is left of it, and its reversal gives it back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sandbox_host.samples import CARD, entry, named, request, reversal_of, take, void_of
from tpayd.hosts import Financial, Kind, Original
from tpayd.sandbox.host.ledger import Booked, Ledger, open_database

TAKEN_BACK = [Kind.SALE, Kind.SIMPLE_PAY, Kind.CASH_RECEIPT, Kind.CASH_IC_SALE]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    database = open_database(tmp_path / "host.sqlite3")
    yield database
    database.close()


@pytest.fixture
def ledger(database: sqlite3.Connection) -> Ledger:
    return Ledger(database)


def sold(ledger: Ledger, kind: Kind = Kind.SALE, **changes: Any) -> tuple[Financial, int]:
    sale = request(kind, **changes)
    return sale, take(ledger, sale).number


@pytest.mark.parametrize("kind", TAKEN_BACK)
def test_a_void_makes_the_net_of_its_original_zero(ledger: Ledger, kind: Kind) -> None:
    """Its own net is 0 as well, and it names its original."""
    sale, number = sold(ledger, kind)
    booked = take(ledger, void_of(sale))
    original, void = entry(ledger, number), entry(ledger, booked.number)
    assert ("00", 0, 10_000, "00") == (
        booked.response_code, original.net_minor, original.voided_minor, original.response_code,
    )  # fmt: skip
    assert (0, 10_000, number, False) == (void.net_minor, void.amount_minor, void.original, original.reversed)


@pytest.mark.parametrize("kind", TAKEN_BACK)
def test_a_reversed_void_makes_its_original_stand_again(ledger: Ledger, kind: Kind) -> None:
    """However often the reversal comes; then it may be voided anew."""
    sale, number = sold(ledger, kind)
    void = void_of(sale)
    take(ledger, void)
    reversal = reversal_of(void)
    assert ["00", "00"] == [ledger.reverse(reversal), ledger.reverse(reversal)]
    assert (10_000, 0) == (entry(ledger, number).net_minor, entry(ledger, number).voided_minor)
    assert "00" == take(ledger, void_of(sale)).response_code


def test_the_same_void_again_is_answered_from_the_book(ledger: Ledger) -> None:
    """Not 'already voided', though it has been: by itself."""
    sale, _ = sold(ledger)
    void = void_of(sale)
    first = take(ledger, void)
    assert Booked(first.number, "00", fresh=False) == take(ledger, void)


def test_parts_add_up_to_the_whole_and_no_further(ledger: Ledger) -> None:
    """Three parts of 10,000; the fourth finds nothing left."""
    sale, number = sold(ledger)
    codes = [take(ledger, void_of(sale, part)).response_code for part in (3_000, 4_000, 4_000, 3_000, 10)]
    assert ["00", "00", "13", "00", "21"] == codes
    assert (0, 10_000) == (entry(ledger, number).net_minor, entry(ledger, number).voided_minor)


def test_a_reversed_part_is_left_again(ledger: Ledger) -> None:
    """Only that part."""
    sale, number = sold(ledger)
    parts = [void_of(sale, part) for part in (3_000, 4_000)]
    for part in parts:
        take(ledger, part)
    ledger.reverse(reversal_of(parts[0]))
    assert (6_000, 4_000) == (entry(ledger, number).net_minor, entry(ledger, number).voided_minor)


@pytest.mark.parametrize(("part_minor", "code"), [(3_000, "13"), (10_000, "00")])
def test_a_host_may_refuse_parts(ledger: Ledger, part_minor: int, code: str) -> None:
    """By its profile: the whole or nothing."""
    sale, _ = sold(ledger)
    assert code == take(ledger, void_of(sale, part_minor), partial=False).response_code


def test_what_nobody_knows_is_not_voided(ledger: Ledger) -> None:
    """25: another STAN, another time, another terminal, a decline's approval code."""
    sale, number = sold(ledger)
    for original in (
        Original(stan="999999", local=sale.local),
        Original(stan=sale.stan, local="20260314150927"),
        Original(stan=sale.stan, local=sale.local, terminal_id="TPAY0002"),
        Original(stan=sale.stan, local=sale.local, approval_code="999999"),
        Original(approval_code="ABCDEF", business_day="20260314", amount_minor=10_000),
        Original(approval_code=f"{number:06d}", business_day="20260312", amount_minor=10_000),
    ):
        assert "25" == take(ledger, void_of(sale, original=original)).response_code
    assert 10_000 == entry(ledger, number).net_minor


def test_a_receipt_names_its_payment(ledger: Ledger) -> None:
    """Approval code, date and amount, from whichever terminal of the merchant."""
    sale, number = sold(ledger, terminal_id="TPAY0007")
    shown = Original(approval_code=f"{number:06d}", business_day=sale.business_day, amount_minor=10_000)
    assert "00" == take(ledger, void_of(sale, terminal_id="TPAY0001", original=shown)).response_code
    assert 0 == entry(ledger, number).net_minor


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"merchant_id": "ANOTHERSHOP0001"}, "03"),
        ({"total_minor": 10_010}, "13"),
        ({"kind": Kind.CASH_RECEIPT_VOID}, "25"),
        ({"kind": Kind.SIMPLE_PAY_VOID}, "25"),
    ],
)
def test_a_void_that_does_not_fit_is_declined(ledger: Ledger, change: dict[str, Any], code: str) -> None:
    """Another merchant's, more than was paid, another kind: the sale stands."""
    sale, number = sold(ledger)
    assert code == take(ledger, void_of(sale, **change)).response_code
    assert 10_000 == entry(ledger, number).net_minor


def test_a_receipt_with_another_amount_is_declined(ledger: Ledger) -> None:
    """13: whoever read it misread it."""
    sale, number = sold(ledger)
    shown = Original(approval_code=f"{number:06d}", business_day=sale.business_day, amount_minor=10_010)
    assert "13" == take(ledger, void_of(sale, original=shown)).response_code


def test_a_void_by_receipt_is_good_for_a_wallet(ledger: Ledger) -> None:
    """A receipt does not say which of the two paid."""
    sale, number = sold(ledger, Kind.SIMPLE_PAY)
    assert "00" == take(ledger, request(Kind.VOID, original=named(sale))).response_code
    assert 0 == entry(ledger, number).net_minor


def test_what_was_declined_or_reversed_is_not_voided(ledger: Ledger) -> None:
    """12: there is nothing to give back."""
    declined, reversed_sale = request(), request()
    from_book = [
        ledger.book(sale, card, code) for sale, card, code in ((declined, CARD, "51"), (reversed_sale, CARD, "00"))
    ]
    ledger.reverse(reversal_of(reversed_sale))
    assert ["12", "12"] == [take(ledger, void_of(sale)).response_code for sale in (declined, reversed_sale)]
    assert [0, 0] == [entry(ledger, booked.number).net_minor for booked in from_book]


def test_a_sale_reversed_after_its_void_stays_at_zero(ledger: Ledger) -> None:
    """Even when the void is taken back too."""
    sale, number = sold(ledger)
    void = void_of(sale)
    take(ledger, void)
    ledger.reverse(reversal_of(sale))
    ledger.reverse(reversal_of(void))
    assert 0 == entry(ledger, number).net_minor


def test_a_void_that_comes_after_its_reversal_takes_nothing_back(ledger: Ledger) -> None:
    """12, as with a sale; and its reversal, repeated, gives nothing back that was never taken."""
    sale, number = sold(ledger)
    void = void_of(sale)
    reversal = reversal_of(void)
    assert "25" == ledger.reverse(reversal)
    assert "12" == take(ledger, void).response_code
    assert "00" == ledger.reverse(reversal)
    assert (10_000, 0) == (entry(ledger, number).net_minor, entry(ledger, number).voided_minor)


def test_a_reversal_of_another_kind_reverses_nothing(ledger: Ledger) -> None:
    """12: DE 3 is not its original's."""
    sale, number = sold(ledger)
    assert "12" == ledger.reverse(reversal_of(sale, kind=Kind.VOID))
    assert 10_000 == entry(ledger, number).net_minor


def test_voids_survive_a_restart(tmp_path: Path) -> None:
    """What was voided is read again from the disk."""
    first = open_database(tmp_path / "host.sqlite3")
    ledger = Ledger(first)
    sale, number = sold(ledger)
    take(ledger, void_of(sale, 4_000))
    ledger.commit()
    first.close()
    second = open_database(tmp_path / "host.sqlite3")
    again = Ledger(second)
    assert (6_000, 4_000) == (entry(again, number).net_minor, entry(again, number).voided_minor)
    assert "13" == take(again, void_of(sale, 7_000)).response_code
    second.close()


def test_a_ledger_of_the_first_version_is_still_read(tmp_path: Path) -> None:
    """Its sales are there, with nothing voided."""
    old = sqlite3.connect(tmp_path / "host.sqlite3")
    old.executescript(
        "CREATE TABLE entry (number INTEGER PRIMARY KEY, terminal_id TEXT NOT NULL, business_day TEXT NOT NULL,"
        " stan TEXT NOT NULL, sent TEXT NOT NULL, amount_minor INTEGER NOT NULL, net_minor INTEGER NOT NULL,"
        " response_code TEXT NOT NULL, masked_pan TEXT NOT NULL, token TEXT NOT NULL,"
        " reversed INTEGER NOT NULL DEFAULT 0, UNIQUE (stan, terminal_id, business_day));"
        "INSERT INTO entry VALUES (1, 'TPAY0001', '20260314', '000042', '0314150926', 11000, 11000, '00', 'm', 't', 0);"
    )
    old.close()
    database = open_database(tmp_path / "host.sqlite3")
    assert ("sale", 11_000, 0) == (
        entry(Ledger(database), 1).kind, entry(Ledger(database), 1).net_minor, entry(Ledger(database), 1).voided_minor,
    )  # fmt: skip
    database.close()
