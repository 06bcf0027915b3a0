"""The host's answers, field by field."""

from __future__ import annotations

from tpayd.hosts.answers import Opened, TypeClass
from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.codec import unpack
from tpayd.hosts.iso8583.emv import unpack_emv_answer
from tpayd.hosts.iso8583.fields import Fields
from tpayd.hosts.iso8583.items import unpack_items
from tpayd.hosts.iso8583.spec import MAC_BYTES, Item, Mti
from tpayd.hosts.messages import Original

__all__ = ["IKID_BYTES", "open_answer", "original_of", "require_sealed"]

IKID_BYTES = 8
_CLASS_OF: dict[str, TypeClass] = {
    Mti.FINANCIAL_ANSWER: TypeClass.FINANCIAL,
    Mti.REVERSAL_ANSWER: TypeClass.REVERSAL,
    Mti.NETWORK_ANSWER: TypeClass.NETWORK,
}


def open_answer(raw: bytes) -> Opened:
    """Read a 0210, 0430 or 0810; raises HostFormatError."""
    fields = unpack(raw)
    type_class = _CLASS_OF.get(fields.mti)
    if type_class is None:
        raise HostFormatError("message type", "is no answer of this format", 0)
    if type_class is TypeClass.NETWORK:
        return _network(fields)
    require_sealed(fields)
    items = unpack_items(fields)
    return Opened(
        type_class=type_class,
        mti=fields.mti,
        terminal_id=fields.text("41"),
        stan=fields.text("11"),
        local=fields.get("7"),
        merchant_id=_stripped(fields.get("42")),
        response_code=_response_code(fields),
        amount_minor=int(fields.text("4")),
        approval_code=_stripped(fields.get("38")),
        host_reference=_stripped(fields.get("37")),
        issuer=items.get(Item.ISSUER),
        acquirer=items.get(Item.ACQUIRER),
        message=items.get(Item.MESSAGE),
        emv=unpack_emv_answer(fields),
        original=original_of(fields) if type_class is TypeClass.REVERSAL else None,
        ksn=fields.binary("53"),
        mac=fields.binary("128"),
        covered=raw[:-MAC_BYTES],
    )


def require_sealed(fields: Fields) -> None:
    """Refuse a message without KSN or MAC: nothing of it could be believed."""
    fields.require("53")
    fields.require("128")


def original_of(fields: Fields) -> Original:
    """DE 90; the year is not in it, so `local` is MMDDhhmmss."""
    value = fields.text("90")
    return Original(mti=value[:4], stan=value[4:10], local=value[10:20])


def _network(fields: Fields) -> Opened:
    key = fields.binary("63")
    if key and len(key) <= IKID_BYTES:
        raise fields.fault("63", "is no identity (8 bytes) and check value")
    return Opened(
        type_class=TypeClass.NETWORK,
        mti=fields.mti,
        terminal_id=fields.text("41"),
        stan=fields.text("11"),
        local=fields.get("7"),
        response_code=_response_code(fields),
        network_code=fields.text("70"),
        key_blob=fields.binary("62"),
        ikid=key[:IKID_BYTES],
        check_value=key[IKID_BYTES:].hex().upper() if key else None,
    )


def _response_code(fields: Fields) -> str:
    code = fields.text("39")
    if not code.isalnum():
        raise fields.fault("39", "is not two letters or digits")
    return code


def _stripped(value: str | None) -> str | None:
    return None if value is None else value.rstrip() or None
