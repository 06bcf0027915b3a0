"""What is inside the frames of the STX driver: one function per message. docs/reader-protocol.md has the tables.

Text fields are ASCII of fixed length, numbers are decimal digits with leading zeros, `bin` fields are plain bytes.
"""

from __future__ import annotations

import enum
import struct

from msgspec import Struct

from tpayd.device_broker.drivers.commands import FinishCard, ReadCard
from tpayd.device_broker.drivers.driver import CommandInvalidError
from tpayd.device_broker.drivers.events import CardFinished, CardRead, CardRefused, Identity, KeyPrepared
from tpayd.device_broker.drivers.stx_frame import frame
from tpayd_contracts.device import TransactionType
from tpayd_contracts.payment import EntryMode

__all__ = [
    "EJECT_FRAME",
    "INIT_FRAME",
    "NAK_FRAME",
    "PREPARE_KEY_FRAME",
    "SELF_TEST_FRAME",
    "STATE_FRAME",
    "CardAnswer",
    "Cmd",
    "LayoutError",
    "Slot",
    "card_frame",
    "finish_frame",
    "info_frame",
    "inject_frame",
    "parse_card",
    "parse_check_value",
    "parse_finished",
    "parse_info",
    "parse_prepared",
    "parse_self_test",
    "parse_state",
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
    INFO = 0x58
    INFO_ANSWER = 0x59
    INIT = 0xA0


class Slot(bytes, enum.Enum):
    """What a reader says of the card (message 19)."""

    EMPTY = b"00"
    INSERTED = b"01"
    TAPPED = b"02"
    SWIPED = b"03"
    PULL = b"04"
    """The chip failed; the card is still inside, and its stripe is allowed once it is out."""


class LayoutError(Exception):
    """A whole frame whose data does not fit its layout. The text names the message and the field, never the data."""


_SLOTS = {slot.value: slot for slot in Slot}
_TYPES = {TransactionType.CREDIT: "01"}
_ENTRY_MODES = {
    b"I": EntryMode.IC,
    b"C": EntryMode.CONTACTLESS,
    b"S": EntryMode.STRIPE,
    b"F": EntryMode.FALLBACK,
}
_OK = b"00"
_NO_FALLBACK = b"00"

_INFO = struct.Struct("32s10s5s2s")
_PREPARED = struct.Struct("32s128s2s")
_CARD_HEAD = struct.Struct("2s32s1s")  # result, nonce, slot
_CARD = struct.Struct("1s2s20s16s12s48s3s")  # entry, fallback, number, label, KSN, cipher, length of EMV data
_FINISHED = struct.Struct("1s20s16s32s")  # result, message, cryptogram, nonce
_ARD_BYTES = 26
_BLOB_BYTES = 48
_IAD_BYTES = 12
_SCRIPT_BYTES = 260
_BLANK_CRYPTOGRAM = b" " * 16

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


def card_frame(command: ReadCard) -> bytes:
    """Card transaction: type, amount, date, then 14 fields of sign pad, cash-IC and PIN, unused here, and the nonce."""
    kind = _TYPES.get(command.type)
    if kind is None:
        raise CommandInvalidError("type", f"this reader cannot read a card for {command.type.value}")
    text = f"{kind}{command.amount_minor:010d}{command.at}{_UNUSED}{command.nonce}"
    return frame(Cmd.CARD, text.encode("ascii"))


def finish_frame(command: FinishCard) -> bytes:
    """Result to card. Raises CommandInvalidError for issuer data or scripts that do not fit."""
    for name, size, limit in (
        ("issuer_data", len(command.issuer_data), _ARD_BYTES - 2), ("scripts", len(command.scripts), _SCRIPT_BYTES),
    ):  # fmt: skip
        if size > limit:
            raise CommandInvalidError(name, f"the reader takes {limit} bytes, not {size}")
    ard = _tlv(0x91, command.issuer_data) if command.issuer_data else b""
    iad = _tlv(0x8A, command.arc.encode("ascii"))
    # BER-TLV ends where zeros begin (EMV Book 3, annex B.1), so padding needs no length.
    return frame(
        Cmd.FINISH,
        command.at.encode("ascii")
        + ard.ljust(_ARD_BYTES, b"\0")
        + iad.ljust(_IAD_BYTES, b"\0")
        + command.scripts.ljust(_SCRIPT_BYTES, b"\0")
        + (_OK if command.approved else b"01"),
    )


# Answers


def parse_info(data: bytes) -> Identity:
    """Message 59. Raises LayoutError."""
    if len(data) != _INFO.size:
        raise LayoutError(f"59: {len(data)} bytes, not {_INFO.size}")
    reader_id, serial, version, key_flag = (_text(part) for part in _INFO.unpack(data))
    # The identity begins with the certified model, filled up to 16 characters (docs/reader-protocol.md, 59).
    return Identity(reader_id, serial, version, reader_id[:16].strip("# -"), key_flag == "01")


def parse_self_test(data: bytes) -> str:
    """Message 51: "00" is well, anything else the reader's own fault code."""
    return _text(data)


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
    return KeyPrepared(_text(reader_id), blob), _text(result)


def parse_check_value(data: bytes) -> str | None:
    """What an ACK to the key says of the key: its check value in hexadecimal, or nothing."""
    return data.decode("ascii", "replace").upper() or None


class CardAnswer(Struct, frozen=True):
    """Message 11."""

    nonce: str
    occupied: bool
    card: CardRead | CardRefused


def parse_card(data: bytes) -> CardAnswer:
    """Message 11. Raises LayoutError."""
    if len(data) < _CARD_HEAD.size:
        raise LayoutError(f"11: {len(data)} bytes, at least {_CARD_HEAD.size}")
    result, nonce, slot = _CARD_HEAD.unpack_from(data)
    if result != _OK:
        return CardAnswer(_text(nonce), slot == b"1", CardRefused(_text(result)))
    at = _CARD_HEAD.size + _CARD.size
    if len(data) < at:
        raise LayoutError(f"11: {len(data)} bytes, at least {at} for a card that was read")
    entry, fallback, number, label, ksn, cipher, emv_length = _CARD.unpack_from(data, _CARD_HEAD.size)
    emv = data[at:]
    if entry not in _ENTRY_MODES:
        raise LayoutError("11: entry is none of I, C, S, F")
    if not emv_length.isdigit() or int(emv_length) != len(emv):
        raise LayoutError(f"11: the length of the EMV data does not say {len(emv)}")
    card = CardRead(
        entry_mode=_ENTRY_MODES[entry],
        masked_pan=_masked(number),
        ksn=ksn,
        cipher=cipher,
        emv=emv,
        label=_text(label) or None,
        fallback_code=None if fallback == _NO_FALLBACK else _text(fallback),
    )
    return CardAnswer(_text(nonce), slot == b"1", card)


def parse_finished(data: bytes) -> tuple[CardFinished, str]:
    """Message 21, and the nonce of its transaction. Raises LayoutError."""
    if len(data) != _FINISHED.size:
        raise LayoutError(f"21: {len(data)} bytes, not {_FINISHED.size}")
    result, message, cryptogram, nonce = _FINISHED.unpack(data)
    word = None if cryptogram == _BLANK_CRYPTOGRAM else _text(cryptogram)
    # Readers show Korean in the pads' own character set.
    return CardFinished(result == b"0", message.decode("euc_kr", "replace").strip(" \0"), word), _text(nonce)


def _masked(number: bytes) -> str:
    """The number as the reader masked it. One that shows more than BIN6 and last 4 is masked here (PCI DSS 3.4.1)."""
    text = _text(number)
    if not 10 <= len(text) <= 19 or not (text[:6] + text[-4:]).isdigit():
        raise LayoutError("11: not a masked card number")
    return f"{text[:6]}{'*' * (len(text) - 10)}{text[-4:]}"


def _text(data: bytes) -> str:
    return data.decode("ascii", "replace").strip(" \0")


def _tlv(tag: int, value: bytes) -> bytes:
    return bytes((tag, len(value))) + value


# Unused fields of message 10: pad 1, cash-IC 1, count 4, sign 1, min 2, max 2, working key index 2, working key 16
_UNUSED = "0" + "0" + "0000" + "0" + "00" + "00" + "00" + "0" * 16
