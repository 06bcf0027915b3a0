"""Fields to bytes and back, by the table in `spec`, on pyiso8583. It knows lengths and character sets, no meanings."""

from __future__ import annotations

from collections.abc import Mapping

import iso8583

from tpayd.hosts.answers import Unsealed
from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.spec import (
    ALLOWED,
    DIGIT_FIELDS,
    KSN_BYTES,
    MAC_BYTES,
    MAX_MESSAGE_BYTES,
    PYISO,
    TEXT_FIELDS,
    VARIABLE_FIELDS,
)

__all__ = ["Fields", "pack", "pack_unsealed", "seal", "unpack"]

_BITMAPS_END = 20
_NO_DIGITS = "holds something else than digits"
_CONTROL = "holds a control character"
_PLACES = {"t": "message type", "p": "DE 1", "1": "DE 1"}
_BEFORE_KSN = tuple(str(number) for number in range(2, 53))
_PLACEHOLDERS = {"53": "00" * KSN_BYTES, "128": "00" * MAC_BYTES}


class Fields:
    """The fields of one message that was read: text as text, binary as bytes, each fault with its position."""

    def __init__(self, raw: bytes, text: Mapping[str, str], encoded: Mapping[str, Mapping[str, bytes]]) -> None:
        self.raw = raw
        self.mti = text["t"]
        self._text = text
        self._encoded = encoded

    def __contains__(self, field: str) -> bool:
        return field in self._text

    def get(self, field: str) -> str | None:
        """The field's text, or None without the field."""
        return self._text.get(field)

    def text(self, field: str) -> str:
        """The field's text; HostFormatError without the field."""
        value = self._text.get(field)
        if value is None:
            raise HostFormatError(f"DE {field}", f"is missing from {self.mti}")
        return value

    def binary(self, field: str) -> bytes:
        """The field's bytes, empty without the field."""
        encoded = self._encoded.get(field)
        return b"" if encoded is None else encoded["data"]

    def position(self, field: str) -> int:
        """Where the field's data begins in the message, in bytes."""
        at = 0
        for key, encoded in self._encoded.items():
            at += len(encoded["len"])
            if key == field:
                break
            at += len(encoded["data"])
        return at

    def fault(self, field: str, reason: str, offset: int = 0) -> HostFormatError:
        """An error about this field, `offset` bytes into it."""
        return HostFormatError(f"DE {field}", reason, self.position(field) + offset)


def pack(fields: dict[str, str]) -> bytes:
    """A message of these fields (`t` is the type, binary ones in hex); raises HostFormatError."""
    return _encode(fields)[0]


def pack_unsealed(fields: dict[str, str]) -> Unsealed:
    """The same for a message that will be MACed, split around the KSN that the key manager chooses."""
    raw, encoded = _encode(fields | _PLACEHOLDERS)
    at = _BITMAPS_END
    for number in _BEFORE_KSN:
        if number in encoded:
            at += len(encoded[number]["len"]) + len(encoded[number]["data"])
    return Unsealed(head=raw[:at], tail=raw[at + KSN_BYTES : -MAC_BYTES])


def seal(unsealed: Unsealed, ksn: bytes, mac: bytes) -> bytes:
    """The complete message; raises HostFormatError for a KSN or MAC of the wrong length."""
    if len(ksn) != KSN_BYTES:
        raise HostFormatError("DE 53", f"a KSN has {KSN_BYTES} bytes, not {len(ksn)}", len(unsealed.head))
    if len(mac) != MAC_BYTES:
        raise HostFormatError("DE 128", f"a MAC has {MAC_BYTES} bytes, not {len(mac)}")
    return b"".join((unsealed.head, ksn, unsealed.tail, mac))


def unpack(raw: bytes) -> Fields:
    """Read a message; raises HostFormatError for anything that is not exactly one."""
    if len(raw) > MAX_MESSAGE_BYTES:
        raise HostFormatError("message", f"{len(raw)} bytes; the limit is {MAX_MESSAGE_BYTES}")
    _check_bitmaps(raw)
    try:
        text, encoded = iso8583.decode(raw, PYISO)
    except iso8583.DecodeError as error:
        # Not chained: the library's error carries the whole message.
        raise HostFormatError(_PLACES.get(error.field, f"DE {error.field}"), error.msg, error.pos) from None
    fields = Fields(raw, text, encoded)
    for key, value in text.items():
        # The library has decoded text as ASCII, so these are ASCII digits.
        if key in DIGIT_FIELDS:
            if not value.isdigit():
                raise fields.fault(key, _NO_DIGITS)
        elif key in TEXT_FIELDS and not value.isprintable():
            raise fields.fault(key, _CONTROL)
    for key, digits in VARIABLE_FIELDS.items():
        # The library reads a length with int(), which takes '+12' as well.
        if key in encoded and not encoded[key]["len"].isdigit():
            raise fields.fault(key, "its length is not in digits", -digits)
    return fields


def _check_bitmaps(raw: bytes) -> None:
    """Refuse a field that this format does not have: without its length nothing after it can be read."""
    if len(raw) < _BITMAPS_END - 8:
        raise HostFormatError("message", f"{len(raw)} bytes are too few for a type and a bitmap", len(raw))
    second = raw[4] & 0x80
    if second and len(raw) < _BITMAPS_END:
        raise HostFormatError("DE 1", "the second bitmap is cut off", len(raw))
    present = int.from_bytes(raw[4:_BITMAPS_END]) if second else int.from_bytes(raw[4:12]) << 64
    unknown = present & ~ALLOWED
    if unknown:
        number = 129 - unknown.bit_length()
        raise HostFormatError(f"DE {number}", "is no field of this format", 4 + (number - 1) // 8)


def _encode(fields: dict[str, str]) -> tuple[bytes, Mapping[str, Mapping[str, bytes]]]:
    for key, value in fields.items():
        if key in DIGIT_FIELDS:
            if not (value.isascii() and value.isdigit()):
                raise HostFormatError(f"DE {key}", _NO_DIGITS)
        elif key in TEXT_FIELDS and not value.isprintable():
            raise HostFormatError(f"DE {key}", _CONTROL)
    try:
        raw, encoded = iso8583.encode(fields, PYISO)
    except iso8583.EncodeError as error:
        raise HostFormatError(f"DE {error.field}", error.msg) from None
    return bytes(raw), encoded
