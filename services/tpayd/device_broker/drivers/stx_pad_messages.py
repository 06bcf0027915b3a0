"""Signature, keys, scanner and display inside STX frames: messages A1 to A7, AC and 66.

Every answer but B5 and BC begins with a result code and the nonce of its request; docs/reader-protocol.md has the
tables.
"""

from __future__ import annotations

import struct

from tpayd.device_broker.drivers.commands import EnterNumber, EnterPin, ReadCode, ShowMessage, Sign
from tpayd.device_broker.drivers.events import NumberEntered, PinEntered, Strokes
from tpayd.device_broker.drivers.stx_codes import Cmd, pad_text, text_of
from tpayd.device_broker.drivers.stx_frame import frame
from tpayd.device_broker.drivers.talk import LayoutError
from tpayd_contracts.pad import CODE_MAX_CHARS

__all__ = [
    "CANCEL_FRAME",
    "SIGN_HEIGHT",
    "SIGN_WIDTH",
    "code_frame",
    "fetch_frame",
    "number_frame",
    "parse_code",
    "parse_head",
    "parse_number",
    "parse_pin",
    "parse_shown",
    "parse_strokes",
    "pin_frame",
    "show_frame",
    "sign_frame",
]

SIGN_WIDTH = 128
SIGN_HEIGHT = 64

CANCEL_FRAME = frame(Cmd.CANCEL)

_HEAD = struct.Struct("2s32s")  # result, nonce
_PIN = struct.Struct("12s16s")  # KSN, block
_COUNT_DIGITS = 4
_NUMBER_COUNT_DIGITS = 2
_CODE_COUNT_DIGITS = 3
_PEN_UP = (0xFF, 0xFF)


def sign_frame(command: Sign) -> tuple[Cmd, bytes]:
    """Start a signature, with the amount where there is one."""
    text = pad_text("lines", command.lines)
    if command.amount_minor:
        return Cmd.SIGN_AMOUNT, frame(Cmd.SIGN_AMOUNT, f"{command.nonce}{command.amount_minor:010d}".encode() + text)
    return Cmd.SIGN, frame(Cmd.SIGN, command.nonce.encode() + text)


def fetch_frame(nonce: str) -> bytes:
    """Have the signature begun sent when it is done."""
    return frame(Cmd.SIGN_FETCH, nonce.encode())


def number_frame(command: EnterNumber) -> bytes:
    return _entry_frame(Cmd.NUMBER, command)


def pin_frame(command: EnterPin) -> bytes:
    return _entry_frame(Cmd.PIN, command)


def _entry_frame(cmd: Cmd, command: EnterNumber | EnterPin) -> bytes:
    head = f"{command.nonce}{command.min_digits:02d}{command.max_digits:02d}"
    return frame(cmd, head.encode() + pad_text("prompt", command.prompt))


def show_frame(command: ShowMessage) -> bytes:
    return frame(Cmd.SHOW, pad_text("lines", command.lines))


def code_frame(command: ReadCode) -> bytes:
    return frame(Cmd.CODE, command.nonce.encode())


def parse_head(data: bytes) -> tuple[str, str, bytes]:
    """Result code, nonce, and what follows them. Raises LayoutError."""
    if len(data) < _HEAD.size:
        raise LayoutError(f"{len(data)} bytes, at least {_HEAD.size}")
    result, nonce = _HEAD.unpack_from(data)
    return text_of(result), text_of(nonce), data[_HEAD.size :]


def parse_strokes(data: bytes) -> Strokes:
    """Message B2 behind its head: points of one byte each way; FF FF lifts the pen. Raises LayoutError."""
    count = _count("B2", data, _COUNT_DIGITS)
    points = data[_COUNT_DIGITS:]
    if len(points) != 2 * count:
        raise LayoutError(f"B2: {len(points)} bytes for {count} points")
    strokes: list[list[tuple[int, int]]] = [[]]
    for point in zip(points[::2], points[1::2], strict=True):
        if point == _PEN_UP:
            strokes.append([])
        elif point[0] < SIGN_WIDTH and point[1] < SIGN_HEIGHT:
            strokes[-1].append(point)
        else:
            raise LayoutError(f"B2: a point outside {SIGN_WIDTH} by {SIGN_HEIGHT}")
    return tuple(tuple(stroke) for stroke in strokes if stroke)


def parse_number(data: bytes, command: EnterNumber) -> NumberEntered:
    """Message B3 behind its head. Raises LayoutError."""
    count = _count("B3", data, _NUMBER_COUNT_DIGITS)
    digits = data[_NUMBER_COUNT_DIGITS:]
    if len(digits) != count or not digits.isdigit():
        raise LayoutError("B3: not as many digits as it says")
    if not command.min_digits <= count <= command.max_digits:
        raise LayoutError("B3: fewer or more digits than were asked for")
    return NumberEntered(digits.decode("ascii"))


def parse_pin(data: bytes) -> PinEntered:
    """Message B4 behind its head. Raises LayoutError."""
    if len(data) != _PIN.size:
        raise LayoutError(f"B4: {len(data)} bytes behind the head, not {_PIN.size}")
    return PinEntered(*_PIN.unpack(data))


def parse_code(data: bytes) -> str | None:
    """Message 67 behind its head; None for what cannot be a payment code. Raises LayoutError."""
    count = _count("67", data, _CODE_COUNT_DIGITS)
    code = data[_CODE_COUNT_DIGITS:]
    if len(code) != count:
        raise LayoutError(f"67: {len(code)} bytes of code for {count}")
    text = code.decode("latin-1")
    return text if 0 < count <= CODE_MAX_CHARS and text.isascii() and text.isprintable() else None


def parse_shown(data: bytes) -> str:
    """Message B5: its result code."""
    return text_of(data)


def _count(message: str, data: bytes, digits: int) -> int:
    text = data[:digits]
    if len(text) != digits or not text.isdigit():
        raise LayoutError(f"{message}: the count is not {digits} digits")
    return int(text)
