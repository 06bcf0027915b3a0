"""Tills that never stop selling, whatever dies around them, and remember what they were told."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from tests.harness.base import StoreBase
from tests.torture.told import UNTOLD, Told
from tpayd.kit.instance import OWNER_CLIENT
from tpayd_client import OutcomeUnknown, Pos, TpaydError, connect
from tpayd_client.types import PaymentResult

__all__ = ["PLAIN", "TRIGGERS", "Tills", "sell"]

RESOLVE_S = 60.0
PAUSE_S = 0.5
"""What a cashier does after a refusal before the next customer, so that an outage does not eat the sales."""
PLAIN = (0,)
TRIGGERS = (*[0] * 36, 51, 91, 92, 93, 94, 94, 95, 96, 96, 97, 98)
"""The last four digits of amounts: what the host does with them, from approval to hanging up."""
_REPEAT_EVERY = 20
"""So often a POS sends a request again that it has the verdict of."""


def sell(pos: Pos, lane: str, amount_minor: int, *, request_id: str | None = None, timeout_s: float = 60.0) -> Told:
    """One sale up to its verdict. Raises TpaydError where none was to be had."""
    request_id = request_id or str(uuid.uuid4())
    began_s = time.time()
    try:
        result = _verdict(pos, lane, amount_minor, request_id, timeout_s)
    except TpaydError as error:
        if error.outcome != "not_started":
            raise
        return Told(lane, request_id, amount_minor, "NOT_PAID", f"refused: {error.code}", began_s, time.time())
    return Told(lane, request_id, amount_minor, str(result.verdict), str(result.state), began_s, time.time())


def _verdict(pos: Pos, lane: str, amount_minor: int, request_id: str, timeout_s: float) -> PaymentResult:
    try:
        result = pos.sale(lane, amount_minor, request_id=request_id, timeout_s=timeout_s)
    except OutcomeUnknown:
        return pos.resolve(lane, request_id, timeout_s=RESOLVE_S)
    return result if result.verdict != "WAIT" else pos.resolve(lane, request_id, timeout_s=RESOLVE_S)


class Tills:
    """One selling thread per lane. Each amount is used once: books are compared by them."""

    def __init__(
        self,
        store: StoreBase,
        directory: Path,
        *,
        first: int = 1,
        triggers: tuple[int, ...] = PLAIN,
        pause_s: float = 0.0,
        seed: str = "",
        note: Callable[[Told], None] = lambda _: None,
    ) -> None:
        """Amounts are `first` · 10,000 and up. A till pauses up to twice `pause_s` between sales.

        `directory` holds each till's request log: a till is another machine, with a disk of its own.
        """
        self.told: list[Told] = []
        self.faults: list[str] = []
        self.number = first
        self._store = store
        self._directory = directory
        self._triggers = triggers
        self._pause_s = pause_s
        self._seed = seed
        self._hear = note
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._sell, args=(lane,), name=f"till {lane}") for lane in store.plan.lane_names
        ]

    def start(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        for thread in self._threads:
            thread.start()

    def stop(self, limit_s: float = 120.0) -> None:
        """Let each till finish the sale that it is at."""
        self._stop.set()
        deadline = time.monotonic() + limit_s
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
            if thread.is_alive():
                self.faults.append(f"{thread.name} did not end within {limit_s} s")

    def _sell(self, lane: str) -> None:
        chance = random.Random(f"{self._seed} till {lane}")
        with self._connected(lane) as pos:
            while not self._stop.is_set():
                told = self._one(pos, lane, chance)
                wait_s = chance.uniform(0, 2 * self._pause_s)
                self._stop.wait(wait_s if told.verdict == "PAID" else max(PAUSE_S, wait_s))

    def _one(self, pos: Pos, lane: str, chance: random.Random) -> Told:
        with self._lock:
            self.number += 1
            amount_minor = self.number * 10_000 + chance.choice(self._triggers)
        request_id = str(uuid.uuid4())
        self._hear(Told(lane, request_id, amount_minor, UNTOLD, "asked", time.time()))
        try:
            told = sell(pos, lane, amount_minor, request_id=request_id)
        except TpaydError as error:
            told = Told(lane, request_id, amount_minor, UNTOLD, repr(error), time.time(), time.time())
        with self._lock:
            self.told.append(told)
        self._hear(told)
        if told.verdict != UNTOLD and not told.state.startswith("refused") and not chance.randrange(_REPEAT_EVERY):
            self._say_again(pos, told)
        return told

    def _say_again(self, pos: Pos, told: Told) -> None:
        """The same request under the same id: it must be answered as before, and charge nobody."""
        try:
            again = sell(pos, told.lane, told.amount_minor, request_id=told.request_id)
        except TpaydError:
            return  # no answer, no contradiction
        if again.verdict != told.verdict and not again.state.startswith("refused"):
            self.faults.append(f"{told}: said again, it was told {again}")

    def _connected(self, lane: str) -> Pos:
        log = self._directory / f"till-{lane}.jsonl"
        endpoint = self._store.instance.public()
        return connect(endpoint, OWNER_CLIENT, request_log=log, connect_timeout_s=30.0)
