"""A till in a test: a POS client, the sandbox around it, and the host's book to compare with."""

from __future__ import annotations

import uuid
from typing import Self

from tests.harness import Store, eventually
from tpayd_client import Pos
from tpayd_client.types import PaymentResult
from tpayd_contracts.sandbox import HostMode, LedgerEntry

__all__ = ["Till"]


class Till:
    """One lane's POS."""

    def __init__(self, store: Store, lane: str = "1") -> None:
        self.store = store
        self.lane = lane
        self.pos: Pos = store.client()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pos.close()

    def reset(self) -> None:
        """A host that approves, and readers to which a card is held at once."""
        self.store.sandbox.host(HostMode.APPROVE)
        self.cards("visa-tap")

    def cards(self, card: str, *, delay_ms: int = 0) -> None:
        """Hold this card to every reader from now on; none if empty."""
        for reader in self.store.plan.reader_names:
            self.store.sandbox.auto(reader, card, delay_ms=delay_ms)

    def sale(self, amount: int = 11_000, *, request_id: str | None = None, timeout_s: float = 30.0) -> PaymentResult:
        return self.pos.sale(self.lane, amount, request_id=request_id, timeout_s=timeout_s)

    def status(self, request_id: str) -> PaymentResult:
        return self.pos.status(self.lane, request_id)

    def settled(self, request_id: str, timeout_s: float = 20.0) -> PaymentResult:
        """The payment once nothing of it is pending."""
        last: list[PaymentResult] = []

        def done() -> bool:
            last[:] = [self.status(request_id)]
            return last[0].verdict != "WAIT" and not last[0].reversal_pending

        eventually(done, timeout_s=timeout_s, what=lambda: f"a settled payment; last: {last}")
        return last[0]

    def booked(self, result: PaymentResult) -> LedgerEntry | None:
        """What the host has on this payment."""
        entries = [
            entry
            for entry in self.store.sandbox.ledger()
            if (entry.stan, entry.business_day) == (result.stan, result.business_day)
            and entry.terminal_id == f"TPAY{int(result.lane):04d}"
            and entry.amount_minor == (result.amount.total_minor if result.amount is not None else 0)
        ]
        assert len(entries) <= 1, entries
        return entries[0] if entries else None

    def host_net(self, result: PaymentResult) -> int:
        """What the customer has paid under this request in the end, by the host's book; 0 if it knows nothing of it."""
        entry = self.booked(result)
        return 0 if entry is None else entry.net_minor


def new_id() -> str:
    return str(uuid.uuid4())
