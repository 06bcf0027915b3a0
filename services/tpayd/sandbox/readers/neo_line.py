"""NEO frames and objects, from the reader's side (docs/neo-protocol.md).

    "ViVOtech2" 00 | CMD | SUB or STATUS | LEN (2, big endian) | DATA | CRC (2)

Simple on purpose, as `line` is: a line to a pty loses nothing.
"""

from __future__ import annotations

import binascii
from typing import NamedTuple

__all__ = ["NeoRequest", "NeoRequestReader", "neo_answer", "neo_told", "objects", "packed"]

_HEADER = b"ViVOtech2\x00"
_HEAD = len(_HEADER) + 4
_LONGEST = 4096


class NeoRequest(NamedTuple):
    """A command; `whole` is False where its check is wrong."""

    command: int
    sub: int
    data: bytes
    whole: bool


def neo_answer(command: int, status: int, data: bytes = b"") -> bytes:
    """An answer as it goes to the broker: its check has the high byte first."""
    checked = b"%b%c%c%b%b" % (_HEADER, command, status, len(data).to_bytes(2, "big"), data)
    return checked + binascii.crc_hqx(checked, 0xFFFF).to_bytes(2, "big")


def neo_told(command: int, sub: int, data: bytes = b"") -> bytes:
    """What the reader tells by itself: a command, so its check has the low byte first."""
    checked = neo_answer(command, sub, data)
    return checked[:-2] + checked[-1:] + checked[-2:-1]


class NeoRequestReader:
    """Bytes in, commands out."""

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, data: bytes) -> list[NeoRequest]:
        """The commands that these bytes complete."""
        buffer = self._bytes + data
        requests: list[NeoRequest] = []
        at = buffer.find(_HEADER)
        while at >= 0 and len(buffer) - at >= _HEAD:
            length = int.from_bytes(buffer[at + _HEAD - 2 : at + _HEAD], "big")
            end = at + _HEAD + length + 2
            if length > _LONGEST:
                end = at + 1
            elif len(buffer) < end:
                break
            else:
                check = int.from_bytes(buffer[end - 2 : end], "little")
                whole = binascii.crc_hqx(buffer[at : end - 2], 0xFFFF) == check
                command, sub = buffer[at + _HEAD - 4], buffer[at + _HEAD - 3]
                requests.append(NeoRequest(command, sub, buffer[at + _HEAD : end - 2], whole))
                end = end if whole else at + 1
            at = buffer.find(_HEADER, end)
        self._bytes = buffer[at:] if at >= 0 else buffer[-len(_HEADER) + 1 :]
        return requests


def packed(tag: int, value: bytes) -> bytes:
    """One BER-TLV object, its value below 256 bytes."""
    length = bytes([len(value)]) if len(value) < 0x80 else bytes([0x81, len(value)])
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big") + length + value


def objects(data: bytes) -> dict[int, bytes]:
    """The values of BER-TLV objects by tag. Raises ValueError."""
    values: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        end = at + 1
        if data[at] & 0x1F == 0x1F:
            end += 1
            while end <= len(data) and data[end - 1] & 0x80:
                end += 1
        tag = int.from_bytes(data[at:end], "big")
        head = data[end : end + 3]
        if not head or (head[0] & 0x80 and len(head) <= head[0] & 0x7F) or head[0] > 0x82:
            raise ValueError("a length is missing")
        size = head[0] & 0x7F if head[0] & 0x80 else 0
        length = int.from_bytes(head[1 : 1 + size], "big") if size else head[0]
        at = end + 1 + size
        values[tag] = data[at : at + length]
        if len(values[tag]) != length:
            raise ValueError("a value is cut off")
        at += length
    return values
