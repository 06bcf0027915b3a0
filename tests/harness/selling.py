"""A lane that sells without a pause, whatever becomes of the daemon meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tests.harness.waiting import eventually
from tpayd_client import Pos, TpaydError
from tpayd_client.types import Verdict

__all__ = ["SellingTill"]


class SellingTill(threading.Thread):
    """Sells; tries again when it is told that nothing has begun; asks for the verdict of what it does not know."""

    def __init__(self, connect: Callable[[], Pos], lane: str, amount_minor: int = 11_000) -> None:
        super().__init__(name=f"till-{lane}", daemon=True)
        self.faults: list[str] = []
        self.paid_minor = 0
        self.sales = 0
        self.longest_pause_s = 0.0
        self._connect = connect
        self._lane = lane
        self._amount_minor = amount_minor
        self._ended = threading.Event()
        self._sold_at_s = time.monotonic()

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                with self._connect() as pos:
                    while not self._ended.is_set():
                        self._sell(pos)
            except TpaydError:
                # What had begun is asked about by the client itself, under the id that it has written down.
                self._ended.wait(0.2)

    def wait_sold_since(self, moment_s: float) -> None:
        """Wait until it has sold after that moment (time.monotonic)."""
        eventually(lambda: self._sold_at_s > moment_s, timeout_s=90, what=f"a sale on lane {self._lane}")

    def end(self) -> None:
        """Let the sale under way finish."""
        self._ended.set()
        self.join(90)

    def _sell(self, pos: Pos) -> None:
        result = pos.sale(self._lane, self._amount_minor, timeout_s=60)
        if result.verdict is Verdict.PAID:
            now_s = time.monotonic()
            self.longest_pause_s = max(self.longest_pause_s, now_s - self._sold_at_s)
            self._sold_at_s = now_s
            self.paid_minor += self._amount_minor
            self.sales += 1
        elif result.verdict is Verdict.WAIT:
            self.faults.append(f"lane {self._lane}: {result.message}")
