"""The oracle of the torture is no rubber stamp: each book that differs is found, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from tests.torture.oracle import Oracle
from tests.torture.told import UNTOLD, Told
from tpayd_contracts.sandbox import LedgerEntry

PAID = Told("1", "a", 10_000, "PAID", "approved")
REFUSED = Told("2", "b", 20_000, "NOT_PAID", "unknown")


def booked(amount_minor: int, net_minor: int, stan: str = "000001") -> LedgerEntry:
    return LedgerEntry(1, "TPAY0001", stan, "20260131", amount_minor, net_minor, "00", "411111******1111")


def oracle(told: list[Told], ledger: list[LedgerEntry], **daemon: str) -> Oracle:
    """Three books; the daemon's says what the POS was told, unless another verdict is given by request id."""
    store: Any = SimpleNamespace(sandbox=SimpleNamespace(ledger=lambda: ledger))
    verdicts = {each.request_id: each.verdict for each in told} | daemon
    final: Any = {key: SimpleNamespace(verdict=verdict, reversal_pending=False) for key, verdict in verdicts.items()}
    return Oracle(store, told, final)


def test_books_that_agree() -> None:
    """A sale that stands, and one that was taken back."""
    books = oracle([PAID, REFUSED], [booked(10_000, 10_000), booked(20_000, 0, "000002")])
    assert ([], []) == (books.disagreements(), books.duplicate_stans())


def test_a_customer_who_was_charged_for_nothing() -> None:
    """The POS heard NOT PAID, the host keeps the money."""
    assert 1 == len(oracle([REFUSED], [booked(20_000, 20_000)]).disagreements())


def test_goods_that_nobody_paid_for() -> None:
    """The POS heard PAID, the host has nothing."""
    assert 1 == len(oracle([PAID], []).disagreements())


def test_a_daemon_that_changes_its_mind() -> None:
    """The host agrees with what the POS was told, the journal does not."""
    assert 1 == len(oracle([PAID], [booked(10_000, 10_000)], a="NOT_PAID").disagreements())


def test_a_booking_that_no_pos_knows_of() -> None:
    """Money of a stranger."""
    assert 1 == len(oracle([], [booked(30_000, 30_000)]).disagreements())


def test_a_void_and_its_original_are_compared_together() -> None:
    """What was given back is not paid; a void that failed leaves the sale as it was."""
    void = replace(PAID, request_id="c", kind="void")
    assert [] == oracle([PAID, void], [booked(10_000, 0), booked(10_000, 0, "000002")]).disagreements()
    assert 1 == len(oracle([PAID, void], [booked(10_000, 10_000)]).disagreements())
    failed = replace(void, verdict="NOT_PAID")
    assert [] == oracle([PAID, failed], [booked(10_000, 10_000)]).disagreements()


def test_where_a_pos_knows_nothing_the_other_two_books_must_agree() -> None:
    """It counts as unresolved elsewhere."""
    unknown = replace(PAID, verdict=UNTOLD)
    assert [] == oracle([unknown], [booked(10_000, 10_000)], a="PAID").disagreements()
    assert 1 == len(oracle([unknown], [booked(10_000, 10_000)], a="NOT_PAID").disagreements())


def test_a_stan_that_comes_twice() -> None:
    """Under one terminal and business day."""
    assert 1 == len(oracle([], [booked(10_000, 0), booked(20_000, 0)]).duplicate_stans())
