"""What each kind of financial request is called in DE 3, and what it must bring: one row per kind.

The first two digits are the standard's transaction types (ISO 8583:1987, processing code): 00 goods and services,
02 adjustment, 20 return, 31 balance inquiry, 90 and above for private use. The next four name the accounts that are
taken from and given to: 00 the default, 20 a bank account ('checking'), 60 a stored value or wallet account.
"""

from __future__ import annotations

from typing import NamedTuple

from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.spec import KSN_BYTES, Item
from tpayd.hosts.messages import Financial, Kind
from tpayd_contracts.orders import CashReceiptPurpose

__all__ = ["KINDS", "KIND_OF", "check"]

_PIN_BLOCK_BYTES = 16


class KindRow(NamedTuple):
    """One kind of financial request."""

    processing_code: str
    amount: bool = True
    card: bool = False
    original: bool = False
    purpose: bool = False
    void_reason: bool = False
    provider: bool = False


KINDS: dict[Kind, KindRow] = {
    Kind.SALE: KindRow("000000", card=True),
    Kind.VOID: KindRow("020000", original=True),
    Kind.CASH_RECEIPT: KindRow("900000", card=True, purpose=True),
    Kind.CASH_RECEIPT_VOID: KindRow("920000", original=True, void_reason=True),
    Kind.CASH_IC_SALE: KindRow("002000", card=True),
    Kind.CASH_IC_REFUND: KindRow("200020", card=True, original=True),
    Kind.CASH_IC_BALANCE: KindRow("312000", card=True, amount=False),
    Kind.SIMPLE_PAY: KindRow("006000", card=True, provider=True),
    Kind.SIMPLE_PAY_VOID: KindRow("020060", original=True),
}
KIND_OF = {row.processing_code: kind for kind, row in KINDS.items()}


def check(message: Financial) -> None:
    """Refuse a request that lacks what its kind needs, or says what it cannot mean; raises HostFormatError."""
    row = KINDS[message.kind]
    if (
        (message.amount is not None) is not row.amount
        or (message.original is not None) is not row.original
        or (message.purpose is not None) is not row.purpose
        or (message.void_reason is not None) is not row.void_reason
    ):
        _refuse_part(message, row)
    if row.provider and message.provider is None:
        raise HostFormatError(f"DE 48.{Item.PROVIDER}", f"no provider, and {message.kind} needs one")
    if not message.cipher:
        if message.ksn or message.terminal_cipher:
            raise HostFormatError("DE 60", "a key and no card data")
        # The tax office's own number stands for a customer who names nobody.
        if row.card and message.purpose is not CashReceiptPurpose.SELF_ISSUE:
            raise HostFormatError("DE 60", "no card data")
    elif len(message.ksn) != KSN_BYTES:
        raise HostFormatError("DE 60", f"a KSN has {KSN_BYTES} bytes, not {len(message.ksn)}")
    elif message.entry_mode is None:
        raise HostFormatError("DE 22", "no entry mode for the card data")
    if (message.pin_block or message.pin_ksn) and (
        (len(message.pin_ksn), len(message.pin_block)) != (KSN_BYTES, _PIN_BLOCK_BYTES)
    ):
        raise HostFormatError("DE 61", f"is not a KSN of {KSN_BYTES} bytes and a PIN block of {_PIN_BLOCK_BYTES}")


def _refuse_part(message: Financial, row: KindRow) -> None:
    _there("DE 4", message.amount is not None, row.amount, "amount")
    _there("DE 90", message.original is not None, row.original, "original")
    _there(f"DE 48.{Item.PURPOSE}", message.purpose is not None, row.purpose, "purpose")
    _there(f"DE 48.{Item.VOID_REASON}", message.void_reason is not None, row.void_reason, "reason")


def _there(field: str, is_there: bool, belongs: bool, what: str) -> None:
    if is_there and not belongs:
        raise HostFormatError(field, f"this kind of request takes no {what}")
    if belongs and not is_there:
        raise HostFormatError(field, f"this kind of request needs the {what}")
