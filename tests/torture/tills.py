"""Tills that never stop selling, whatever dies around them, and remember what they were told."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field

from tests.harness.base import StoreBase
from tpayd_client import OutcomeUnknown, Pos, TpaydError
from tpayd_client.types import PaymentResult

__all__ = ["Told", "Tills"]

RESOLVE_S = 60.0
PAUSE_S = 0.2
"""What a cashier does after a refusal before the next customer, so that an outage does not eat the sales."""


@dataclass(frozen=True)
class Told:
    """One sale as its POS knows it."""

    lane: str
    request_id: str
    amount_minor: int
    verdict: str
    state: str


@dataclass
class Tills:
    """One selling thread per lane. Amounts are multiples of ten, each used once: books are compared by them."""

    store: StoreBase
    lanes: tuple[str, ...]
    told: list[Told] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._next_amount = 1_000_000
        self._threads = [threading.Thread(target=self._sell, args=(lane,)) for lane in self.lanes]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, limit_s: float = 120.0) -> None:
        """Let each till finish the sale that it is at."""
        self._stop.set()
        for thread in self._threads:
            thread.join(limit_s)
            if thread.is_alive():
                self.faults.append(f"{thread.name} did not end within {limit_s} s")

    def _sell(self, lane: str) -> None:
        with self.store.client(connect_timeout_s=30.0) as pos:
            while not self._stop.is_set():
                with self._lock:
                    self._next_amount += 10
                    amount_minor = self._next_amount
                request_id = str(uuid.uuid4())
                try:
                    result = self._verdict(pos, lane, amount_minor, request_id)
                except TpaydError as error:
                    if error.outcome != "not_started":
                        self.faults.append(f"{request_id}: {error!r}")
                    told = Told(lane, request_id, amount_minor, "NOT_PAID", f"refused: {error.code}")
                else:
                    told = Told(lane, request_id, amount_minor, str(result.verdict), str(result.state))
                self._note(told)
                if told.verdict != "PAID":
                    self._stop.wait(PAUSE_S)

    def _verdict(self, pos: Pos, lane: str, amount_minor: int, request_id: str) -> PaymentResult:
        try:
            result = pos.sale(lane, amount_minor, request_id=request_id, timeout_s=60)
        except OutcomeUnknown:
            return pos.resolve(lane, request_id, timeout_s=RESOLVE_S)
        return result if result.verdict != "WAIT" else pos.resolve(lane, request_id, timeout_s=RESOLVE_S)

    def _note(self, told: Told) -> None:
        with self._lock:
            self.told.append(told)
