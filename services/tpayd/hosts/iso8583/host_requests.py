"""Requests as the host reads them: fields to typed values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.codec import unpack
from tpayd.hosts.iso8583.fields import Fields
from tpayd.hosts.iso8583.items import number, unpack_items
from tpayd.hosts.iso8583.kinds import check
from tpayd.hosts.iso8583.moment import nearest_year
from tpayd.hosts.iso8583.opening import kind_of, require_sealed
from tpayd.hosts.iso8583.originals import read_original
from tpayd.hosts.iso8583.requests import (
    CARD_NETWORKS,
    ENTRY_MODES,
    NETWORK_CODES,
    PURPOSES,
    REVERSAL_REASONS,
    TERMINALS_KEY,
    VOID_REASONS,
)
from tpayd.hosts.iso8583.spec import KSN_BYTES, MAC_BYTES, Item, Mti
from tpayd.hosts.iso8583.totals import read_totals
from tpayd.hosts.messages import (
    Financial,
    Inquiry,
    MacedMessage,
    MerchantDownload,
    NetworkMessage,
    OpenTerminal,
    Original,
    ReaderKeyExchange,
    Reconciliation,
    Reversal,
    TerminalKeyExchange,
)
from tpayd.hosts.quiet import Quiet
from tpayd_contracts.money import MAX_MINOR, Amount
from tpayd_contracts.orders import CardNetwork

__all__ = ["Received", "read"]

T = TypeVar("T")

_INSTALLMENTS, _CARD_NETWORK = Item.INSTALLMENTS, Item.CARD_NETWORK
_SUPPLY, _VAT, _SERVICE_CHARGE, _TAX_FREE = Item.SUPPLY, Item.VAT, Item.SERVICE_CHARGE, Item.TAX_FREE
_KEY_OWNER, _FALLBACK_CODE, _REFERENCE = Item.KEY_OWNER, Item.FALLBACK_CODE, Item.REFERENCE
_PURPOSE, _VOID_REASON, _PROVIDER = Item.PURPOSE, Item.VOID_REASON, Item.PROVIDER
# As in `opening`: a request asks for a dozen of them.
_RARE_FIELDS = frozenset({"38", "59", "61", "90"})
_RARE_ITEMS = frozenset(Item) - {_INSTALLMENTS, _SUPPLY, _VAT, _SERVICE_CHARGE, _TAX_FREE}


class Received(Quiet, frozen=True, kw_only=True):
    """A request as the host sees it."""

    message: MacedMessage | NetworkMessage
    ksn: bytes = b""
    mac: bytes = b""
    covered: bytes = b""
    """What the MAC covers. Empty for a network message: it has none."""


def read(raw: bytes, today: date) -> Received:
    """Read a request; raises HostFormatError. `today` gives the year, which no message holds."""
    fields = unpack(raw)
    reader = _READERS.get(fields.mti)
    if reader is None:
        raise HostFormatError("message type", "is no request of this format", 0)
    message = reader(fields, today)
    if fields.mti == Mti.NETWORK:
        return Received(message=message)
    require_sealed(fields)
    return Received(message=message, ksn=fields.binary("53"), mac=fields.binary("128"), covered=raw[:-MAC_BYTES])


def _read_financial(fields: Fields, today: date) -> Financial:
    items = unpack_items(fields)
    card, entry_mode = fields.binary("60"), fields.get("22")
    if "60" in fields and len(card) <= KSN_BYTES:
        raise fields.fault("60", "no KSN and card data")
    rare = not (_RARE_FIELDS.isdisjoint(fields) and _RARE_ITEMS.isdisjoint(items))
    message = Financial(
        kind=kind_of(fields),
        terminal_id=fields["41"],
        merchant_id=fields["42"].rstrip(),
        stan=fields["11"],
        local=_local(fields, today),
        business_day=_day(fields, "15", fields["15"], today),
        amount=_amount(fields, items) if "4" in fields else None,
        installments=number(fields, items, _INSTALLMENTS) or 0,
        entry_mode=None if entry_mode is None else _meaning(fields, "22", entry_mode, _ENTRY_MODES),
        ksn=card[:KSN_BYTES],
        cipher=card[KSN_BYTES:],
        emv=fields.binary("55"),
        **(_rare_parts(fields, items, today) if rare else {}),
    )
    check(message)
    return message


def _rare_parts(fields: Fields, items: dict[Item, str], today: date) -> dict[str, Any]:
    """What most sales have nothing of; looked for in none that has not."""
    pin = fields.binary("61")
    return {
        "network": _item(fields, items, _CARD_NETWORK, _CARD_NETWORKS) or CardNetwork.CREDIT,
        "terminal_cipher": _item(fields, items, _KEY_OWNER, _KEY_OWNERS) or False,
        "pin_ksn": pin[:KSN_BYTES],
        "pin_block": pin[KSN_BYTES:],
        "fallback_code": items.get(_FALLBACK_CODE),
        "signature": fields.binary("59"),
        "original": read_original(fields, items, today),
        "purpose": _item(fields, items, _PURPOSE, _PURPOSES),
        "void_reason": _item(fields, items, _VOID_REASON, _VOID_REASONS),
        "provider": items.get(_PROVIDER),
        "reference": items.get(_REFERENCE),
    }


def _read_reversal(fields: Fields, today: date) -> Reversal:
    items = unpack_items(fields)
    return Reversal(
        kind=kind_of(fields),
        terminal_id=fields["41"],
        merchant_id=fields["42"].rstrip(),
        stan=fields["11"],
        local=_local(fields, today),
        business_day=_day(fields, "15", fields["15"], today),
        amount_minor=int(fields["4"]),
        original=_original(fields, items, today, "90"),
        reason=_meaning(fields, "48", items.get(Item.REVERSAL_REASON, ""), _REASONS),
        repeat=fields.mti == Mti.REVERSAL_REPEAT,
    )


def _read_inquiry(fields: Fields, today: date) -> Inquiry:
    return Inquiry(
        terminal_id=fields["41"],
        merchant_id=fields["42"].rstrip(),
        stan=fields["11"],
        local=_local(fields, today),
        business_day=_day(fields, "15", fields["15"], today),
        original=_original(fields, unpack_items(fields), today, "38"),
    )


def _read_reconciliation(fields: Fields, today: date) -> Reconciliation:
    return Reconciliation(
        terminal_id=fields["41"],
        merchant_id=fields["42"].rstrip(),
        stan=fields["11"],
        local=_local(fields, today),
        business_day=_day(fields, "15", fields["15"], today),
        totals=read_totals(fields, unpack_items(fields)),
    )


def _read_network(fields: Fields, today: date) -> NetworkMessage:
    kind = _meaning(fields, "70", fields["70"], _NETWORK_MESSAGES)
    terminal_id, stan, local = fields["41"], fields["11"], _local(fields, today)
    if kind is TerminalKeyExchange or kind is ReaderKeyExchange:
        fields.require("62")
        return kind(terminal_id=terminal_id, stan=stan, local=local, blob=fields.binary("62"))
    if kind is OpenTerminal or kind is MerchantDownload:
        fields.require("48")
        business_number = unpack_items(fields).get(Item.BUSINESS_NUMBER)
        if business_number is None:
            raise fields.fault("48", f"item {Item.BUSINESS_NUMBER} is missing")
        return kind(terminal_id=terminal_id, stan=stan, local=local, business_number=business_number)
    return kind(terminal_id=terminal_id, stan=stan, local=local)  # type: ignore[call-arg]


def _original(fields: Fields, items: dict[Item, str], today: date, needed: str) -> Original:
    """DE 90, or what `needed` says where that is absent too."""
    original = read_original(fields, items, today)
    if original is None or (original.stan is None and needed not in fields):
        fields.require(needed)
    assert original is not None  # noqa: S101 - without any field of it, `require` has raised
    return original


def _local(fields: Fields, today: date) -> str:
    value = fields["7"]
    return _day(fields, "7", value, today) + value[4:]


def _day(fields: Fields, field: str, value: str, today: date) -> str:
    day = nearest_year(value[:4], today)
    if day is None:
        raise fields.fault(field, "holds no date MMDD")
    return day


def _amount(fields: Fields, items: dict[Item, str]) -> Amount:
    total_minor = int(fields["4"])
    supply_minor = number(fields, items, _SUPPLY)
    vat_minor = number(fields, items, _VAT) or 0
    charge_minor = number(fields, items, _SERVICE_CHARGE) or 0
    tax_free_minor = number(fields, items, _TAX_FREE) or 0
    try:
        amount = Amount(total_minor, supply_minor, vat_minor, charge_minor, tax_free_minor)
        # By hand it was not checked against the contract's limits; parts that add up are below the total's.
        if 0 < total_minor <= MAX_MINOR:
            return amount
        return msgspec.convert(structs.asdict(amount), Amount)
    except ValueError as error:
        raise fields.fault("4", str(error)) from None


def _item(fields: Fields, items: dict[Item, str], item: Item, meanings: dict[str, T]) -> T | None:
    value = items.get(item)
    return None if value is None else _meaning(fields, "48", value, meanings)


def _meaning(fields: Fields, field: str, value: str, meanings: dict[str, T]) -> T:
    meaning = meanings.get(value)
    if meaning is None:
        raise fields.fault(field, "holds a code that this format does not have")
    return meaning


_ENTRY_MODES = {code: mode for mode, code in ENTRY_MODES.items()}
_CARD_NETWORKS = {code: network for network, code in CARD_NETWORKS.items()}
_KEY_OWNERS = {TERMINALS_KEY: True}
_PURPOSES = {code: purpose for purpose, code in PURPOSES.items()}
_VOID_REASONS = {code: reason for reason, code in VOID_REASONS.items()}
_REASONS = {code: reason for reason, code in REVERSAL_REASONS.items()}
_NETWORK_MESSAGES = {code.value: kind for kind, code in NETWORK_CODES.items()}
_READERS: dict[str, Callable[[Fields, date], MacedMessage | NetworkMessage]] = {
    Mti.FINANCIAL: _read_financial,
    Mti.REVERSAL: _read_reversal,
    Mti.REVERSAL_REPEAT: _read_reversal,
    Mti.RECONCILIATION: _read_reconciliation,
    Mti.INQUIRY: _read_inquiry,
    Mti.NETWORK: _read_network,
}
