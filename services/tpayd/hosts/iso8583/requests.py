"""The store's requests, field by field. docs/host-protocol.md is the same in words."""

from __future__ import annotations

from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.codec import Value
from tpayd.hosts.iso8583.items import pack_amount, pack_items
from tpayd.hosts.iso8583.kinds import KINDS, check
from tpayd.hosts.iso8583.moment import check_day, check_local, transmission
from tpayd.hosts.iso8583.originals import original_fields, original_items
from tpayd.hosts.iso8583.spec import Item, Mti, Network
from tpayd.hosts.iso8583.totals import totals_fields, totals_items
from tpayd.hosts.messages import (
    Echo,
    Financial,
    Inquiry,
    MacedMessage,
    MerchantDownload,
    NetworkMessage,
    OpenTerminal,
    ReaderKeyExchange,
    Reconciliation,
    Reversal,
    ReversalReason,
    SignOff,
    SignOn,
    TerminalKeyExchange,
)
from tpayd_contracts.money import MAX_MINOR
from tpayd_contracts.orders import CardNetwork, CashReceiptPurpose, CashReceiptVoidReason
from tpayd_contracts.payment import EntryMode

__all__ = [
    "CARD_NETWORKS",
    "ENTRY_MODES",
    "KRW",
    "NETWORK_CODES",
    "PURPOSES",
    "REVERSAL_REASONS",
    "TERMINALS_KEY",
    "VOID_REASONS",
    "maced_fields",
    "network_fields",
]

KRW = "410"
"""ISO 4217. No minor unit."""
ENTRY_MODES = {
    EntryMode.IC: "050",
    EntryMode.CONTACTLESS: "070",
    EntryMode.STRIPE: "900",
    EntryMode.FALLBACK: "800",
    EntryMode.KEYED: "010",
    EntryMode.BARCODE: "030",
}
"""DE 22: how the card or number was read, then 0: what the terminal can do about PINs is not told."""
REVERSAL_REASONS = {
    ReversalReason.NO_ANSWER: "01",
    ReversalReason.ANSWER_REFUSED: "02",
    ReversalReason.CARD_DECLINED: "03",
    ReversalReason.READER_LOST: "04",
    ReversalReason.RESTARTED: "05",
    ReversalReason.NEVER_ACKNOWLEDGED: "06",
}
CARD_NETWORKS = {CardNetwork.UNIONPAY: "02"}
"""The domestic network of a credit card is the rule, and not told."""
PURPOSES = {
    CashReceiptPurpose.DEDUCTION: "1",
    CashReceiptPurpose.EXPENSE: "2",
    CashReceiptPurpose.SELF_ISSUE: "3",
}
VOID_REASONS = {
    CashReceiptVoidReason.CANCEL: "1",
    CashReceiptVoidReason.MIS_ISSUE: "2",
    CashReceiptVoidReason.OTHER: "3",
}
TERMINALS_KEY = "1"
"""Whose key DE 60 is under; the rule is the reader's, and not told."""
NETWORK_CODES: dict[type[NetworkMessage], Network] = {
    SignOn: Network.SIGN_ON,
    SignOff: Network.SIGN_OFF,
    Echo: Network.ECHO,
    TerminalKeyExchange: Network.TERMINAL_KEY,
    ReaderKeyExchange: Network.READER_KEY,
    OpenTerminal: Network.OPEN_TERMINAL,
    MerchantDownload: Network.MERCHANT,
}
_NORMAL_PRESENTMENT = "00"
_BUSINESS_NUMBER_DIGITS = 10
_PROVIDER_CHARS = 16


def maced_fields(message: MacedMessage) -> tuple[Mti, dict[str, Value]]:
    """Type and fields of a request that carries a MAC; raises HostFormatError."""
    if isinstance(message, Financial):
        return Mti.FINANCIAL, _financial(message)
    if isinstance(message, Reversal):
        return (Mti.REVERSAL_REPEAT if message.repeat else Mti.REVERSAL), _reversal(message)
    if isinstance(message, Inquiry):
        return Mti.INQUIRY, _inquiry(message)
    return Mti.RECONCILIATION, _reconciliation(message)


def network_fields(message: NetworkMessage) -> tuple[Mti, dict[str, Value]]:
    """Type and fields of a 0800; raises HostFormatError."""
    fields: dict[str, Value] = {
        "7": transmission("DE 7", message.local),
        "11": message.stan,
        "41": _terminal(message.terminal_id),
        "70": NETWORK_CODES[type(message)],
    }
    if isinstance(message, (TerminalKeyExchange, ReaderKeyExchange)):
        fields["62"] = message.blob
    elif isinstance(message, (OpenTerminal, MerchantDownload)):
        fields["48"] = pack_items({Item.BUSINESS_NUMBER: _business_number(message.business_number)})
    return Mti.NETWORK, fields


