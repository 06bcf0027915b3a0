"""The reader itself inside NEO frames: identity, slot, keys. docs/neo-protocol.md has the tables."""

from __future__ import annotations

from tpayd.device_broker.drivers.driver import CommandInvalidError
from tpayd.device_broker.drivers.neo_codes import Cmd
from tpayd.device_broker.drivers.neo_frame import frame
from tpayd.device_broker.drivers.talk import LayoutError

__all__ = [
    "CANCEL_FRAME",
    "KEY_CHECK_FRAME",
    "KEY_STATE_FRAME",
    "NOTIFY_FRAME",
    "PING_FRAME",
    "POLL_ON_DEMAND_FRAME",
    "POWER_OFF_FRAME",
    "PREPARE_KEY_FRAME",
    "SERIAL_NUMBER_FRAME",
    "SLOT_STATE_FRAME",
    "VERSION_FRAME",
    "inject_frame",
    "parse_check_value",
    "parse_key_loaded",
    "parse_prepared",
    "parse_serial_number",
    "parse_slot",
    "parse_switches",
    "parse_version",
    "reader_id",
]

_CARD_SEATED_SWITCH = 0x01
"""Bit of 01-07 and F2-00."""
_CARD_SEATED = 0x02
"""Bit of E0-01: the one that ID TECH's software library calls 'card seated'."""
_DATA_KEY = 0x02
_VALID = 0x01
_SERIAL_MAX = 15
_PREPARED_BYTES = 128
_BLOB_BYTES = 48
_CHECK_VALUE_CHARS = 10
_VERSION_MAX = 100

CANCEL_FRAME = frame(Cmd.CANCEL)
PING_FRAME = frame(Cmd.PING)
VERSION_FRAME = frame(Cmd.VERSION)
SERIAL_NUMBER_FRAME = frame(Cmd.SERIAL_NUMBER)
POLL_ON_DEMAND_FRAME = frame(Cmd.POLL_MODE, b"\x01")
"""Look for cards only while a transaction is active."""
NOTIFY_FRAME = frame(Cmd.NOTIFY, bytes([_CARD_SEATED_SWITCH]))
KEY_STATE_FRAME = frame(Cmd.KEY_STATE, bytes([_DATA_KEY, 0, 0]))
"""Of the data encryption key, slot 0."""
KEY_CHECK_FRAME = frame(Cmd.KEY_CHECK)
SLOT_STATE_FRAME = frame(Cmd.SLOT_STATE)
POWER_OFF_FRAME = frame(Cmd.POWER_OFF)
PREPARE_KEY_FRAME = frame(Cmd.PREPARE_KEY)


def inject_frame(at: str, blob: bytes) -> bytes:
    """Raises CommandInvalidError for a blob of another length than 48."""
    if len(blob) != _BLOB_BYTES:
        raise CommandInvalidError("blob", f"the host's half of a key exchange has {_BLOB_BYTES} bytes, not {len(blob)}")
    return frame(Cmd.INJECT_KEY, at.encode("ascii") + blob)


def parse_version(data: bytes) -> tuple[str, str]:
    """Model and firmware from a version string such as "NEO v1.00.030". Raises LayoutError."""
    words = _text("29-00", data[:_VERSION_MAX]).split()
    if not words:
        raise LayoutError("29-00: no version")
    return words[0], words[-1]


def parse_serial_number(data: bytes) -> str:
    """Raises LayoutError."""
    serial = _text("12-01", data)
    if not (serial.isalnum() and len(serial) <= _SERIAL_MAX):
        raise LayoutError(f"12-01: not a serial number of up to {_SERIAL_MAX} letters and digits")
    return serial


def parse_key_loaded(data: bytes) -> bool:
    """Whether the key asked after is there and has transactions left. Raises LayoutError."""
    if not data:
        raise LayoutError("81-0B: no key state")
    return data[0] == _VALID


def parse_slot(data: bytes) -> bool:
    """Whether a card is in the slot. Raises LayoutError."""
    if len(data) != 1:
        raise LayoutError(f"E0-01: {len(data)} bytes, not 1")
    return bool(data[0] & _CARD_SEATED)


def parse_switches(data: bytes) -> bool:
    """Whether a card is in the slot. Raises LayoutError."""
    if len(data) != 1:
        raise LayoutError(f"F2-00: {len(data)} bytes, not 1")
    return bool(data[0] & _CARD_SEATED_SWITCH)


def parse_prepared(data: bytes) -> bytes:
    """The reader's half of a key exchange. Raises LayoutError."""
    if len(data) != _PREPARED_BYTES:
        raise LayoutError(f"E1-01: {len(data)} bytes, not {_PREPARED_BYTES}")
    return data


def parse_check_value(data: bytes) -> str:
    """Of the key that the reader holds (E3-01) or has taken (E2-01), in hexadecimal. Raises LayoutError."""
    text = _text("E3-01", data).upper()
    if len(text) != _CHECK_VALUE_CHARS or not set(text) <= set("0123456789ABCDEF"):
        raise LayoutError("E3-01: not a check value")
    return text


def reader_id(serial_number: str) -> str:
    """What the reader's key is bound to, 32 characters."""
    return f"{'IDTECH-NEO':-<16}{serial_number:-<16}"


def _text(message: str, data: bytes) -> str:
    text = data.rstrip(b"\0 ").decode("latin-1")
    if not (text.isascii() and text.isprintable()):
        raise LayoutError(f"{message}: not a printable text")
    return text
