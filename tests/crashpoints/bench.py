"""One store in which cell after cell is tried: arm, sell, let it die and heal, compare the three books."""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.crashpoints.cells import ORIGINALS, PAYING, Cell, Found, Stage
from tests.harness import SupervisedStore
from tests.torture.oracle import Oracle
from tests.torture.orders import PHONE, WALLET_CODE, Order, Wish
from tests.torture.recovery import ReadyTimes
from tests.torture.tills import ask_for
from tests.torture.told import Told
from tpayd.kit.crashpoints import VARIABLE, Switchboard
from tpayd_client.types import (
    Amount,
    CashIcRefundRequest,
    CashIcSaleRequest,
    CashReceiptPurpose,
    CashReceiptRequest,
    CashReceiptVoidReason,
    CashReceiptVoidRequest,
    OriginalPayment,
    SaleRequest,
    SimplePayRequest,
    VoidRequest,
)
from tpayd_contracts.sandbox import HostMode, HostRequest

__all__ = ["QUICK", "Bench"]

CARD = "visa-ic,cash-ic"
LANE = "1"
QUICK: dict[str, dict[str, object]] = {
    "transaction": {
        "signature": "off",
        "answer_wait_s": 0.8,
        "reversal_waits_s": [0.2, 0.5],
        "host_max_processing_s": 0.8,
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
        self._known: set[str] = set()
        """Holes of earlier cells: the books keep them."""

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
        stages, verdict, verdict_s, holes = list(cell.stages), None, 0.0, list[str]()
        for _ in range(cell.sales_max):
            told, sold = self._ask_armed(cell, stages)
            holes += self._oracle.settle(_HEAL_S)
            left = self.board.armed()
            self.board.arm()
            if len(left) < len(stages):
                self.store.wait_ready(timeout_s=_HEAL_S)
                verdict = told.verdict
                healed_s = self._ready.of(cell.process)[-1]
                verdict_s = max(verdict_s, told.told_s - max(told.began_s, healed_s))
            if sold is not None and told.verdict != "PAID":
                holes += self._still_claimed(cell.asked, sold)
            stages = left
            if not stages:
                break
        self.store.wait_ready(timeout_s=_HEAL_S)
        holes += self._oracle.disagreements() + self._oracle.duplicate_stans() + self._oracle.leases_left()
        new = [hole for hole in holes if hole not in self._known]
        self._known.update(new)
        return Found(cell, None if stages else verdict, tuple(new), verdict_s)

    def _ask_armed(self, cell: Cell, stages: Sequence[Stage]) -> tuple[Told, Told | None]:
        """The payment of the cell, and what it gives back: that was sold before anything was armed."""
        kind = cell.asked
        if kind in PAYING:
            self.board.arm(*stages)
            return self._sell(kind, cell.trigger), None
        sold = self._sell(ORIGINALS[kind])
        if cell.behaviour != "approve":
            self.store.sandbox.host(HostMode(cell.behaviour), times=1, only=HostRequest(kind))
        self.board.arm(*stages)
        return self._give_back(kind, sold), sold

    def _still_claimed(self, kind: str, sold: Told) -> list[str]:
        """What was not given back can be given back by the next who asks."""
        self.store.wait_ready(timeout_s=_HEAL_S)
        self.store.sandbox.host(HostMode.APPROVE)
        again = self._give_back(kind, sold)
        refused = [] if again.verdict == "PAID" else [f"not given back afterwards: {again}"]
        return self._oracle.settle(_HEAL_S) + refused

    def _sell(self, kind: str, trigger: int = 0) -> Told:
        amount = Amount(total_minor=next(self._amounts) * 10_000 + trigger)
        return self._ask(kind, _order(kind, amount), amount.total_minor)

    def _give_back(self, kind: str, sold: Told) -> Told:
        return self._ask(kind, _giving_back(kind, sold.request_id), sold.amount_minor)

    def _ask(self, kind: str, order: Order, amount_minor: int) -> Told:
        with self.store.client(connect_timeout_s=_HEAL_S) as pos:
            told, _ = ask_for(pos, Wish(kind, order, amount_minor), str(uuid.uuid4()))
        self._oracle.hear([told])
        return told


def _order(kind: str, amount: Amount) -> Order:
    match kind:
        case "cash_ic_sale":
            return CashIcSaleRequest(LANE, amount)
        case "cash_receipt":
            return CashReceiptRequest(LANE, amount, CashReceiptPurpose.DEDUCTION, identity=PHONE)
        case "simple_pay":
            return SimplePayRequest(LANE, amount, code=WALLET_CODE)
        case _:
            return SaleRequest(LANE, amount)


def _giving_back(kind: str, request_id: str) -> Order:
    original = OriginalPayment(request_id=request_id)
    match kind:
        case "cash_ic_refund":
            return CashIcRefundRequest(LANE, original)
        case "cash_receipt_void":
            return CashReceiptVoidRequest(LANE, original, CashReceiptVoidReason.CANCEL)
        case _:
            return VoidRequest(LANE, original)
