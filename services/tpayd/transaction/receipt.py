"""The receipt's fields, from the payment and the store. Pure, so a reprint is the same as the first print."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from tpayd.kit.store_settings import Merchant
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import Receipt

__all__ = ["RECEIPT_TAGS", "receipt_of", "receipt_tags"]

_LABEL = 0x50
RECEIPT_TAGS = {0x84: "84", _LABEL: "50", 0x95: "95", 0x9F26: "9F26"}
"""EMV tags that a receipt prints: AID, label, TVR, application cryptogram. None of them holds card data."""


def receipt_of(payment: Payment, merchant: Merchant) -> Receipt | None:
    """The receipt of an approved payment; None before approval, and once nothing of it is kept (see `standalone`)."""
    if payment.approved_ms is None or (payment.standalone and payment.acknowledged_ms is not None):
        return None
    return Receipt(
        merchant_id=merchant.id,
        merchant_name=merchant.name,
        business_number=merchant.business_number,
        terminal_id=payment.terminal_id,
        printed_at=_local(payment.approved_ms // 1000),
        installments=payment.ordered.installments,
        emv=payment.emv,
    )


@lru_cache(maxsize=64)
def _local(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).astimezone().isoformat()


def receipt_tags(emv: bytes) -> dict[str, str]:
    """The receipt's tags out of a reader's EMV data (BER-TLV, EMV Book 3 annex B). Others are left where they are.

    Damaged data gives what was read before the damage: a receipt must not stop a payment.
    """
    found: dict[str, str] = {}
    at, end = 0, len(emv)
    try:
        while at < end:
            tag = emv[at]
            if tag & 0x1F == 0x1F:
                at += 1
                tag = tag << 8 | emv[at]
            length = emv[at + 1]
            at += 2
            if length & 0x80:
                size = length & 0x7F
                length = int.from_bytes(emv[at : at + size], "big")
                at += size
            if at + length > end:
                break
            if tag in RECEIPT_TAGS:
                value = emv[at : at + length]
                found[RECEIPT_TAGS[tag]] = value.decode("ascii", "replace") if tag == _LABEL else value.hex().upper()
            at += length
    except IndexError:
        pass  # it ends within a tag or its length
    return found
