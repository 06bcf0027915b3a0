"""The least that can be MACed and sent to the card host: a question about a payment that never was."""

from __future__ import annotations

from datetime import datetime

from tests.harness.base import StoreBase
from tpayd.hosts import Inquiry, Opened, Original, load
from tpayd_contracts.keys import MAC_EXCHANGE, ExchangeMaced, Purpose

__all__ = ["NEVER_WAS", "inquire"]

NEVER_WAS = "25"
"""The host's word about it, which it gives only where the MAC of the question was right."""
_WAIT_S = 10.0


def inquire(store: StoreBase, terminal_id: str, purpose: Purpose, key_id: str | None) -> Opened:
    """Ask through key manager and host link, as the transaction service. Raises CallError."""
    adapter = load("iso8583")
    local = datetime.now().astimezone().strftime("%Y%m%d%H%M%S")
    never_was = Original(stan="999998", local=local)
    asked = Inquiry(
        terminal_id=terminal_id, merchant_id="TPAYSANDBOX0001", stan="999999", local=local, business_day=local[:8],
        original=never_was,
    )  # fmt: skip
    question = adapter.encode(asked)
    body = ExchangeMaced("test", terminal_id, purpose, question.head, question.tail, _WAIT_S, key_id)
    exchanged = store.ask("key_manager", MAC_EXCHANGE, body, name="transaction", timeout_s=_WAIT_S + 5)
    return adapter.open(exchanged.message)
