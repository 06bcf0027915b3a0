"""The frame of ID TECH NEO readers, 'ViVOtech2' or protocol 2 (NEO 2 Interface Developer's Guide, 2.1 and 3.4).

    "ViVOtech2" 00 | CMD (1) | SUB or STATUS (1) | LEN (2, big endian) | DATA | CRC (2)

LEN counts DATA alone. The CRC is CRC-16/CCITT (polynomial 1021, from FFFF, nothing reflected) over all before it. A
command has its low byte first, an answer its high byte; what a reader tells by itself is a command in that.
"""

from __future__ import annotations

import binascii

from tpayd.device_broker.drivers.frames import Frame
from tpayd.device_broker.drivers.neo_codes import TOLD, Cmd

__all__ = ["HEADER", "MAX_DATA", "NEO_FORM", "crc", "frame"]

HEADER = b"ViVOtech2\x00"
MAX_DATA = 4096
"""The most data that is believed. The largest honest answer, a contact card with all its tags, is below 2 KiB."""

_COMMAND = len(HEADER)
_STATUS = _COMMAND + 1
_LENGTH = _COMMAND + 2
_DATA = _COMMAND + 4
_CRC_BYTES = 2


class NeoForm:
    """See `frames.Form`."""

    start = HEADER
    head_bytes = _DATA

    def size(self, buffer: bytes, at: int) -> int:
        length = int.from_bytes(buffer[at + _LENGTH : at + _DATA], "big")
        return _DATA + length + _CRC_BYTES if length <= MAX_DATA else 0

    def opened(self, buffer: bytes, at: int, end: int) -> Frame | None:
        command = buffer[at + _COMMAND]
        low, high = (-2, -1) if command in TOLD else (-1, -2)
        told = buffer[end - _CRC_BYTES : end]
        if crc(buffer[at : end - _CRC_BYTES]) != told[high] << 8 | told[low]:
            return None
        return Frame(command, buffer[at + _DATA : end - _CRC_BYTES], buffer[at + _STATUS])


NEO_FORM = NeoForm()


def crc(data: bytes) -> int:
    return binascii.crc_hqx(data, 0xFFFF)


def frame(cmd: Cmd, data: bytes = b"") -> bytes:
    """A command as it goes over the line. Raises ValueError for data that no frame holds."""
    if len(data) > MAX_DATA:
        raise ValueError(f"a frame holds {MAX_DATA} bytes of data, not {len(data)}")
    checked = b"%b%b%b%b" % (HEADER, cmd.to_bytes(2, "big"), len(data).to_bytes(2, "big"), data)
    return checked + crc(checked).to_bytes(2, "little")
