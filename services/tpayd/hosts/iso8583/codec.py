"""Fields to bytes and back, by the table in `spec`. It knows lengths and character sets, no meanings.

The fault that is told is the first one in the message.
"""

from __future__ import annotations

from collections.abc import Mapping

from tpayd.hosts.answers import Unsealed
from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.fields import Fields
from tpayd.hosts.iso8583.layout import BITMAP_AT, Place, Run, layout_of, places_in, sections_in
from tpayd.hosts.iso8583.spec import KSN_BYTES, MAC_BYTES, MAX_MESSAGE_BYTES, Kind, Mti

__all__ = ["Fields", "Value", "pack", "pack_unsealed", "seal", "unpack"]

Value = str | bytes
"""Text of a field of digits or text, bytes of a binary one."""

_BITMAP_BYTES = 8
_SECOND_BITMAP = 0x80
_DIGITS, _BINARY = Kind.DIGITS, Kind.BINARY
_NO_DIGITS = "holds something else than digits"
_NO_ASCII = "holds something else than ASCII"
_CONTROL = "holds a control character"


def pack(mti: Mti, fields: Mapping[str, Value]) -> bytes:
    """A message of these fields; raises HostFormatError."""
    layout = layout_of(tuple(fields), sealed=False)
    return b"".join((mti.encode(), layout.bitmap, *_written(layout.head, fields)))


def pack_unsealed(mti: Mti, fields: Mapping[str, Value]) -> Unsealed:
    """The same for a message that will be MACed, split around the KSN that the key manager chooses."""
    layout = layout_of(tuple(fields), sealed=True)
    return Unsealed(
        head=b"".join((mti.encode(), layout.bitmap, *_written(layout.head, fields))),
        tail=b"".join(_written(layout.tail, fields)),
    )


def seal(unsealed: Unsealed, ksn: bytes, mac: bytes) -> bytes:
    """The complete message; raises HostFormatError for a KSN or MAC of the wrong length."""
    if len(ksn) != KSN_BYTES:
        raise HostFormatError("DE 53", f"a KSN has {KSN_BYTES} bytes, not {len(ksn)}", len(unsealed.head))
    if len(mac) != MAC_BYTES:
        raise HostFormatError("DE 128", f"a MAC has {MAC_BYTES} bytes, not {len(mac)}")
    return b"".join((unsealed.head, ksn, unsealed.tail, mac))


def unpack(raw: bytes) -> Fields:
    """Read a message; raises HostFormatError for anything that is not exactly one."""
    at = _bitmaps_end(raw)
    bitmap = raw[BITMAP_AT:at]
    sections = sections_in(bitmap)
    text = raw.decode("latin-1")
    mti = text[:BITMAP_AT]
    if not mti.isascii():
        raise HostFormatError("message type", _NO_ASCII, 0)
    fields = Fields()
    fields.mti, fields.bitmap = mti, bitmap
    for match, keys, key, kind, most in sections:
        found = match(text, at)
        if found is None:
            raise _first_fault(raw, bitmap)
        groups = found.groups()
        fields.update(zip(keys, groups))  # noqa: B905 - the length of `key` has no name
        at = found.end()
        if most:
            size = int(groups[-1])
            fields[key] = data = text[at : at + size]
            at += size
            if size > most or at > len(text) or not (kind is _BINARY or _holds(kind, data)):
                raise _first_fault(raw, bitmap)
    if at != len(text):
        raise _first_fault(raw, bitmap)
    return fields


def _holds(kind: Kind, data: str) -> bool:
    """Whether a field of characters holds what it may."""
    return data.isascii() and (data.isdigit() if kind is _DIGITS else data.isprintable())


