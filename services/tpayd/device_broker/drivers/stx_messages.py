"""The reader itself inside STX frames: identity, state, self-test, keys. docs/reader-protocol.md has the tables.

Text fields are ASCII of fixed length, numbers are decimal digits with leading zeros, `bin` fields are plain bytes.
"""

from __future__ import annotations

import struct

from tpayd.device_broker.drivers.driver import CommandInvalidError
from tpayd.device_broker.drivers.events import Identity, KeyPrepared
from tpayd.device_broker.drivers.stx_codes import Cmd, Slot, text_of
from tpayd.device_broker.drivers.stx_frame import frame
from tpayd.device_broker.drivers.talk import LayoutError
from tpayd_contracts.device import Ability

__all__ = [
    "EJECT_FRAME",
    "INIT_FRAME",
    "NAK_FRAME",
    "PREPARE_KEY_FRAME",
    "SELF_TEST_FRAME",
    "STATE_FRAME",
    "info_frame",
    "inject_frame",
    "parse_check_value",
    "parse_info",
    "parse_prepared",
    "parse_self_test",
    "parse_state",
]

_SLOTS = {slot.value: slot for slot in Slot}
_INFO = struct.Struct("32s10s5s2s")
_PREPARED = struct.Struct("32s128s2s")
_BLOB_BYTES = 48
_ABILITIES = (Ability.IC, Ability.STRIPE, Ability.CONTACTLESS, Ability.QR, Ability.SIGN, Ability.PIN)
"""In the order of message 59's flags."""
_ABLE = ord("1")
_KEY_END = len(_ABILITIES) + 10
_MODE_END = _KEY_END + 8
_MORE_BYTES = (0, len(_ABILITIES), _KEY_END, _MODE_END)
"""What message 59 may have behind its fixed part: nothing; or abilities, then the key's check value, then the mode."""
_BOOT_LOADER = "BOOT"

# Requests

NAK_FRAME = frame(Cmd.NAK)
INIT_FRAME = frame(Cmd.INIT, b"99")
"""Mode 99: end whatever is under way."""
SELF_TEST_FRAME = frame(Cmd.SELF_TEST)
STATE_FRAME = frame(Cmd.STATE)
EJECT_FRAME = frame(Cmd.EJECT)
PREPARE_KEY_FRAME = frame(Cmd.PREPARE_KEY)


def info_frame(at: str) -> bytes:
    return frame(Cmd.INFO, at.encode("ascii"))


def inject_frame(at: str, blob: bytes) -> bytes:
    """Raises CommandInvalidError for a blob of another length than 48."""
    if len(blob) != _BLOB_BYTES:
        raise CommandInvalidError("blob", f"the host's half of a key exchange has {_BLOB_BYTES} bytes, not {len(blob)}")
    return frame(Cmd.INJECT_KEY, at.encode("ascii") + blob)


# Answers


def parse_info(data: bytes) -> Identity:
    """Message 59. Raises LayoutError."""
    told, more = data[: _INFO.size], data[_INFO.size :]
    if len(told) < _INFO.size or len(more) not in _MORE_BYTES:
        raise LayoutError(f"59: {len(data)} bytes, not {_INFO.size} and {' or '.join(map(str, _MORE_BYTES))}")
    reader_id, serial, version, key_flag = (text_of(part) for part in _INFO.unpack(told))
    able = tuple(ability for ability, flag in zip(_ABILITIES, more, strict=False) if flag == _ABLE) if more else None
    check_value = parse_check_value(more[len(_ABILITIES) : _KEY_END].strip())
    # The identity begins with the certified model, filled up to 16 characters (docs/reader-protocol.md, 59).
    return Identity(
        reader_id, serial, version, reader_id[:16].strip("# -"), key_flag == "01", able, check_value,
        mode=text_of(more[_KEY_END:]), boot_loader=version == _BOOT_LOADER,
    )  # fmt: skip


def parse_self_test(data: bytes) -> str:
    """Message 51: "00" is well, anything else the reader's own fault code."""
    return text_of(data)


def parse_state(data: bytes) -> Slot:
    """Message 19. Raises LayoutError."""
    slot = _SLOTS.get(data)
    if slot is None:
        raise LayoutError("19: not a state that is known here")
    return slot


def parse_prepared(data: bytes) -> tuple[KeyPrepared, str]:
    """Message 41 and its result code: "00" is well, "01" asks to be tried once more. Raises LayoutError."""
    if len(data) != _PREPARED.size:
        raise LayoutError(f"41: {len(data)} bytes, not {_PREPARED.size}")
    reader_id, blob, result = _PREPARED.unpack(data)
    return KeyPrepared(text_of(reader_id), blob), text_of(result)


def parse_check_value(data: bytes) -> str | None:
    """What an ACK to the key, or message 59, says of the key: its check value in hexadecimal, or nothing."""
    return data.decode("ascii", "replace").upper() or None
