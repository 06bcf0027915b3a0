"""A process may die at any named point of a payment: afterwards the books agree. `make crashpoints` tries them all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crashpoints.bench import Bench
from tests.crashpoints.cells import BEHAVIOURS, Cell, all_cells, spread
from tpayd.kit.crashpoints import TABLE

pytestmark = pytest.mark.alone

SAMPLE = (
    (Cell("gateway.before_reply", "approve", 1), "PAID"),
    (Cell("journal.before_commit", "approve", 2), "NOT_PAID"),
    (Cell("counter.after_reserve", "approve", 1), "NOT_PAID"),
    (Cell("transmit.before_send", "silent", 1), "NOT_PAID"),
    (Cell("port.after_read", "decline", 2), "NOT_PAID"),
    (Cell("finish.after_card", "approve", 1), "NOT_PAID"),
    (Cell("line.after_send", "hang_up", 1), "NOT_PAID"),
    (Cell("tell.before_answer", "approve", 1), "PAID"),
    (Cell("mac.after_check", "split", 1), "NOT_PAID"),
    (Cell("reversal.after_answer", "silent", 1), "NOT_PAID"),
    (Cell("inquiry.after_answer", "silent", 1), "PAID"),
    (Cell("transmit.before_send", "approve", 1, "void"), "NOT_PAID"),
    (Cell("recovery.before_commit", "approve", 1), "NOT_PAID"),
)
VERDICT_MAX_S = 2.0


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench.opened(tmp_path_factory.mktemp("crashpoints")) as opened:
        yield opened


@pytest.mark.parametrize(("cell", "verdict"), SAMPLE, ids=lambda value: value.point if isinstance(value, Cell) else "")
def test_books_agree_after_a_death(bench: Bench, cell: Cell, verdict: str) -> None:
    """What the POS was told, the journal and the ledger; and the verdict came soon after the process was back."""
    found = bench.try_out(cell)
    assert ((), verdict) == (found.holes, found.verdict)
    assert found.verdict_s < VERDICT_MAX_S


def test_no_point_is_dead(bench: Bench) -> None:
    """Payments that are approved, reversed and inquired about, and restarts, pass every point of the table."""
    if not bench.board.counts()["recovery.before_commit"]:
        for cell, _ in SAMPLE:  # this test runs alone
            bench.try_out(cell)
    assert [] == [point for point, count in bench.board.counts().items() if point in TABLE and not count]


def test_the_matrix_has_every_point_and_every_behaviour() -> None:
    """And no cell twice."""
    cells = spread(all_cells())
    assert len(TABLE) * len(BEHAVIOURS) * 2 == len(cells) == len(set(cells))
