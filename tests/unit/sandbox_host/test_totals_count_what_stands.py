"""The host's own totals of a terminal and a business day, against which a store's are held."""

from __future__ import annotations

from pathlib import Path

from tests.unit.sandbox_host.samples import CARD, DAY, request, reversal_of, take, void_of
from tpayd.hosts import HostTotals, Kind
from tpayd.sandbox.host.ledger import Ledger, open_database


def test_totals_count_what_stands(tmp_path: Path) -> None:
    """Sales of every kind, voids that stand, reversals once, cash receipts apart; no decline, no balance."""
    ledger = Ledger(open_database(tmp_path / "host.sqlite3"))
    sale, wallet, account = request(), request(Kind.SIMPLE_PAY, 20_000), request(Kind.CASH_IC_SALE, 30_000)
    receipt, lost, other = (
        request(Kind.CASH_RECEIPT, 40_000),
        request(total_minor=50_000),
        request(terminal_id="TPAY0002"),
    )
    for each in (
        sale,
        wallet,
        account,
        receipt,
        lost,
        other,
        request(Kind.CASH_IC_BALANCE),
        request(business_day="20260315"),
    ):
        take(ledger, each)
    ledger.book(request(), CARD, "51")
    for void in (void_of(sale, 1_000), void_of(wallet), void_of(account), void_of(receipt, 5_000)):
        take(ledger, void)
    taken_back = void_of(sale, 2_000)
    take(ledger, taken_back)
    for _ in range(2):
        ledger.reverse(reversal_of(lost))
        ledger.reverse(reversal_of(taken_back))
    assert HostTotals(
        sales_count=3, sales_minor=60_000, voids_count=3, voids_minor=51_000, reversals_count=2,
        reversals_minor=52_000, cash_receipts_count=1, cash_receipts_minor=40_000, cash_receipt_voids_count=1,
        cash_receipt_voids_minor=5_000,
    ) == ledger.lookups.totals("TPAY0001", DAY)  # fmt: skip


def test_a_reversal_counts_on_its_own_day(tmp_path: Path) -> None:
    """One that is answered after midnight belongs to the day after; the day before has lost its sale."""
    ledger = Ledger(open_database(tmp_path / "host.sqlite3"))
    sale = request()
    take(ledger, sale)
    ledger.reverse(reversal_of(sale, business_day="20260315"))
    assert HostTotals() == ledger.lookups.totals("TPAY0001", DAY)
    assert HostTotals(reversals_count=1, reversals_minor=10_000) == ledger.lookups.totals("TPAY0001", "20260315")


def test_a_reversal_that_found_nothing_counts_nothing(tmp_path: Path) -> None:
    """Until its original has come, and it is answered 00."""
    ledger = Ledger(open_database(tmp_path / "host.sqlite3"))
    sale = request()
    reversal = reversal_of(sale)
    ledger.reverse(reversal)
    take(ledger, sale)
    assert HostTotals() == ledger.lookups.totals("TPAY0001", DAY)
    ledger.reverse(reversal)
    assert (1, 1) == (ledger.lookups.totals("TPAY0001", DAY).reversals_count, ledger.reversals)
