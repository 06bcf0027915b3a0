"""BER-TLV (EMV Book 3, annex B) as NEO readers write it: tags of up to three bytes, lengths of up to two."""

from __future__ import annotations

from collections.abc import Iterable

from tpayd.device_broker.drivers.talk import LayoutError

__all__ = ["chosen", "tlv", "tlvs", "unpacked"]

_MULTI_BYTE_TAG = 0x1F
_MORE = 0x80
_TAG_BYTES_MAX = 4
_LENGTH_BYTES_MAX = 2


def tlv(tag: int, value: bytes) -> bytes:
    """One object, of at most 65,535 bytes of value."""
    size = len(value)
    if size < _MORE:
        length = bytes([size])
    else:
        digits = size.to_bytes(_LENGTH_BYTES_MAX if size > 0xFF else 1, "big")
        length = bytes([_MORE | len(digits)]) + digits
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big") + length + value


def tlvs(*objects: tuple[int, bytes]) -> bytes:
    return b"".join(tlv(tag, value) for tag, value in objects)


def unpacked(message: str, data: bytes) -> dict[int, bytes]:
    """The values by tag, one level deep; of a tag that comes twice the first. Raises LayoutError, naming `message`."""
    values: dict[int, bytes] = {}
    at, end = 0, len(data)
    while at < end:
        tag, at = _tag(message, data, at)
        length, at = _length(message, data, at)
        if at + length > end:
            raise LayoutError(f"{message}: the value of tag {tag:X} is cut off")
        values.setdefault(tag, data[at : at + length])
        at += length
    return values


def chosen(values: dict[int, bytes], tags: Iterable[int]) -> bytes:
    """These of the objects, as far as there are any, in that order."""
    return b"".join(tlv(tag, values[tag]) for tag in tags if tag in values)


def _tag(message: str, data: bytes, at: int) -> tuple[int, int]:
    start = at
    at += 1
    if data[start] & _MULTI_BYTE_TAG == _MULTI_BYTE_TAG:
        at += 1
        while at <= len(data) and data[at - 1] & _MORE and at - start < _TAG_BYTES_MAX:
            at += 1
    if at >= len(data):
        raise LayoutError(f"{message}: a tag has no length")
    return int.from_bytes(data[start:at], "big"), at


def _length(message: str, data: bytes, at: int) -> tuple[int, int]:
    length = data[at]
    at += 1
    if length < _MORE:
        return length, at
    count = length & ~_MORE
    if not 0 < count <= _LENGTH_BYTES_MAX or at + count > len(data):
        raise LayoutError(f"{message}: a length of {count} bytes")
    return int.from_bytes(data[at : at + count], "big"), at + count
