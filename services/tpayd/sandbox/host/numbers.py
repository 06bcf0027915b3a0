"""What a keyed number or a scanned code says. Like a card number, none goes further than this module."""

from __future__ import annotations

import re

from tpayd.sandbox.host.cards import ACQUIRER, Card, is_card_number, mask, token_of
from tpayd.sandbox.host.codes import Code
from tpayd_contracts.orders import CashReceiptPurpose

__all__ = ["PROVIDERS", "SELF_ISSUE_NUMBER", "read_code", "read_identity", "self_issued"]

SELF_ISSUE_NUMBER = "0100001234"
"""The tax office's own, for a customer who names nobody."""
PROVIDERS = frozenset({"emv_qr", "kakaopay", "zeropay", "app_card", "wechat", "alipay"})
"""Whose wallets this host takes."""

_TAX_OFFICE = "모의국세청"
_MOBILE = re.compile(r"01[016789][0-9]{7,8}")
_BUSINESS = re.compile(r"[0-9]{10}")
_SHOWN = 4


def read_identity(number: bytes, purpose: CashReceiptPurpose | None) -> Card:
    """Whom a cash receipt is for: a phone, business or card number, as its purpose wants it."""
    text = number.decode("latin-1")
    if purpose is CashReceiptPurpose.SELF_ISSUE:
        fits = text == SELF_ISSUE_NUMBER
    else:
        own = _BUSINESS if purpose is CashReceiptPurpose.EXPENSE else _MOBILE
        fits = bool(own.fullmatch(text)) or is_card_number(text)
    return Card(
        masked_pan=mask(text) if is_card_number(text) else _last_four(text),
        token=token_of(text),
        issuer=_TAX_OFFICE,
        acquirer="",
        refusal=None if fits else Code.NO_SUCH_CARD,
    )


def self_issued() -> Card:
    """Whom a self-issued cash receipt is for that names no number."""
    return read_identity(SELF_ISSUE_NUMBER.encode(), CashReceiptPurpose.SELF_ISSUE)


def read_code(code: bytes, provider: str) -> Card:
    """The wallet that showed a code."""
    return Card(
        masked_pan=_last_four(code.decode("latin-1")),
        token=token_of(code.decode("latin-1")),
        issuer=f"모의페이 {provider}",
        acquirer=ACQUIRER,
        refusal=None if provider in PROVIDERS else Code.NO_ROUTE,
    )


def _last_four(text: str) -> str:
    """Enough to tell a receipt from another, too little to call somebody."""
    hidden = "*" * min(len(text), 16)
    return hidden[:-_SHOWN] + text[-_SHOWN:] if len(text) > 2 * _SHOWN else hidden
