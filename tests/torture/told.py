"""What a POS asked for, and what it was told: one of the three books."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["UNTOLD", "Told"]

UNTOLD = "?"
"""The verdict of a payment about which its POS could learn nothing."""


@dataclass(frozen=True)
class Told:
    """One payment as its POS knows it."""

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
