"""DE 54: the balance of an account, as ISO 8583:1987 writes additional amounts.

One amount of twenty characters: account type (20, checking), amount type (02, available balance), currency, sign (C,
the customer's, or D, owed), twelve digits.
"""

from __future__ import annotations

from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.fields import Fields

__all__ = ["pack_balance", "unpack_balance"]

_AVAILABLE = "2002410"
_CHARS = 20


def pack_balance(balance_minor: int) -> str:
    """The field; raises HostFormatError."""
    if abs(balance_minor) >= 10**12:
        raise HostFormatError("DE 54", "a balance has at most twelve digits")
    return f"{_AVAILABLE}{'D' if balance_minor < 0 else 'C'}{abs(balance_minor):012d}"


def unpack_balance(fields: Fields) -> int | None:
    """The available balance in won, or None without one; other amounts are skipped. Raises HostFormatError."""
    text = fields.get("54")
    if text is None:
        return None
    for at in range(0, len(text), _CHARS):
        amount = text[at : at + _CHARS]
        if not amount.startswith(_AVAILABLE):
            continue
        sign, digits = amount[7:8], amount[8:]
        if len(digits) != 12 or not (digits.isascii() and digits.isdigit()) or sign not in ("C", "D"):
            raise fields.fault("54", "is no sign and twelve digits", at)
        return -int(digits) if sign == "D" else int(digits)
    return None
