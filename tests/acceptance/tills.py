"""Tills that sell by the command line, each on its own lane, whatever comes of it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness.command_line import Said, tpayd
from tests.torture.told import Told

__all__ = ["Tills"]

_ORDERS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (55, ("sale",)),
    (5, ("sale", "--installments", "3")),
    (6, ("sale", "--network", "unionpay")),
    (10, ("simple-pay",)),
    (6, ("cash-ic", "sale")),
    (8, ("cash-receipt", "issue", "--purpose", "self-issue")),
)
"""What customers want, by weight; what was sold is given back one time in ten."""
_VOIDS = {
    "cash_receipt": ("cash-receipt", "void", "last", "--reason", "mis-issue"),
    "cash_ic_sale": ("cash-ic", "refund", "last"),
}
_STEP_MINOR = 137
"""Amounts differ, so that each payment is found again in the host's book by its amount."""


@dataclass
class Tills:
    """All lanes of the store in `home`; `step` hears how many payments were made after each."""

    home: Path
    lanes: int
    orders: int
    step: Callable[[int], None]
    seed: int = 1
    told: list[Told] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """What a till was refused without a payment, in the daemon's words."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _begun: int = 0

    def sell(self) -> None:
        """Make as many payments as asked for, on all lanes at once."""
        threads = [threading.Thread(target=self._serve, args=(str(lane),)) for lane in range(1, self.lanes + 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _serve(self, lane: str) -> None:
        chance = random.Random(f"{self.seed}/{lane}")
        last: Told | None = None
        while (number := self._next()) is not None:
            gives_back = last is not None and last.verdict == "PAID" and last.effect_minor > 0 and chance.random() < 0.1
            last = self._void(lane, last) if gives_back and last is not None else self._pay(lane, number, chance)

    def _next(self) -> int | None:
        with self._lock:
            if self._begun >= self.orders:
                return None
            self._begun += 1
            return self._begun

    def _pay(self, lane: str, number: int, chance: random.Random) -> Told | None:
        amount_minor = 1_000 + number * _STEP_MINOR + (60_000 if chance.random() < 0.2 else 0)
        words = chance.choices([words for _, words in _ORDERS], [weight for weight, _ in _ORDERS])[0]
        return self._ask(lane, amount_minor, *words, str(amount_minor))

    def _void(self, lane: str, original: Told) -> Told | None:
        words = _VOIDS.get(original.kind, ("void", "last"))
        return self._ask(lane, original.amount_minor, *words)

    def _ask(self, lane: str, amount_minor: int, *words: str) -> Told | None:
        began_s = time.time()
        said = tpayd(*words, "--lane", lane, "--json", home=self.home)
        told = _told(said, lane, amount_minor, began_s)
        with self._lock:
            if told is None:
                self.refused.append(f"lane {lane}, {' '.join(words)}: {(said.err or said.out).strip()}")
            else:
                self.told.append(told)
            self.step(len(self.told) + len(self.refused))
        return told


def _told(said: Said, lane: str, amount_minor: int, began_s: float) -> Told | None:
    if said.status not in (0, 1, 3):
        return None
    answer = said.json
    return Told(
        lane, answer["request_id"], amount_minor, answer["verdict"], answer["state"], began_s, time.time(),
        answer["kind"],
    )  # fmt: skip
