"""DE 55: BER-TLV (EMV Book 3, annex B), as far as an issuer's answer needs it."""

from __future__ import annotations

from collections.abc import Iterator

from tpayd.hosts.answers import EmvAnswer
from tpayd.hosts.iso8583.fields import Fields

__all__ = ["pack_emv_answer", "unpack_emv_answer"]

_ARC, _ISSUER_DATA, _SCRIPTS = b"\x8a", b"\x91", (b"\x71", b"\x72")
_LONG_LENGTH = 0x81
_MULTI_BYTE_TAG = 0x1F


def pack_emv_answer(answer: EmvAnswer) -> bytes:
    """The issuer's word as the host writes it; values stay below 128 bytes."""
    packed = b""
    if answer.arc is not None:
        packed += _ARC + b"\x02" + answer.arc.encode("ascii")
    if answer.issuer_data:
        packed += _ISSUER_DATA + bytes([len(answer.issuer_data)]) + answer.issuer_data
    return packed + answer.scripts


def unpack_emv_answer(fields: Fields) -> EmvAnswer | None:
    """The issuer's word, or None without DE 55; raises HostFormatError. Tags of no use to the card are skipped."""
    if "55" not in fields:
        return None
    arc: str | None = None
    issuer_data = scripts = b""
    for tag, value, whole, at in _tlvs(fields):
        if tag == _ARC:
            if len(value) != 2 or not value.isalnum():
                raise fields.fault("55", "tag 8A is not two characters", at)
            arc = value.decode("ascii")
        elif tag == _ISSUER_DATA:
            issuer_data = value
        elif tag in _SCRIPTS:
            scripts += whole
    return EmvAnswer(arc=arc, issuer_data=issuer_data, scripts=scripts)


def _tlvs(fields: Fields) -> Iterator[tuple[bytes, bytes, bytes, int]]:
    """Tag, value, complete TLV and offset of each; one level deep, lengths up to 255."""
    data = fields.binary("55")
    at = 0
    while at < len(data):
        start = at
        at += 1
        if data[start] & _MULTI_BYTE_TAG == _MULTI_BYTE_TAG:
            at += 1
            while at <= len(data) and data[at - 1] & 0x80:
                at += 1
        tag = data[start:at]
        head = data[at : at + 2]
        if not head:
            raise fields.fault("55", "a tag has no length", start)
        long_form = head[0] & 0x80
        if long_form and (head[0] != _LONG_LENGTH or len(head) < 2):
            raise fields.fault("55", "a length is not in one byte, or in 81 and one byte", at)
        length = head[1] if long_form else head[0]
        at += 2 if long_form else 1
        value = data[at : at + length]
        if len(value) != length:
            raise fields.fault("55", "a value is longer than the field", start)
        at += length
        yield tag, value, data[start:at], start
