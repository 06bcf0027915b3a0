"""Books without a disk, for what is tested without a daemon around it."""

from __future__ import annotations

import structlog

from tests.harness.clock import FakeClock
from tpayd.kit.store_settings import Merchant
from tpayd.transaction import events as ev
from tpayd.transaction.books import Books
from tpayd.transaction.payment import Payment
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.waits import Waits

__all__ = ["Memory", "books_of"]


class Memory:
    """A journal that takes everything at once."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []

    def put(self, _: Payment, event: ev.Event, __: int | None = None) -> None:
        self.events.append(event)

    async def committed(self, _: str | None = None) -> None:
        pass


def books_of(memory: Memory, clock: FakeClock, settings: TransactionSettings) -> Books:
    """Books whose journal is `memory`."""
    merchant = Merchant("MERCHANT0000001", "Shop", "1048658278")
    return Books(memory, clock, structlog.get_logger(), merchant, Waits(settings))  # type: ignore[arg-type]
