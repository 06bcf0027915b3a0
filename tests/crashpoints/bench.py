"""One store in which cell after cell is tried: arm, sell, let it die and heal, compare the three books."""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.crashpoints.cells import Cell, Found
from tests.harness import SupervisedStore
from tests.torture.oracle import Oracle
from tests.torture.orders import Wish
from tests.torture.recovery import ReadyTimes
from tests.torture.tills import ask_for
from tests.torture.told import Told
from tpayd.kit.crashpoints import VARIABLE, Switchboard
from tpayd_client.types import Amount, CashIcSaleRequest, SaleRequest

__all__ = ["QUICK", "Bench"]

CARD = "visa-ic,cash-ic"
LANE = "1"
QUICK: dict[str, dict[str, object]] = {
    "transaction": {
        "signature": "off",
        "answer_wait_s": 0.8,
        "reversal_waits_s": [0.2, 0.5],
        "host_max_processing_s": 0.5,
        "inquiry_wait_s": 0.3,
    },
    "sandbox_host": {"late_answer_s": 1.2},
}
_HEAL_S = 60.0


class Bench:
    """A running store whose points can be armed; made by `opened`."""

    def __init__(self, store: SupervisedStore) -> None:
        self.store = store
        self.board = Switchboard.of(store.instance)
        self._oracle = Oracle(store)
        self._ready = ReadyTimes(store.instance)
        self._amounts = itertools.count(1)

    @classmethod
    @contextmanager
    def opened(cls, directory: Path) -> Iterator[Bench]:
        """Start the store; it ends with the block."""
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = "1"
        try:
            with SupervisedStore(directory, lanes=1, readers=1, settings=QUICK) as store:
                store.open_shop(card=CARD)
                yield cls(store)
        finally:
            if before is None:
                del os.environ[VARIABLE]

    def try_out(self, cell: Cell) -> Found:
        """One cell. The store is whole again afterwards."""
        self.store.forgive_crashes()
        self.board.arm(*cell.stages)
        verdict, verdict_s, holes = None, 0.0, list[str]()
        for _ in range(cell.sales_max):
            stages = len(self.board.armed())
            sale = self._sell(cell)
            holes += self._oracle.settle(_HEAL_S)
            if len(self.board.armed()) < stages:
                self.store.wait_ready(timeout_s=_HEAL_S)
                verdict = sale.verdict
                healed_s = self._ready.of(cell.process)[-1]
                verdict_s = max(verdict_s, sale.told_s - max(sale.began_s, healed_s))
            if not self.board.armed():
                break
        fired = not self.board.armed()
        self.board.arm()
        self.store.wait_ready(timeout_s=_HEAL_S)
        holes += self._oracle.disagreements() + self._oracle.duplicate_stans() + self._oracle.leases_left()
        return Found(cell, verdict if fired else None, tuple(holes), verdict_s)

    def _sell(self, cell: Cell) -> Told:
        amount = Amount(total_minor=next(self._amounts) * 10_000 + cell.trigger)
        order = CashIcSaleRequest(LANE, amount) if cell.on_account else SaleRequest(LANE, amount)
        with self.store.client(connect_timeout_s=_HEAL_S) as pos:
            sale, _ = ask_for(pos, Wish("sale", order, amount.total_minor), str(uuid.uuid4()))
        self._oracle.hear([sale])
        return sale