def _financial(message: Financial) -> dict[str, Value]:
    check(message)
    amount, original = message.amount, message.original
    fields: dict[str, Value] = _common(message)
    fields["3"] = KINDS[message.kind].processing_code
    fields["25"] = _NORMAL_PRESENTMENT
    if amount is not None:
        fields["4"] = _amount(amount.total_minor)
    if message.entry_mode is not None:
        fields["22"] = ENTRY_MODES[message.entry_mode]
    items = _financial_items(message)
    if original is not None:
        fields |= original_fields(original)
        items |= original_items(original)
    fields["48"] = pack_amount(message.installments, amount) + pack_items(items)
    if message.emv:
        fields["55"] = message.emv
    if message.signature:
        fields["59"] = message.signature
    if message.cipher:
        fields["60"] = message.ksn + message.cipher
    if message.pin_block:
        fields["61"] = message.pin_ksn + message.pin_block
    return fields


def _financial_items(message: Financial) -> dict[Item, str | int | None]:
    """Those behind the amount. Most requests have none of them."""
    items: dict[Item, str | int | None] = {}
    if message.fallback_code is not None:
        items[Item.FALLBACK_CODE] = _fallback(message.fallback_code)
    if message.reference is not None:
        items[Item.REFERENCE] = message.reference
    if message.network is not CardNetwork.CREDIT:
        items[Item.CARD_NETWORK] = CARD_NETWORKS.get(message.network)
    if message.terminal_cipher:
        items[Item.KEY_OWNER] = TERMINALS_KEY
    if message.purpose is not None:
        items[Item.PURPOSE] = PURPOSES[message.purpose]
    if message.void_reason is not None:
        items[Item.VOID_REASON] = VOID_REASONS[message.void_reason]
    if message.provider is not None:
        items[Item.PROVIDER] = _provider(message.provider)
    return items


def _reversal(message: Reversal) -> dict[str, Value]:
    if message.original.stan is None:
        raise HostFormatError("DE 90", "a reversal names its original by STAN")
    return {
        **_common(message),
        **original_fields(message.original),
        "3": KINDS[message.kind].processing_code,
        "4": _amount(message.amount_minor),
        "48": pack_items({Item.REVERSAL_REASON: REVERSAL_REASONS[message.reason], **original_items(message.original)}),
    }


def _inquiry(message: Inquiry) -> dict[str, Value]:
    fields = {**_common(message), **original_fields(message.original)}
    items = pack_items(original_items(message.original))
    return {**fields, "48": items} if items else fields


def _reconciliation(message: Reconciliation) -> dict[str, Value]:
    totals = message.totals
    return {**_common(message), **totals_fields(totals), "48": pack_items(totals_items(totals))}


def _common(message: MacedMessage) -> dict[str, Value]:
    local = check_local("DE 7", message.local)
    return {
        "7": local[4:],
        "11": message.stan,
        "12": local[8:],
        "13": local[4:8],
        "15": check_day("DE 15", message.business_day)[4:],
        "41": _terminal(message.terminal_id),
        "42": message.merchant_id.ljust(15),
        "49": KRW,
    }


def _amount(minor: int) -> str:
    if not 0 < minor <= MAX_MINOR:
        raise HostFormatError("DE 4", f"an amount is 1 to {MAX_MINOR}")
    return f"{minor:012d}"


def _terminal(terminal_id: str) -> str:
    if not (terminal_id.isascii() and terminal_id.isalnum()):
        raise HostFormatError("DE 41", "is not eight letters and digits")
    return terminal_id


def _fallback(code: str) -> str:
    if not (len(code) == 2 and code.isascii() and code.isdigit()):
        raise HostFormatError(f"DE 48.{Item.FALLBACK_CODE}", "is not two digits")
    return code


def _provider(provider: str) -> str:
    if not (
        0 < len(provider) <= _PROVIDER_CHARS
        and provider.isascii()
        and provider.replace("_", "").replace("-", "").isalnum()
    ):
        raise HostFormatError(f"DE 48.{Item.PROVIDER}", f"is not 1 to {_PROVIDER_CHARS} letters, digits, _ and -")
    return provider


def _business_number(value: str) -> str:
    if not (len(value) == _BUSINESS_NUMBER_DIGITS and value.isascii() and value.isdigit()):
        raise HostFormatError(f"DE 48.{Item.BUSINESS_NUMBER}", "is not ten digits")
    return value
