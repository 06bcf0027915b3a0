"""A signature as a picture: the strokes of a pen as a BMP of 128 by 64 pixels, 1 bit each (T8).

1,086 bytes: file header 14, BITMAPINFOHEADER 40, two colours, 64 rows of 16 bytes, the lowest row first.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator, Sequence

from tpayd.device_broker.drivers.events import Strokes

__all__ = ["HEIGHT", "WIDTH", "bitmap", "scaled"]

WIDTH = 128
HEIGHT = 64

_ROW_BYTES = WIDTH // 8
_COLOURS = bytes.fromhex("00000000 FFFFFF00")
_HEADERS = struct.Struct("<2sIHHI IiiHHIIiiII")
_HEADER_BYTES = _HEADERS.size + len(_COLOURS)
_WHITE = 0xFF
_DOTS_PER_METRE = 2835
"""72 dpi."""


def bitmap(strokes: Strokes) -> bytes:
    """The picture of the strokes, black on white. Points outside it are left out."""
    rows = [bytearray([_WHITE]) * _ROW_BYTES for _ in range(HEIGHT)]
    for stroke in strokes:
        for x, y in _points(stroke):
            if 0 <= x < WIDTH and 0 <= y < HEIGHT:
                rows[y][x // 8] &= ~(0x80 >> x % 8)
    pixels = b"".join(reversed(rows))
    head = _HEADERS.pack(
        b"BM", _HEADER_BYTES + len(pixels), 0, 0, _HEADER_BYTES,
        40, WIDTH, HEIGHT, 1, 1, 0, len(pixels), _DOTS_PER_METRE, _DOTS_PER_METRE, 2, 2,
    )  # fmt: skip
    return head + _COLOURS + pixels


def scaled(strokes: Sequence[Sequence[int]], width: int, height: int) -> Strokes:
    """Lines of x, y, x, y, … on a canvas of that size, as strokes on the picture: as large as fits, undistorted."""
    factor = min(WIDTH / width, HEIGHT / height)
    left, top = (WIDTH - width * factor) / 2, (HEIGHT - height * factor) / 2
    return tuple(
        tuple(
            (min(WIDTH - 1, int(left + x * factor)), min(HEIGHT - 1, int(top + y * factor)))
            for x, y in zip(stroke[0::2], stroke[1::2], strict=True)
        )
        for stroke in strokes
    )


def _points(stroke: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int]]:
    yield from stroke[:1]
    for start, end in itertools.pairwise(stroke):
        yield from _line(start, end)


def _line(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The pixels between two points, as many as the longer way has (digital differential analyser)."""
    (x, y), (to_x, to_y) = start, end
    steps = max(abs(to_x - x), abs(to_y - y))
    for step in range(1, steps + 1):
        yield round(x + (to_x - x) * step / steps), round(y + (to_y - y) * step / steps)
