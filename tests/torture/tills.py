"""Tills that never stop, whatever dies around them, and remember what they were told."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from tests.harness.base import StoreBase
from tests.torture.orders import EVERYTHING, TRIGGERS, Customers, Wish
from tests.torture.told import UNTOLD, Told
from tpayd.kit.instance import OWNER_CLIENT
from tpayd_client import OutcomeUnknown, Pos, TpaydError, connect
from tpayd_client.types import Amount, PaymentProgress, PaymentResult, SaleRequest

__all__ = ["Tills", "ask_for", "sell"]

RESOLVE_S = 120.0
ORDER_S = 60.0
PAUSE_S = 0.5
"""What a cashier does after a refusal before the next customer, so that an outage does not eat the sales."""
_REPEAT = 0.05
"""Share of payments that a POS asks for again, under the same id, when it has the verdict."""
_ACKNOWLEDGE = 0.5
_ABORT = 0.03
"""Share of payments that the cashier wants to end while they are under way."""


def sell(pos: Pos, lane: str, amount_minor: int) -> Told:
    """One sale up to its verdict. Raises TpaydError where none was to be had."""
    wish = Wish("sale", SaleRequest(lane, Amount(total_minor=amount_minor)), amount_minor)
    return ask_for(pos, wish, str(uuid.uuid4()))[0]


def ask_for(
    pos: Pos, wish: Wish, request_id: str, on_progress: Callable[[PaymentProgress], None] | None = None
) -> tuple[Told, PaymentResult | None]:
    """One order up to its verdict. Raises TpaydError where none was to be had."""
    lane, began_s = wish.order.lane, time.time()

    def told(verdict: str, state: str) -> Told:
        return Told(lane, request_id, wish.amount_minor, verdict, state, began_s, time.time(), wish.kind)

    try:
        try:
            result = pos.order(wish.order, request_id=request_id, on_progress=on_progress, timeout_s=ORDER_S)
        except OutcomeUnknown:
            result = pos.resolve(lane, request_id, timeout_s=RESOLVE_S)
        if result.verdict == "WAIT":
            result = pos.resolve(lane, request_id, timeout_s=RESOLVE_S)
    except TpaydError as error:
        if error.outcome == "unknown":
            raise
        return told("NOT_PAID", f"refused: {error.code}"), None
    return told(str(result.verdict), str(result.state)), result


class Tills:
    """One thread per lane. Each amount is used once, by a sale and what takes it back: books are compared by them."""

    def __init__(
        self,
        store: StoreBase,
        directory: Path,
        *,
        first: int,
        pause_s: float,
        seed: str,
        note: Callable[[Told], None],
    ) -> None:
        """Amounts are `first` · 10,000 and up. A till pauses up to twice `pause_s` between customers.

        `directory` holds each till's request log: a till is another machine, with a disk of its own.
        """
        self.told: list[Told] = []
        self.faults: list[str] = []
        self._store = store
        self._directory = directory
        self._numbers = itertools.count(first)
        self._pause_s = pause_s
        self._seed = seed
        self._note = note
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._serve, args=(lane,), name=f"till {lane}") for lane in store.plan.lane_names
        ]

    def start(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        for thread in self._threads:
            thread.start()

    def stop(self, limit_s: float = 300.0) -> None:
        """Let each till finish what it is at."""
        self._stop.set()
        deadline = time.monotonic() + limit_s
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
            if thread.is_alive():
                self.faults.append(f"{thread.name} did not end within {limit_s} s")

    def _serve(self, lane: str) -> None:
        chance = random.Random(f"{self._seed} till {lane}")
        customers = Customers(lane, chance, lambda: next(self._numbers), EVERYTHING, TRIGGERS)
        log = self._directory / f"till-{lane}.jsonl"
        with connect(self._store.instance.public(), OWNER_CLIENT, request_log=log, connect_timeout_s=30.0) as pos:
            while not self._stop.is_set():
                told = self._one(pos, customers)
                wait_s = chance.uniform(0, 2 * self._pause_s)
                self._stop.wait(wait_s if told.verdict == "PAID" else max(PAUSE_S, wait_s))

    def _one(self, pos: Pos, customers: Customers) -> Told:
        wish, chance, request_id = customers.next(), customers.chance, str(uuid.uuid4())
        lane, began_s = customers.lane, time.time()
        result = None
        self._hear(Told(lane, request_id, wish.amount_minor, UNTOLD, "asked", began_s, kind=wish.kind))
        aborting = chance.random() < _ABORT

        def in_a_hurry(_: PaymentProgress) -> None:
            if aborting:
                with contextlib.suppress(TpaydError):  # too late, or nobody there: the verdict tells
                    pos.abort(lane, request_id)

        try:
            told, result = ask_for(pos, wish, request_id, in_a_hurry)
        except TpaydError as error:
            told = Told(lane, request_id, wish.amount_minor, UNTOLD, repr(error), began_s, time.time(), wish.kind)
        self._hear(told)
        if result is not None:
            customers.learn(wish, result)
            self._follow_up(pos, wish, told, chance)
        return told

    def _follow_up(self, pos: Pos, wish: Wish, told: Told, chance: random.Random) -> None:
        """What a POS may do with a payment that it has the verdict of; none of it changes anything."""
        try:
            if chance.random() < _ACKNOWLEDGE:
                again = str(pos.acknowledge(told.lane, told.request_id).verdict)
            elif chance.random() < _REPEAT:
                again = ask_for(pos, wish, told.request_id)[0].verdict
            else:
                return
        except TpaydError:
            return  # no answer, no contradiction
        if again != told.verdict:
            self.faults.append(f"{told}: asked again, it was told {again}")

    def _hear(self, told: Told) -> None:
        with self._lock:
            if told.state != "asked":
                self.told.append(told)
            self._note(told)
