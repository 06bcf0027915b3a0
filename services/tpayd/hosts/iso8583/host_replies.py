"""Answers as the host writes them: typed values to fields."""

from __future__ import annotations

from functools import lru_cache

from msgspec import structs

from tpayd.hosts.answers import EmvAnswer, Merchant, Unsealed
from tpayd.hosts.iso8583.balances import pack_balance
from tpayd.hosts.iso8583.codec import Value, pack, pack_unsealed
from tpayd.hosts.iso8583.emv import pack_emv_answer
from tpayd.hosts.iso8583.items import pack_items
from tpayd.hosts.iso8583.kinds import KINDS
from tpayd.hosts.iso8583.originals import echoed_original
from tpayd.hosts.iso8583.requests import KRW, NETWORK_CODES
from tpayd.hosts.iso8583.spec import Item, Mti
from tpayd.hosts.iso8583.totals import totals_fields, totals_items
from tpayd.hosts.messages import (
    Financial,
    HostTotals,
    Inquiry,
    MacedMessage,
    NetworkMessage,
    Reconciliation,
    Reversal,
)
from tpayd.hosts.quiet import Quiet

__all__ = [
    "FinancialReply",
    "InquiryReply",
    "NetworkReply",
    "reply_financial",
    "reply_inquiry",
    "reply_network",
    "reply_reconciliation",
    "reply_reversal",
]


class FinancialReply(Quiet, frozen=True, kw_only=True):
    """What a host says to a 0200."""

    response_code: str
    host_reference: str
    """Twelve characters."""
    approval_code: str | None = None
    """Six characters, with an approval."""
    issuer: str | None = None
    acquirer: str | None = None
    message: str | None = None
    emv: EmvAnswer | None = None
    balance_minor: int | None = None
    """To a balance inquiry."""
    at: str | None = None
    """The host's own time, UTC, YYYYMMDDhhmmss."""


class InquiryReply(Quiet, frozen=True, kw_only=True):
    """What a host says of a request that it is asked about: all but the code only where it stands."""

    response_code: str
    amount_minor: int | None = None
    approval_code: str | None = None
    host_reference: str | None = None
    voided_minor: int = 0
    issuer: str | None = None
    acquirer: str | None = None
    message: str | None = None
    at: str | None = None
    """The host's own time, UTC, YYYYMMDDhhmmss."""


class NetworkReply(Quiet, frozen=True, kw_only=True):
    """What a host says to a network message; key and check value only to a key exchange."""

    response_code: str
    key_blob: bytes = b""
    ikid: bytes = b""
    check_value: bytes = b""
    merchant: Merchant | None = None
    """To a merchant download."""


def reply_financial(request: Financial, reply: FinancialReply) -> Unsealed:
    """A 0210."""
    fields = _echoed(request, reply.response_code)
    fields["3"] = KINDS[request.kind].processing_code
    if request.amount is not None:
        fields["4"] = _amount(request.amount.total_minor)
    fields["37"] = reply.host_reference
    if reply.approval_code is not None:
        fields["38"] = reply.approval_code
    fields["48"] = _names(reply.issuer, reply.acquirer, reply.message, reply.at)
    if reply.balance_minor is not None:
        fields["54"] = pack_balance(reply.balance_minor)
    if reply.emv is not None:
        fields["55"] = pack_emv_answer(reply.emv)
    return pack_unsealed(Mti.FINANCIAL_ANSWER, fields)


def reply_reversal(request: Reversal, response_code: str) -> Unsealed:
    """A 0430."""
    fields = _echoed(request, response_code) | echoed_original(request.original)
    fields["3"] = KINDS[request.kind].processing_code
    fields["4"] = _amount(request.amount_minor)
    return pack_unsealed(Mti.REVERSAL_ANSWER, fields)


def reply_inquiry(request: Inquiry, reply: InquiryReply) -> Unsealed:
    """A 0610."""
    fields = _echoed(request, reply.response_code) | echoed_original(request.original)
    if reply.amount_minor is not None:
        fields["4"] = _amount(reply.amount_minor)
    if reply.host_reference is not None:
        fields["37"] = reply.host_reference
    if reply.approval_code is not None:
        fields["38"] = reply.approval_code
    fields["48"] = _names(reply.issuer, reply.acquirer, reply.message, reply.at) + pack_items(
        {Item.VOIDED: reply.voided_minor or None}
    )
    return pack_unsealed(Mti.INQUIRY_ANSWER, fields)


def reply_reconciliation(
    request: Reconciliation, response_code: str, totals: HostTotals, at: str | None = None
) -> Unsealed:
    """A 0510, with the host's own totals, and its own time as in the other replies."""
    fields = _echoed(request, response_code) | totals_fields(totals)
    fields["48"] = pack_items({Item.HOST_TIME: at, **totals_items(totals)})
    return pack_unsealed(Mti.RECONCILIATION_ANSWER, fields)


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
    if reply.merchant is not None:
        told = structs.asdict(reply.merchant)
        fields["42"] = reply.merchant.merchant_id.ljust(15)
        fields["48"] = pack_items({item: told[name] or None for item, name in _MERCHANT.items()})
    return pack(Mti.NETWORK_ANSWER, fields)


@lru_cache(maxsize=64)
def _names(issuer: str | None, acquirer: str | None, message: str | None, at: str | None) -> bytes:
    """Items 11, 12, 13 and 17. Few answers of one second differ in them; writing them costs a third of an answer."""
    return pack_items({Item.ISSUER: issuer, Item.ACQUIRER: acquirer, Item.MESSAGE: message, Item.HOST_TIME: at})


def _amount(minor: int) -> str:
    return f"{minor:012d}"


def _echoed(request: MacedMessage, response_code: str) -> dict[str, Value]:
    return {
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


_MERCHANT = {
    Item.BUSINESS_NUMBER: "business_number",
    Item.MERCHANT_NAME: "name",
    Item.REPRESENTATIVE: "representative",
    Item.ADDRESS: "address",
    Item.TEL: "tel",
}
