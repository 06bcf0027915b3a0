"""Money: integers in minor units. A float never gets in, and the parts of an amount add up or it is refused.

KRW has no minor unit (ISO 4217 exponent 0), so 1,000 won is `total_minor = 1000`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = ["MAX_MINOR", "Amount", "Minor"]

MAX_MINOR = 9_999_999_999
"""The host's and the readers' amount fields hold ten digits."""

Minor = Annotated[int, Meta(ge=0, le=MAX_MINOR)]


class Amount(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the customer pays, and of what it consists.

    `supply + vat + service charge + tax-free = total`, or the amount is refused with the field named. `supply_minor`
    may be left out: it is then what the other parts leave.
    """

    total_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)]
    supply_minor: Minor | None = None
    vat_minor: Minor = 0
    service_charge_minor: Minor = 0
    tax_free_minor: Minor = 0
    currency: Literal["KRW"] = "KRW"

    def __post_init__(self) -> None:
        others = self.vat_minor + self.service_charge_minor + self.tax_free_minor
        if self.supply_minor is None:
            if others > self.total_minor:
                raise ValueError(f"total_minor {self.total_minor} is less than its parts, {others}")
        elif self.supply_minor + others != self.total_minor:
            raise ValueError(f"the parts add up to {self.supply_minor + others}, total_minor says {self.total_minor}")

    @property
    def supply(self) -> int:
        """The supply value (공급가액), in minor units, given or derived."""
        if self.supply_minor is not None:
            return self.supply_minor
        return self.total_minor - self.vat_minor - self.service_charge_minor - self.tax_free_minor
