"""A reconciliation's totals: DE 74 to 97, and four items. To the standard a sale is a debit, of the cardholder."""

from __future__ import annotations

from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.codec import Value
from tpayd.hosts.iso8583.fields import Fields
from tpayd.hosts.iso8583.items import number
from tpayd.hosts.iso8583.spec import Item
from tpayd.hosts.messages import HostTotals

__all__ = ["read_totals", "totals_fields", "totals_items"]

_COUNT_DIGITS, _AMOUNT_DIGITS = 10, 16
_DEBIT, _CREDIT = "D", "C"


def totals_fields(totals: HostTotals) -> dict[str, Value]:
    """DE 74, 76, 77, 86, 88, 89 and 97; raises HostFormatError."""
    net_minor = totals.sales_minor - totals.voids_minor
    sign = _CREDIT if net_minor < 0 else _DEBIT
    return {
        "74": _digits("74", totals.voids_count, _COUNT_DIGITS),
        "76": _digits("76", totals.sales_count, _COUNT_DIGITS),
        "77": _digits("77", totals.reversals_count, _COUNT_DIGITS),
        "86": _digits("86", totals.voids_minor, _AMOUNT_DIGITS),
        "88": _digits("88", totals.sales_minor, _AMOUNT_DIGITS),
        "89": _digits("89", totals.reversals_minor, _AMOUNT_DIGITS),
        "97": sign + _digits("97", abs(net_minor), _AMOUNT_DIGITS),
    }


def totals_items(totals: HostTotals) -> dict[Item, str | int | None]:
    """Cash receipts move no money, so no field of the standard counts them."""
    return {
        Item.RECEIPTS_COUNT: totals.cash_receipts_count,
        Item.RECEIPTS_AMOUNT: totals.cash_receipts_minor,
        Item.RECEIPT_VOIDS_COUNT: totals.cash_receipt_voids_count,
        Item.RECEIPT_VOIDS_AMOUNT: totals.cash_receipt_voids_minor,
    }


def read_totals(fields: Fields, items: dict[Item, str]) -> HostTotals:
    """The totals of a request or an answer; raises HostFormatError, also where the net is not theirs."""
    totals = HostTotals(
        sales_count=int(fields["76"]),
        sales_minor=int(fields["88"]),
        voids_count=int(fields["74"]),
        voids_minor=int(fields["86"]),
        reversals_count=int(fields["77"]),
        reversals_minor=int(fields["89"]),
        cash_receipts_count=number(fields, items, Item.RECEIPTS_COUNT) or 0,
        cash_receipts_minor=number(fields, items, Item.RECEIPTS_AMOUNT) or 0,
        cash_receipt_voids_count=number(fields, items, Item.RECEIPT_VOIDS_COUNT) or 0,
        cash_receipt_voids_minor=number(fields, items, Item.RECEIPT_VOIDS_AMOUNT) or 0,
    )
    if fields["97"] != totals_fields(totals)["97"]:
        raise fields.fault("97", "is not the debits less the credits")
    return totals


def _digits(field: str, value: int, digits: int) -> str:
    if not 0 <= value < 10**digits:
        raise HostFormatError(f"DE {field}", f"is not 0 to {digits} digits")
    return f"{value:0{digits}d}"
