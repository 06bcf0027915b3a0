"""What every payment in the daemon's hands needs beside itself."""

from __future__ import annotations

from dataclasses import dataclass

from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.kit.store_settings import Merchant
from tpayd.transaction.journal import Journal

__all__ = ["Books"]


@dataclass(frozen=True)
class Books:
    """Journal, time, log, and whose money it is."""

    journal: Journal
    clock: Clock
    log: Log
    merchant: Merchant
