"""What a test does and asks around a journal that fails."""

from __future__ import annotations

from tests.harness import eventually, tpayd
from tests.integration.payment.till import Till
from tpayd_client import TpaydError
from tpayd_client.types import PaymentResult

__all__ = ["agree", "intact", "sells_again"]


def sells_again(till: Till) -> PaymentResult:
    """The first sale that is PAID, as soon as the journal can be written again."""
    paid: list[PaymentResult] = []

    def sold() -> bool:
        try:
            result = till.sale()
        except TpaydError:
            return False
        paid.append(result)
        return result.verdict == "PAID"

    eventually(sold, timeout_s=20, what="a sale after the storm")
    return paid[-1]


def agree(till: Till, request_id: str) -> PaymentResult:
    """The payment once nothing of it is pending; the host holds what the POS was told."""
    settled = till.settled(request_id)
    entry = till.booked(settled)
    paid = 11_000 if settled.verdict == "PAID" else 0
    assert paid == (entry.net_minor if entry is not None else 0)
    return settled


def intact(till: Till) -> bool:
    """What `tpayd journal verify` says, beside the running daemon."""
    return bool(tpayd("journal", "verify", "--json", home=till.store.instance.home).json["intact"])
