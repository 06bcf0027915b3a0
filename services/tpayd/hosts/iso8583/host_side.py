"""The same format from the host's chair: requests to typed values, typed answers to bytes; the sandbox uses it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

import msgspec

from tpayd.hosts.answers import EmvAnswer, Unsealed
from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.codec import Value, pack, pack_unsealed, unpack
from tpayd.hosts.iso8583.emv import pack_emv_answer
from tpayd.hosts.iso8583.fields import Fields
from tpayd.hosts.iso8583.items import number, pack_items, unpack_items
from tpayd.hosts.iso8583.moment import nearest_year
from tpayd.hosts.iso8583.opening import original_of, require_sealed
from tpayd.hosts.iso8583.requests import ENTRY_MODES, KRW, NETWORK_CODES, PURCHASE, REVERSAL_REASONS
from tpayd.hosts.iso8583.spec import KSN_BYTES, MAC_BYTES, Item, Mti
from tpayd.hosts.messages import (
    Financial,
    MacedMessage,
    NetworkMessage,
    Original,
    ReaderKeyExchange,
    Reversal,
    TerminalKeyExchange,
)
from tpayd.hosts.quiet import Quiet
from tpayd_contracts.money import Amount

__all__ = ["FinancialReply", "NetworkReply", "Received", "read", "reply_financial", "reply_network", "reply_reversal"]

T = TypeVar("T")


class Received(Quiet, frozen=True, kw_only=True):
    """A request as the host sees it."""

    message: MacedMessage | NetworkMessage
    ksn: bytes = b""
    mac: bytes = b""
    covered: bytes = b""
    """What the MAC covers. Empty for a network message: it has none."""


class FinancialReply(Quiet, frozen=True, kw_only=True):
    """What a host says to a sale."""

    response_code: str
    host_reference: str
    """Twelve characters."""
    approval_code: str | None = None
    """Six characters, with an approval."""
    issuer: str | None = None
    acquirer: str | None = None
    message: str | None = None
    emv: EmvAnswer | None = None


class NetworkReply(Quiet, frozen=True, kw_only=True):
    """What a host says to a network message; the last three only to a key exchange."""

    response_code: str
    key_blob: bytes = b""
    ikid: bytes = b""
    check_value: bytes = b""


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


def reply_financial(request: Financial, reply: FinancialReply) -> Unsealed:
    """A 0210."""
    fields = _echoed(request, request.amount.total_minor, reply.response_code)
    fields["37"] = reply.host_reference
    if reply.approval_code is not None:
        fields["38"] = reply.approval_code
    fields["48"] = pack_items({Item.ISSUER: reply.issuer, Item.ACQUIRER: reply.acquirer, Item.MESSAGE: reply.message})
    if reply.emv is not None:
        fields["55"] = pack_emv_answer(reply.emv)
    return pack_unsealed(Mti.FINANCIAL_ANSWER, fields)


def reply_reversal(request: Reversal, response_code: str) -> Unsealed:
    """A 0430."""
    fields = _echoed(request, request.amount_minor, response_code)
    original = request.original
    fields["90"] = f"{original.mti}{original.stan}{original.local[4:]}".ljust(42, "0")
    return pack_unsealed(Mti.REVERSAL_ANSWER, fields)


def reply_network(request: NetworkMessage, reply: NetworkReply) -> bytes:
    """A 0810, complete."""
    fields: dict[str, Value] = {
        "7": request.local[4:],
        "11": request.stan,
        "39": reply.response_code,
        "41": request.terminal_id,
        "70": NETWORK_CODES[type(request)],
    }
    if reply.key_blob:
        fields["62"] = reply.key_blob
        fields["63"] = reply.ikid + reply.check_value
    return pack(Mti.NETWORK_ANSWER, fields)


def _echoed(request: Financial | Reversal, amount_minor: int, response_code: str) -> dict[str, Value]:
    return {
        "3": PURCHASE,
        "4": f"{amount_minor:012d}",
        "7": request.local[4:],
        "11": request.stan,
        "12": request.local[8:],
        "13": request.local[4:8],
        "15": request.business_day[4:],
        "39": response_code,
        "41": request.terminal_id,
        "42": request.merchant_id.ljust(15),
        "49": KRW,
    }


def _read_financial(fields: Fields, today: date) -> Financial:
    items = unpack_items(fields)
    card = fields.binary("60")
    if len(card) <= KSN_BYTES:
        raise fields.fault("60", "no KSN and card data")
    return Financial(
        terminal_id=fields.text("41"),
        merchant_id=fields.text("42").rstrip(),
        stan=fields.text("11"),
        local=_local(fields, today),
        business_day=_day(fields, "15", fields.text("15"), today),
        amount=_amount(fields, items),
        installments=number(fields, items, Item.INSTALLMENTS) or 0,
        entry_mode=_meaning(fields, "22", fields.text("22"), _ENTRY_MODES),
        ksn=card[:KSN_BYTES],
        cipher=card[KSN_BYTES:],
        emv=fields.binary("55"),
        fallback_code=items.get(Item.FALLBACK_CODE),
        reference=items.get(Item.REFERENCE),
    )


def _read_reversal(fields: Fields, today: date) -> Reversal:
    original = original_of(fields)
    day = _day(fields, "90", original.local, today)
    return Reversal(
        terminal_id=fields.text("41"),
        merchant_id=fields.text("42").rstrip(),
        stan=fields.text("11"),
        local=_local(fields, today),
        business_day=_day(fields, "15", fields.text("15"), today),
        amount_minor=int(fields.text("4")),
        original=Original(mti=original.mti, stan=original.stan, local=day + original.local[4:]),
        reason=_meaning(fields, "48", unpack_items(fields).get(Item.REVERSAL_REASON, ""), _REASONS),
        repeat=fields.mti == Mti.REVERSAL_REPEAT,
    )


def _read_network(fields: Fields, today: date) -> NetworkMessage:
    kind = _meaning(fields, "70", fields.text("70"), _NETWORK_MESSAGES)
    terminal_id, stan, local = fields.text("41"), fields.text("11"), _local(fields, today)
    if kind is TerminalKeyExchange or kind is ReaderKeyExchange:
        fields.require("62")
        return kind(terminal_id=terminal_id, stan=stan, local=local, blob=fields.binary("62"))
    return kind(terminal_id=terminal_id, stan=stan, local=local)  # type: ignore[call-arg]


def _local(fields: Fields, today: date) -> str:
    value = fields.text("7")
    return _day(fields, "7", value, today) + value[4:]


def _day(fields: Fields, field: str, value: str, today: date) -> str:
    day = nearest_year(value[:4], today)
    if day is None:
        raise fields.fault(field, "holds no date MMDD")
    return day


def _amount(fields: Fields, items: dict[Item, str]) -> Amount:
    try:
        return msgspec.convert(
            {
                "total_minor": int(fields.text("4")),
                "supply_minor": number(fields, items, Item.SUPPLY),
                "vat_minor": number(fields, items, Item.VAT) or 0,
                "service_charge_minor": number(fields, items, Item.SERVICE_CHARGE) or 0,
                "tax_free_minor": number(fields, items, Item.TAX_FREE) or 0,
            },
            Amount,
        )
    except msgspec.ValidationError as error:
        raise fields.fault("4", str(error)) from None


def _meaning(fields: Fields, field: str, value: str, meanings: dict[str, T]) -> T:
    meaning = meanings.get(value)
    if meaning is None:
        raise fields.fault(field, "holds a code that this format does not have")
    return meaning


_ENTRY_MODES = {code: mode for mode, code in ENTRY_MODES.items()}
_REASONS = {code: reason for reason, code in REVERSAL_REASONS.items()}
_NETWORK_MESSAGES = {code.value: kind for kind, code in NETWORK_CODES.items()}
_READERS: dict[str, Callable[[Fields, date], MacedMessage | NetworkMessage]] = {
    Mti.FINANCIAL: _read_financial,
    Mti.REVERSAL: _read_reversal,
    Mti.REVERSAL_REPEAT: _read_reversal,
    Mti.NETWORK: _read_network,
}
