"""Tills that never stop selling, whatever dies around them, and remember what they were told."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field

from tests.harness.base import StoreBase
from tpayd_client import OutcomeUnknown, Pos, TpaydError
from tpayd_client.types import PaymentResult

__all__ = ["Told", "Tills", "sell"]

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
    began_s: float = 0.0
    """When it was asked for, and when the verdict came, in Unix time."""
    told_s: float = 0.0

    @property
    def effect_minor(self) -> int:
        """What the customer has paid by it."""
        return self.amount_minor if self.verdict == "PAID" else 0


def sell(pos: Pos, lane: str, amount_minor: int, *, timeout_s: float = 60.0) -> Told:
    """One sale up to its verdict. Raises TpaydError where none was to be had."""
    request_id = str(uuid.uuid4())
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
                try:
                    told = sell(pos, lane, amount_minor)
                except TpaydError as error:
                    self.faults.append(f"{lane} {amount_minor}: {error!r}")
                    told = Told(lane, error.request_id or "", amount_minor, "?", repr(error))
                self._note(told)
                if told.verdict != "PAID":
                    self._stop.wait(PAUSE_S)

    def _note(self, told: Told) -> None:
        with self._lock:
            self.told.append(told)
