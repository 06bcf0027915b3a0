"""How a message names an earlier one: DE 90, or DE 38 and the items of a receipt; the rest of it for the check."""

from __future__ import annotations

from datetime import date

from msgspec import structs

from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.codec import Value
from tpayd.hosts.iso8583.fields import Fields
from tpayd.hosts.iso8583.items import number
from tpayd.hosts.iso8583.moment import check_day, nearest_year, transmission
from tpayd.hosts.iso8583.spec import Item
from tpayd.hosts.messages import Original

__all__ = ["echoed_original", "original_fields", "original_items", "original_of", "read_original"]

_NO_INSTITUTIONS = "0" * 22
_APPROVAL_CODE_CHARS = 6
_DE_90_CHARS = 42
_NAMES_ONE = frozenset({"38", "90"})
_ITEMS_NAME_ONE = frozenset({Item.ORIGINAL_DAY, Item.ORIGINAL_AMOUNT, Item.ORIGINAL_TERMINAL})


def original_fields(original: Original) -> dict[str, Value]:
    """DE 90 and DE 38, as far as they are known; raises HostFormatError for an original that nobody could find."""
    if (original.stan is None) != (original.local is None):
        raise HostFormatError("DE 90", "a STAN and its local time come together")
    fields: dict[str, Value] = {}
    if original.stan is not None and original.local is not None:
        fields["90"] = original.mti + original.stan + transmission("DE 90", original.local) + _NO_INSTITUTIONS
    elif None in (original.approval_code, original.business_day, original.amount_minor):
        raise HostFormatError("DE 90", "names neither a STAN nor approval code, date and amount")
    if original.approval_code is not None:
        if not original.approval_code.strip():
            raise HostFormatError("DE 38", "is empty")
        fields["38"] = original.approval_code.ljust(_APPROVAL_CODE_CHARS)
    return fields


def original_items(original: Original) -> dict[Item, str | int | None]:
    """The items that go with it."""
    day = original.business_day
    return {
        Item.ORIGINAL_TERMINAL: original.terminal_id,
        Item.ORIGINAL_DAY: None if day is None else check_day(f"DE 48.{Item.ORIGINAL_DAY}", day),
        Item.ORIGINAL_AMOUNT: original.amount_minor,
    }


def original_of(fields: Fields) -> Original | None:
    """DE 90, or None without it; the year is not in it, so `local` is MMDDhhmmss."""
    value = fields.get("90")
    return None if value is None else Original(mti=value[:4], stan=value[4:10], local=value[10:20])


def read_original(fields: Fields, items: dict[Item, str], today: date) -> Original | None:
    """The original that a request names, or None; raises HostFormatError."""
    if not (_NAMES_ONE.isdisjoint(fields) and _ITEMS_NAME_ONE.isdisjoint(items)):
        return _read_original(fields, items, today)
    return None


def _read_original(fields: Fields, items: dict[Item, str], today: date) -> Original | None:
    approval_code, day = fields.get("38"), items.get(Item.ORIGINAL_DAY)
    if day is not None:
        try:
            check_day("", day)
        except HostFormatError as error:
            raise fields.fault("48", f"item {Item.ORIGINAL_DAY} {error.reason}") from None
    named = Original(
        approval_code=None if approval_code is None else approval_code.rstrip() or None,
        business_day=day,
        amount_minor=number(fields, items, Item.ORIGINAL_AMOUNT),
        terminal_id=items.get(Item.ORIGINAL_TERMINAL),
    )
    by_number = original_of(fields)
    if by_number is None or by_number.local is None:
        return None if named == Original() else named
    year_day = nearest_year(by_number.local[:4], today)
    if year_day is None:
        raise fields.fault("90", "holds no date MMDD")
    return structs.replace(named, mti=by_number.mti, stan=by_number.stan, local=year_day + by_number.local[4:])


def echoed_original(original: Original) -> dict[str, Value]:
    """DE 90 of an answer: the request's own."""
    if original.stan is None or original.local is None:
        return {}
    return {"90": f"{original.mti}{original.stan}{original.local[4:]}".ljust(_DE_90_CHARS, "0")}
