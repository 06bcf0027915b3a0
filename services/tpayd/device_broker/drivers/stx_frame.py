"""The frame of Korean secure readers.

    02 | LEN (2, big endian) | CMD (1) | DATA | 03 | LRC

LEN counts CMD, DATA and ETX. LRC is the XOR of all bytes from LEN to ETX. DATA may hold any byte, 02 and 03 included,
so a frame is found by its length, and only a frame whose ETX and LRC both fit is one.
"""

from __future__ import annotations

from tpayd.device_broker.drivers.frames import Frame

__all__ = ["MAX_LEN", "STX_FORM", "frame", "lrc"]

STX = b"\x02"
ETX = 0x03
MAX_LEN = 4096
"""The largest LEN that is believed. The largest honest one, a firmware chunk, is below 2 KiB."""

_HEAD = 3  # STX, LEN
_AROUND = 4  # STX, LEN, LRC: what LEN does not count
_FOLDS = [tuple(8 << step for step in reversed(range(steps))) for steps in range((MAX_LEN + _AROUND).bit_length() + 1)]
"""By the number of halvings that leave one byte: how many bits each of them shifts by."""


class StxForm:
    """See `frames.Form`."""

    start = STX
    head_bytes = _HEAD

    def size(self, buffer: bytes, at: int) -> int:
        length = buffer[at + 1] << 8 | buffer[at + 2]
        return length + _AROUND if 2 <= length <= MAX_LEN else 0

    def opened(self, buffer: bytes, at: int, end: int) -> Frame | None:
        if buffer[end - 2] != ETX or lrc(buffer[at + 1 : end - 1]) != buffer[end - 1]:
            return None
        return Frame(buffer[at + _HEAD], buffer[at + _HEAD + 1 : end - 2])


STX_FORM = StxForm()


def lrc(data: bytes) -> int:
    """The XOR of all bytes, of which there are no more than a frame has.

    Folds the whole as one number, upper half on lower half; what stays behind in the upper halves is never looked at.
    """
    number = int.from_bytes(data, "big")
    for bits in _FOLDS[(len(data) - 1).bit_length()]:
        number ^= number >> bits
    return number & 0xFF


def frame(command: int, data: bytes = b"") -> bytes:
    """A frame as it goes over the line. Raises ValueError for data that no frame holds."""
    length = len(data) + 2
    if length > MAX_LEN:
        raise ValueError(f"a frame holds {MAX_LEN - 2} bytes of data, not {len(data)}")
    counted = b"%b%c%b\x03" % (length.to_bytes(2, "big"), command, data)
    return b"\x02%b%c" % (counted, lrc(counted))
