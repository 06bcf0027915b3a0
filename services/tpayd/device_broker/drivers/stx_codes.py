"""The words of the STX protocol: commands, states, codes, and the text fields between them."""

from __future__ import annotations

import enum

from tpayd.device_broker.drivers.driver import CommandInvalidError

__all__ = [
    "NOT_A_CODE",
    "OCCUPIED",
    "OK",
    "STRIPE_ALLOWED",
    "TIMED_OUT",
    "Cmd",
    "Slot",
    "pad_text",
    "text_of",
]


class Cmd(enum.IntEnum):
    """Command bytes, requests and answers alike."""

    ACK = 0x06
    CARD = 0x10
    CARD_ANSWER = 0x11
    NAK = 0x15
    STATE_ANSWER = 0x19
    FINISH = 0x20
    FINISH_ANSWER = 0x21
    EJECT = 0x24
    STATE = 0x26
    PREPARE_KEY = 0x30
    INJECT_KEY = 0x40
    PREPARE_KEY_ANSWER = 0x41
    SELF_TEST = 0x50
    SELF_TEST_ANSWER = 0x51
    AUTHENTICATE = 0x52
    AUTHENTICATE_ANSWER = 0x53
    OFFER = 0x54
    OFFER_ANSWER = 0x55
    CHUNK = 0x56
    CHUNK_ANSWER = 0x57
    INFO = 0x58
    INFO_ANSWER = 0x59
    CODE = 0x66
    CODE_ANSWER = 0x67
    INIT = 0xA0
    SIGN = 0xA1
    SIGN_FETCH = 0xA2
    NUMBER = 0xA3
    PIN = 0xA4
    SHOW = 0xA5
    SIGN_AMOUNT = 0xA7
    CANCEL = 0xAC
    SIGN_ANSWER = 0xB1
    SIGN_FETCH_ANSWER = 0xB2
    NUMBER_ANSWER = 0xB3
    PIN_ANSWER = 0xB4
    SHOW_ANSWER = 0xB5
    SIGN_AMOUNT_ANSWER = 0xB7
    CANCEL_ANSWER = 0xBC


class Slot(bytes, enum.Enum):
    """What a reader says of the card and its customer (message 19)."""

    EMPTY = b"00"
    INSERTED = b"01"
    TAPPED = b"02"
    SWIPED = b"03"
    PULL = b"04"
    """The chip failed; the card is still inside, and its stripe is allowed once it is out."""
    PIN = b"05"
    ENTERED = b"06"
    """The PIN or the choice has been made."""
    CHOICE = b"07"


OCCUPIED: dict[bytes, bool | None] = {slot.value: None for slot in Slot} | {
    Slot.EMPTY.value: False, Slot.INSERTED.value: True, Slot.PULL.value: True,
}  # fmt: skip
"""Every state, and whether a card is in the slot then; None: it says nothing of that."""

OK = "00"
STRIPE_ALLOWED = frozenset(f"{code:02d}" for code in range(1, 9))
"""Result codes that allow the stripe."""
TIMED_OUT = "92"
"""The customer did nothing in the reader's own time."""
NOT_A_CODE = "94"
"""What was shown to the scanner cannot be a payment code: the broker's own finding."""
_LINES = 4
_LINE_BYTES = 16


def text_of(data: bytes) -> str:
    return data.decode("ascii", "replace").strip(" \0")


def pad_text(field: str, lines: tuple[str, ...]) -> bytes:
    """Four lines of 16 bytes, EUC-KR. Raises CommandInvalidError for what no pad shows."""
    if len(lines) > _LINES:
        raise CommandInvalidError(field, f"a pad shows {_LINES} lines, not {len(lines)}")
    return b"".join(_pad_line(f"{field}[{index}]", line) for index, line in enumerate(lines)).ljust(
        _LINES * _LINE_BYTES
    )


def _pad_line(field: str, line: str) -> bytes:
    try:
        data = line.encode("euc_kr")
    except UnicodeEncodeError as error:
        raise CommandInvalidError(field, f"a pad cannot show {line[error.start]!r}: it is not in EUC-KR") from None
    if len(data) > _LINE_BYTES:
        raise CommandInvalidError(field, f"a pad's line has {_LINE_BYTES} bytes in EUC-KR, not {len(data)}")
    if not line.isprintable():
        raise CommandInvalidError(field, "a pad shows no control characters")
    return data.ljust(_LINE_BYTES)
