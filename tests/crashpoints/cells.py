"""The matrix: each crash point, at each of its first passings, under each behaviour of the host."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tpayd.kit.crashpoints import TABLE

__all__ = ["BEHAVIOURS", "ORIGINALS", "PASSINGS", "PAYING", "Cell", "Found", "Stage", "all_cells", "spread"]

Stage = tuple[str, int]

BEHAVIOURS = {
    "approve": 0,
    "decline": 51,
    "silent": 91,
    "deaf": 92,
    "late": 93,
    "twice": 94,
    "garbled": 95,
    "split": 96,
    "hang_up": 97,
    "bad_mac": 98,
}
"""The last four digits of an amount, by which the sandbox's host behaves so."""
PASSINGS = (1, 2)
PAYING = ("sale", "cash_ic_sale", "cash_receipt", "simple_pay")
ORIGINALS = {"void": "sale", "cash_ic_refund": "cash_ic_sale", "cash_receipt_void": "cash_receipt"}
"""What gives back, and what of."""

_BEFORE: dict[str, Stage] = {
    "recovery.before_commit": ("transmit.before_send", 1),
    "recovery.after_commit": ("transmit.before_send", 1),
    "counter.before_reserve": ("mac.before_made", 1),
    "counter.after_reserve": ("mac.before_made", 1),
}
"""Points that a process passes after its start: it has to die elsewhere first."""
_CASH_IC = frozenset({"inquiry.before_send", "inquiry.after_answer"})
"""Points that only a payment passes that is asked about: one on a bank account."""


@dataclass(frozen=True)
class Cell:
    """One place of the matrix."""

    point: str
    behaviour: str
    passing: int
    order: str = "sale"

    @property
    def process(self) -> str:
        return TABLE[self.point].process

    @property
    def trigger(self) -> int:
        return BEHAVIOURS[self.behaviour]

    @property
    def asked(self) -> str:
        """The kind of payment; some points are passed by one alone."""
        return "cash_ic_sale" if self.point in _CASH_IC and self.order == "sale" else self.order

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What to arm: the n-th passing, or the n-th start of the process."""
        before = _BEFORE.get(self.point)
        if before is None:
            return ((self.point, self.passing),)
        return (before, *itertools.repeat((self.point, 1), self.passing))

    @property
    def sales_max(self) -> int:
        """Sales after which it has fired, if it is passed at all."""
        return self.passing + (self.point in _BEFORE)


@dataclass(frozen=True)
class Found:
    """What came of one cell."""

    cell: Cell
    verdict: str | None
    """Of the sale during which it fired; None: the point is not passed with this behaviour."""
    holes: tuple[str, ...] = ()
    verdict_s: float = 0.0
    """From the moment at which everything was ready again to the verdict; 0 where it came before."""


def all_cells(
    points: Iterable[str] = TABLE,
    behaviours: Iterable[str] = BEHAVIOURS,
    passings: Iterable[int] = PASSINGS,
    order: str = "sale",
) -> list[Cell]:
    """Every combination."""
    return [Cell(*each, order) for each in itertools.product(points, behaviours, passings)]


def spread(cells: Sequence[Cell]) -> list[Cell]:
    """The same, so ordered that a process rarely dies twice in a row: supervisor delays one that dies at its start."""
    place: dict[Cell, float] = {}
    for process in {cell.process for cell in cells}:
        own = [cell for cell in cells if cell.process == process]
        place |= {cell: (at + 0.5) / len(own) for at, cell in enumerate(own)}
    return sorted(cells, key=lambda cell: (place[cell], cell.process))
