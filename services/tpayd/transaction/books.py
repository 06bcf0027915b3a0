"""What every payment in the daemon's hands needs beside itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.kit.store_settings import Merchant
from tpayd.transaction.figures import PaymentFigures
from tpayd.transaction.journal import Journal
from tpayd.transaction.orders.room import Room
from tpayd.transaction.settling import Settling
from tpayd.transaction.waits import Waits

__all__ = ["Books"]

_NO_LIMIT = 1_000_000


@dataclass(frozen=True)
class Books:
    """Journal, time, log, whose money it is, and how long a verdict may take."""

    journal: Journal
    clock: Clock
    log: Log
    merchant: Merchant
    """As config/store.toml names it."""
    waits: Waits
    downloaded: Callable[[str], Merchant | None] = lambda _: None
    """As the host names the merchant behind a terminal, if that was asked."""
    room: Room = field(default_factory=lambda: Room(_NO_LIMIT))
    """How many payments there may be at once."""
    figures: PaymentFigures = field(default_factory=PaymentFigures)
    """Where ends of payments are counted."""
    settling: Settling = field(default_factory=Settling)
    """Where progress waits until it has stood for a moment."""

    def merchant_of(self, terminal_id: str) -> Merchant:
        """Who is paid at a terminal, for its receipts."""
        return self.downloaded(terminal_id) or self.merchant
