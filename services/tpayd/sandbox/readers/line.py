"""STX frames, from the reader's side: 02 | LEN | CMD | DATA | 03 | LRC (docs/reader-protocol.md).

Simple on purpose: a line to a pty loses nothing, so a reader only has to put fragments together and to find the next
frame behind garbage.
"""

from __future__ import annotations

import functools
import operator

__all__ = ["ACK", "NAK", "RequestReader", "answer"]

_LONGEST = 4096


def answer(command: int, data: bytes = b"") -> bytes:
    """A frame as it goes to the broker."""
    body = bytearray(len(data) + 6)
    body[0] = 0x02
    body[1:3] = (len(data) + 2).to_bytes(2, "big")
    body[3] = command
    body[4:-2] = data
    body[-2] = 0x03
    body[-1] = _check(bytes(body[1:-1]))
    return bytes(body)


class RequestReader:
    """Bytes in; (command, data) out, and None for each frame that was not whole."""

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes] | None]:
        """The requests that these bytes complete."""
        self._bytes += data
        requests: list[tuple[int, bytes] | None] = []
        while True:
            before, found, _ = self._bytes.partition(b"\x02")
            self._bytes = self._bytes[len(before) :]
            if not found or len(self._bytes) < 3:
                return requests
            length = int.from_bytes(self._bytes[1:3], "big")
            if not 2 <= length <= _LONGEST:
                requests.append(None)
                self._bytes = self._bytes[1:]
                continue
            if len(self._bytes) < length + 4:
                return requests
            whole, check = self._bytes[1 : length + 3], self._bytes[length + 3]
            if whole[-1] != 0x03 or _check(whole) != check:
                requests.append(None)
                self._bytes = self._bytes[1:]
                continue
            requests.append((whole[2], whole[3:-1]))
            self._bytes = self._bytes[length + 4 :]


def _check(counted: bytes) -> int:
    # Eight bytes at a time; the zeros in front change nothing.
    padded = counted.rjust(-len(counted) % 8 + len(counted), b"\0")
    folded = functools.reduce(operator.xor, memoryview(padded).cast("Q"), 0)
    folded ^= folded >> 32
    folded ^= folded >> 16
    return (folded ^ folded >> 8) & 0xFF


ACK = answer(0x06)
NAK = answer(0x15)
