"""The store's requests, field by field. docs/host-protocol.md is the same in words."""

from __future__ import annotations

from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.codec import Value
from tpayd.hosts.iso8583.items import pack_items
from tpayd.hosts.iso8583.moment import check_day, check_local, transmission
from tpayd.hosts.iso8583.spec import KSN_BYTES, Item, Mti, Network
from tpayd.hosts.messages import (
    Echo,
    Financial,
    NetworkMessage,
    ReaderKeyExchange,
    Reversal,
    ReversalReason,
    SignOff,
    SignOn,
    TerminalKeyExchange,
)
from tpayd_contracts.money import MAX_MINOR
from tpayd_contracts.payment import EntryMode

__all__ = [
    "ENTRY_MODES",
    "KRW",
    "NETWORK_CODES",
    "PURCHASE",
    "REVERSAL_REASONS",
    "financial_fields",
    "network_fields",
    "reversal_fields",
]

KRW = "410"
"""ISO 4217. No minor unit."""
PURCHASE = "000000"
"""DE 3: goods and services, default accounts."""
ENTRY_MODES = {
    EntryMode.IC: "050",
    EntryMode.CONTACTLESS: "070",
    EntryMode.STRIPE: "900",
    EntryMode.FALLBACK: "800",
}
"""DE 22: how the card was read, then 0: what the terminal can do about PINs is not told."""
REVERSAL_REASONS = {
    ReversalReason.NO_ANSWER: "01",
    ReversalReason.ANSWER_REFUSED: "02",
    ReversalReason.CARD_DECLINED: "03",
    ReversalReason.READER_LOST: "04",
    ReversalReason.RESTARTED: "05",
}
NETWORK_CODES: dict[type[NetworkMessage], Network] = {
    SignOn: Network.SIGN_ON,
    SignOff: Network.SIGN_OFF,
    Echo: Network.ECHO,
    TerminalKeyExchange: Network.TERMINAL_KEY,
    ReaderKeyExchange: Network.READER_KEY,
}
_NORMAL_PRESENTMENT = "00"
_NO_INSTITUTIONS = "0" * 22


def financial_fields(message: Financial) -> tuple[Mti, dict[str, Value]]:
    """Type and fields of a 0200; raises HostFormatError."""
    if len(message.ksn) != KSN_BYTES:
        raise HostFormatError("DE 60", f"the reader's KSN has {KSN_BYTES} bytes, not {len(message.ksn)}")
    if not message.cipher:
        raise HostFormatError("DE 60", "no card data")
    amount = message.amount
    fields: dict[str, Value] = {
        **_common(message),
        "4": _amount(amount.total_minor),
        "22": ENTRY_MODES[message.entry_mode],
        "25": _NORMAL_PRESENTMENT,
        "48": pack_items(
            {
                Item.INSTALLMENTS: _two_digits(Item.INSTALLMENTS, message.installments),
                Item.SUPPLY: amount.supply,
                Item.VAT: amount.vat_minor,
                Item.SERVICE_CHARGE: amount.service_charge_minor,
                Item.TAX_FREE: amount.tax_free_minor,
                Item.FALLBACK_CODE: _fallback(message.fallback_code),
                Item.REFERENCE: message.reference,
            }
        ),
        "60": message.ksn + message.cipher,
    }
    if message.emv:
        fields["55"] = message.emv
    return Mti.FINANCIAL, fields


def reversal_fields(message: Reversal) -> tuple[Mti, dict[str, Value]]:
    """Type and fields of a 0420, or 0421 when it is repeated; raises HostFormatError."""
    original = message.original
    fields: dict[str, Value] = {
        **_common(message),
        "4": _amount(message.amount_minor),
        "48": pack_items({Item.REVERSAL_REASON: REVERSAL_REASONS[message.reason]}),
        "90": original.mti + original.stan + transmission("DE 90", original.local) + _NO_INSTITUTIONS,
    }
    return (Mti.REVERSAL_REPEAT if message.repeat else Mti.REVERSAL), fields


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
    return Mti.NETWORK, fields


def _common(message: Financial | Reversal) -> dict[str, str]:
    local = check_local("DE 7", message.local)
    return {
        "3": PURCHASE,
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


def _fallback(code: str | None) -> str | None:
    if code is not None and not (len(code) == 2 and code.isascii() and code.isdigit()):
        raise HostFormatError(f"DE 48.{Item.FALLBACK_CODE}", "is not two digits")
    return code


def _two_digits(item: Item, value: int) -> str:
    if not 0 <= value <= 99:
        raise HostFormatError(f"DE 48.{item}", "is not 0 to 99")
    return f"{value:02d}"
