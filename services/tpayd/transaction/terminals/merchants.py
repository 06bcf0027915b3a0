"""Who a receipt names: what the host tells of a terminal's merchant, over what the settings say. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from tpayd.kit.store_settings import Merchant as OwnMerchant
from tpayd_contracts.terminal import Merchant

__all__ = ["on_receipt"]


def on_receipt(own: OwnMerchant, found: Merchant) -> OwnMerchant:
    """The merchant of a receipt. The merchant id stays the store's own (DE 42)."""
    return replace(
        own, name=found.name, business_number=found.business_number, tel=found.tel, address=found.address,
        representative=found.representative,
    )  # fmt: skip
