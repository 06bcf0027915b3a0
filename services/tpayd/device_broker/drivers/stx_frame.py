"""The frame of Korean secure readers.

    02 | LEN (2, big endian) | CMD (1) | DATA | 03 | LRC

LEN counts CMD, DATA and ETX. LRC is the XOR of all bytes from LEN to ETX. DATA may hold any byte, 02 and 03 included,
so a frame is found by its length, and only a frame whose ETX and LRC both fit is one.

After bytes that are no frame the reader of frames goes on at the next 02 behind the false one: a frame inside garbage
is found, however it begins. A frame that does not end in time is garbage too, so a drip of bytes holds nothing up.
"""

from __future__ import annotations

from msgspec import Struct

from tpayd.device_broker.drivers.discreet import Discreet

__all__ = ["FRAME_WAIT_US", "MAX_LEN", "Damage", "Frame", "FrameReader", "frame", "lrc"]

STX = 0x02
ETX = 0x03
MAX_LEN = 4096
"""The largest LEN that is believed. The largest honest one, a firmware chunk, is below 2 KiB."""
FRAME_WAIT_US = 1_500_000
"""From a frame's first byte to its last. 4 KiB take 1.07 s at 38,400 baud."""

_HEAD = 3  # STX, LEN
_AROUND = 4  # STX, LEN, LRC: what LEN does not count
_FOLDS = [tuple(8 << step for step in reversed(range(steps))) for steps in range((MAX_LEN + _AROUND).bit_length() + 1)]
"""By the number of halvings that leave one byte: how many bits each of them shifts by."""


class Frame(Discreet, frozen=True):
    """A whole frame. Its data may be a card's."""

    command: int
    data: bytes


class Damage(Struct, frozen=True):
    """Bytes that were no frame."""

    skipped: int


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


class FrameReader:
    """Bytes in, as they come off the line; frames and damage out."""

    __slots__ = ("_buffer", "_since_us")

    def __init__(self) -> None:
        self._buffer = b""
        self._since_us = 0

    @property
    def deadline_us(self) -> int | None:
        """When the frame begun must be whole."""
        return self._since_us + FRAME_WAIT_US if self._buffer else None

    @property
    def empty(self) -> bool:
        """Whether no byte of a frame is waiting for the rest."""
        return not self._buffer

    def feed(self, data: bytes, now_us: int) -> list[Frame | Damage]:
        """What the bytes complete."""
        if not self._buffer:
            self._since_us = now_us
        self._buffer += data
        return self._scan(now_us)

    def expire(self, now_us: int) -> list[Frame | Damage]:
        """Give up the frame begun if its time is over; a whole one behind it is still found."""
        if not self._buffer or now_us < self._since_us + FRAME_WAIT_US:
            return []
        return self._scan(now_us, waiting=False)

    def _scan(self, now_us: int, *, waiting: bool = True) -> list[Frame | Damage]:
        buffer, size = self._buffer, len(self._buffer)
        found: list[Frame | Damage] = []
        at = good = 0  # `good`: the end of the last frame found; what lies between it and `at` is damage
        while (stx := buffer.find(b"\x02", at)) >= 0:
            at = stx
            length = int.from_bytes(buffer[at + 1 : at + _HEAD], "big") if size - at >= _HEAD else 2
            end = at + length + _AROUND
            if 2 <= length <= MAX_LEN:
                if end > size:
                    if waiting:
                        break
                elif buffer[end - 2] == ETX and lrc(buffer[at + 1 : end - 1]) == buffer[end - 1]:
                    if at > good:
                        found.append(Damage(at - good))
                    found.append(Frame(buffer[at + _HEAD], buffer[at + _HEAD + 1 : end - 2]))
                    at = good = end
                    continue
            at += 1
        else:
            at = size
        if at > good:
            found.append(Damage(at - good))
        if at:
            self._buffer = buffer[at:]
            self._since_us = now_us
        return found
