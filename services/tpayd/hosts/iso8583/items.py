"""DE 48: items of id (2 digits), length in bytes (3 digits) and value, in the order of their ids. Text is UTF-8."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.fields import Fields
from tpayd.hosts.iso8583.spec import Item
from tpayd_contracts.money import Amount

__all__ = ["number", "pack_amount", "pack_items", "unpack_items"]

_HEADER_BYTES = 5
_INSTALLMENTS_MAX = 99
_KNOWN = {item.value: item for item in Item}
_IDS = {item: item.value.encode() for item in Item}
_AMOUNT = (Item.INSTALLMENTS, Item.SUPPLY, Item.VAT, Item.SERVICE_CHARGE, Item.TAX_FREE)
_amount_in = re.compile("01002([0-9]{2})02012([0-9]{12})03012([0-9]{12})04012([0-9]{12})05012([0-9]{12})").match
"""What every request about money begins with, read at one go."""


def pack_amount(installments: int, amount: Amount | None) -> bytes:
    """Items 01 to 05; without an amount 01 alone. Raises HostFormatError."""
    if not 0 <= installments <= _INSTALLMENTS_MAX:
        raise HostFormatError(f"DE 48.{Item.INSTALLMENTS}", "is not 0 to 99")
    if amount is None:
        return b"01002%02d" % installments
    return b"01002%02d02012%012d03012%012d04012%012d05012%012d" % (
        installments, amount.supply, amount.vat_minor, amount.service_charge_minor, amount.tax_free_minor,
    )  # fmt: skip


def pack_items(items: Mapping[Item, str | int | None]) -> bytes:
    """The field. None is left out, a number becomes twelve digits."""
    packed: list[bytes] = []
    for item, value in items.items():
        if value is not None:
            data = b"%012d" % value if isinstance(value, int) else _utf8(item, value)
            packed.append(b"%s%03d%s" % (_IDS[item], len(data), data))
    return b"".join(packed)


def unpack_items(fields: Fields) -> dict[Item, str]:
    """The items of a message; empty without the field. An unknown id is skipped, a second one of the same refused."""
    text = fields.get("48")
    if text is None:
        return {}
    found: dict[Item, str] = {}
    at = 0
    amount = _amount_in(text)
    if amount is not None:
        found.update(zip(_AMOUNT, amount.groups(), strict=True))
        at = amount.end()
    data = text.encode("latin-1")
    while at < len(data):
        header = text[at : at + _HEADER_BYTES]
        if len(header) < _HEADER_BYTES or not header.isdecimal():  # of Latin-1, the ten digits alone
            raise fields.fault("48", "no item begins here", at)
        begin = at + _HEADER_BYTES
        end = begin + int(header[2:])
        if end > len(data):
            raise fields.fault("48", f"item {header[:2]} is longer than the field", at)
        item = _KNOWN.get(header[:2])
        if item is not None:
            if item in found:
                raise fields.fault("48", f"item {item} comes twice", at)
            try:
                found[item] = data[begin:end].decode()
            except UnicodeDecodeError:
                raise fields.fault("48", f"item {item} is not UTF-8", begin) from None
        at = end
    return found


def number(fields: Fields, items: Mapping[Item, str], item: Item) -> int | None:
    """An item that must be a number, or None without it."""
    value = items.get(item)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 12):
        raise fields.fault("48", f"item {item} is no number of up to 12 digits")
    return int(value)


def _utf8(item: Item, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise HostFormatError(f"DE 48.{item}", "cannot be written as UTF-8") from None
