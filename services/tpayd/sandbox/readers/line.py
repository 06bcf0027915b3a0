"""STX frames, from the reader's side: 02 | LEN | CMD | DATA | 03 | LRC (docs/reader-protocol.md).

Simple on purpose: a line to a pty loses nothing, so a reader only has to put fragments together and to find the next
frame behind garbage.
"""

from __future__ import annotations

__all__ = ["ACK", "NAK", "RequestReader", "answer"]

_LONGEST = 4096
_FOLDS = [tuple(8 << step for step in reversed(range(steps))) for steps in range(_LONGEST.bit_length() + 1)]
"""By the number of halvings that leave one byte: how many bits each of them shifts by."""


def answer(command: int, data: bytes = b"") -> bytes:
    """A frame as it goes to the broker."""
    counted = b"%b%c%b\x03" % ((len(data) + 2).to_bytes(2, "big"), command, data)
    return b"\x02%b%c" % (counted, _check(counted))


class RequestReader:
    """Bytes in; (command, data) out, and None for each frame that was not whole."""

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes] | None]:
        """The requests that these bytes complete."""
        buffer = self._bytes + data
        requests: list[tuple[int, bytes] | None] = []
        at = buffer.find(b"\x02")
        while at >= 0 and len(buffer) - at >= 3:
            length = int.from_bytes(buffer[at + 1 : at + 3], "big")
            end = at + length + 3
            if not 2 <= length <= _LONGEST:
                requests.append(None)
                end = at
            elif len(buffer) <= end:
                break
            elif buffer[end - 1] != 0x03 or _check(buffer[at + 1 : end]) != buffer[end]:
                requests.append(None)
                end = at
            else:
                requests.append((buffer[at + 3], buffer[at + 4 : end - 1]))
            at = buffer.find(b"\x02", end + 1)
        self._bytes = b"" if at < 0 else buffer[at:]
        return requests


def _check(counted: bytes) -> int:
    # As one number, whose upper half is laid on its lower half until one byte is left.
    folded = int.from_bytes(counted, "big")
    for bits in _FOLDS[(len(counted) - 1).bit_length()]:
        folded ^= folded >> bits
    return folded & 0xFF


ACK = answer(0x06)
NAK = answer(0x15)
