"""The host's answers, field by field."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from tpayd.hosts.answers import Merchant, Opened, TypeClass
from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.balances import unpack_balance
from tpayd.hosts.iso8583.codec import unpack
from tpayd.hosts.iso8583.emv import unpack_emv_answer
from tpayd.hosts.iso8583.fields import Fields
from tpayd.hosts.iso8583.items import number, unpack_items
from tpayd.hosts.iso8583.kinds import KIND_OF
from tpayd.hosts.iso8583.moment import check_local
from tpayd.hosts.iso8583.originals import original_of
from tpayd.hosts.iso8583.spec import MAC_BYTES, Item, Mti
from tpayd.hosts.iso8583.totals import read_totals
from tpayd.hosts.messages import Kind

__all__ = ["IKID_BYTES", "host_time_ms", "kind_of", "open_answer", "require_sealed", "split_mac"]

IKID_BYTES = 8
_CLASS_OF: dict[str, TypeClass] = {
    Mti.FINANCIAL_ANSWER: TypeClass.FINANCIAL,
    Mti.REVERSAL_ANSWER: TypeClass.REVERSAL,
    Mti.RECONCILIATION_ANSWER: TypeClass.RECONCILIATION,
    Mti.INQUIRY_ANSWER: TypeClass.INQUIRY,
    Mti.NETWORK_ANSWER: TypeClass.NETWORK,
}


_FINANCIAL, _REVERSAL, _INQUIRY = TypeClass.FINANCIAL, TypeClass.REVERSAL, TypeClass.INQUIRY
_HOST_TIME = Item.HOST_TIME
_RECONCILIATION, _NETWORK = TypeClass.RECONCILIATION, TypeClass.NETWORK
_ISSUER, _ACQUIRER, _MESSAGE, _VOIDED = Item.ISSUER, Item.ACQUIRER, Item.MESSAGE, Item.VOIDED
# By a name of this module, since asking the class for its member costs six times as much, and an answer asks for ten.


def open_answer(raw: bytes) -> Opened:
    """Read a 0210, 0430, 0510, 0610 or 0810; raises HostFormatError."""
    fields = unpack(raw)
    type_class = _CLASS_OF.get(fields.mti)
    if type_class is None:
        raise HostFormatError("message type", "is no answer of this format", 0)
    if type_class is _NETWORK:
        return _network_answer(fields)
    require_sealed(fields)
    items = unpack_items(fields)
    moves_money = type_class is _FINANCIAL or type_class is _REVERSAL
    amount = fields.get("4")
    names_original = type_class is _REVERSAL or type_class is _INQUIRY
    return Opened(
        type_class=type_class,
        mti=fields.mti,
        terminal_id=fields["41"],
        stan=fields["11"],
        local=fields.get("7"),
        merchant_id=_stripped(fields.get("42")),
        response_code=_response_code(fields),
        kind=kind_of(fields) if moves_money else None,
        amount_minor=None if amount is None else int(amount),
        approval_code=_stripped(fields.get("38")),
        host_reference=_stripped(fields.get("37")),
        issuer=items.get(_ISSUER),
        acquirer=items.get(_ACQUIRER),
        message=items.get(_MESSAGE),
        emv=unpack_emv_answer(fields) if "55" in fields else None,
        original=original_of(fields) if names_original else None,
        balance_minor=unpack_balance(fields) if "54" in fields else None,
        voided_minor=number(fields, items, _VOIDED) or 0,
        totals=read_totals(fields, items) if type_class is _RECONCILIATION else None,
        ksn=fields.binary("53"),
        mac=fields.binary("128"),
        covered=raw[:-MAC_BYTES],
    )


def split_mac(raw: bytes) -> tuple[bytes, bytes]:
    """All before DE 128, which ends a message, and DE 128; raises HostFormatError for what is shorter than that."""
    if len(raw) <= MAC_BYTES:
        raise HostFormatError("DE 128", "is missing", 0)
    return raw[:-MAC_BYTES], raw[-MAC_BYTES:]


def host_time_ms(covered: bytes) -> int | None:
    """Item 17 of an answer, by all of it that its MAC covers; raises HostFormatError."""
    fields = unpack(covered + bytes(MAC_BYTES))
    if fields.mti not in _CLASS_OF:
        return None
    told = unpack_items(fields).get(_HOST_TIME)
    return None if told is None else _unix_ms(told)


@lru_cache(maxsize=64)
def _unix_ms(told: str) -> int:
    """Item 17 as milliseconds of Unix time: all answers of one second tell the same, and reading it costs most."""
    at = check_local(f"DE 48.{_HOST_TIME}", told)
    return int(datetime.strptime(at, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()) * 1000


def require_sealed(fields: Fields) -> None:
    """Refuse a message without KSN or MAC: nothing of it could be believed."""
    fields.require("53")
    fields.require("128")


def kind_of(fields: Fields) -> Kind:
    """DE 3; raises HostFormatError."""
    kind = KIND_OF.get(fields["3"])
    if kind is None:
        raise fields.fault("3", "holds a code that this format does not have")
    return kind


def _network_answer(fields: Fields) -> Opened:
    key = fields.binary("63")
    if key and len(key) <= IKID_BYTES:
        raise fields.fault("63", "is no identity (8 bytes) and check value")
    return Opened(
        type_class=TypeClass.NETWORK,
        mti=fields.mti,
        terminal_id=fields["41"],
        stan=fields["11"],
        local=fields.get("7"),
        response_code=_response_code(fields),
        network_code=fields["70"],
        key_blob=fields.binary("62"),
        ikid=key[:IKID_BYTES],
        check_value=key[IKID_BYTES:].hex().upper() if key else None,
        merchant=_merchant(fields),
    )


def _merchant(fields: Fields) -> Merchant | None:
    merchant_id = _stripped(fields.get("42"))
    if merchant_id is None:
        return None
    items = unpack_items(fields)
    return Merchant(
        merchant_id=merchant_id,
        business_number=items.get(Item.BUSINESS_NUMBER, ""),
        name=items.get(Item.MERCHANT_NAME, ""),
        representative=items.get(Item.REPRESENTATIVE, ""),
        address=items.get(Item.ADDRESS, ""),
        tel=items.get(Item.TEL, ""),
    )


def _response_code(fields: Fields) -> str:
    code = fields["39"]
    if not code.isalnum():
        raise fields.fault("39", "is not two letters or digits")
    return code


def _stripped(value: str | None) -> str | None:
    return None if value is None else value.rstrip() or None
