"""What a POS asked for, and what it was told: one of the three books."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["UNTOLD", "Told"]

UNTOLD = "?"
"""The verdict of a payment about which its POS could learn nothing."""
_GIVES_BACK = frozenset({"void", "cash_receipt_void", "cash_ic_refund", "simple_pay_void"})


@dataclass(frozen=True)
class Told:
    """One payment as its POS knows it."""

    lane: str
    request_id: str
    amount_minor: int
    """Of what is taken back, its original's: both are compared under this amount."""
    verdict: str
    state: str
    began_s: float = 0.0
    """When it was asked for, and when the verdict came, in Unix time."""
    told_s: float = 0.0
    kind: str = "sale"

    @property
    def effect_minor(self) -> int:
        """What the customer has paid by it, or what a cash receipt says."""
        if self.verdict != "PAID":
            return 0
        return -self.amount_minor if self.kind in _GIVES_BACK else self.amount_minor