def _first_fault(raw: bytes, bitmap: bytes) -> HostFormatError:
    """What is wrong with a message that `unpack` did not take: field by field, to say which one it is."""
    at = BITMAP_AT + len(bitmap)
    last = "1"
    for key, kind, length_digits, size in places_in(bitmap):
        begin = at
        if length_digits:
            begin += length_digits
            size = _announced(raw, at, length_digits, size, key)  # noqa: PLW2901 - the table has the most it may be
        at = begin + size
        data = raw[begin:at]
        if len(data) != size:
            return HostFormatError(f"DE {key}", f"{len(data)} bytes are left of {size}", begin)
        if kind is _DIGITS:
            if not data.isdigit():
                return HostFormatError(f"DE {key}", _NO_DIGITS, begin)
        elif kind is not _BINARY:
            _check_text(f"DE {key}", data, begin)
        last = key
    return HostFormatError(f"DE {last}", f"{len(raw) - at} bytes follow the last field", at)


def _bitmaps_end(raw: bytes) -> int:
    if len(raw) > MAX_MESSAGE_BYTES:
        raise HostFormatError("message", f"{len(raw)} bytes; the limit is {MAX_MESSAGE_BYTES}")
    end = BITMAP_AT + _BITMAP_BYTES
    if len(raw) < end:
        raise HostFormatError("message", f"{len(raw)} bytes are too few for a type and a bitmap", len(raw))
    if raw[BITMAP_AT] & _SECOND_BITMAP:
        end += _BITMAP_BYTES
        if len(raw) < end:
            raise HostFormatError("DE 1", "the second bitmap is cut off", len(raw))
    return end


def _announced(raw: bytes, at: int, digits: int, most: int, key: str) -> int:
    length = raw[at : at + digits]
    # int() alone would take '+12' and '1_2' as well.
    if len(length) != digits or not length.isdigit():
        raise HostFormatError(f"DE {key}", f"its length is not in {digits} digits", at)
    size = int(length)
    if size > most:
        raise HostFormatError(f"DE {key}", f"{size} bytes; the limit is {most}", at)
    return size


def _check_text(field: str, data: bytes, begin: int) -> None:
    if not data.isascii():
        raise HostFormatError(field, _NO_ASCII, begin)
    if not data.decode("ascii").isprintable():
        raise HostFormatError(field, _CONTROL, begin)


def _written(runs: tuple[Run, ...], fields: Mapping[str, Value]) -> list[bytes]:
    """Each field's bytes, its length before it where the table has one."""
    written: list[bytes] = []
    for run in runs:
        data = None if run.values is None else _together(run, run.values(fields))
        if data is None:
            for place in run.places:
                written += _one(place, fields[place.key])
        else:
            written.append(data)
    return written


def _together(run: Run, values: tuple[object, ...]) -> bytes | None:
    """The bytes of fields that lie side by side; None where one of them does not fit."""
    try:
        text = "".join(values)  # type: ignore[arg-type]  # bytes among them are what the TypeError is for
    except TypeError:
        return None
    if not run.fits(text) or tuple(map(len, values)) != run.sizes:  # type: ignore[arg-type]
        return None
    return text.encode("ascii")


def _one(place: Place, value: Value) -> tuple[bytes, ...]:
    key, kind, length_digits, size = place
    if kind is _BINARY:
        if not isinstance(value, bytes):
            raise HostFormatError(f"DE {key}", "is binary: it takes bytes")
        data = value
    else:
        data = _ascii(key, kind, value)
    if length_digits:
        if len(data) > size:
            raise HostFormatError(f"DE {key}", f"{len(data)} bytes; the limit is {size}")
        return b"%0*d" % (length_digits, len(data)), data
    if len(data) != size:
        raise HostFormatError(f"DE {key}", f"{len(data)} bytes, not {size}")
    return (data,)


def _ascii(key: str, kind: Kind, value: Value) -> bytes:
    if not isinstance(value, str):
        raise HostFormatError(f"DE {key}", "is text: it takes a string")
    if kind is _DIGITS:
        if not (value.isascii() and value.isdigit()):
            raise HostFormatError(f"DE {key}", _NO_DIGITS)
    elif not value.isascii():
        raise HostFormatError(f"DE {key}", _NO_ASCII)
    elif not value.isprintable():
        raise HostFormatError(f"DE {key}", _CONTROL)
    return value.encode("ascii")
