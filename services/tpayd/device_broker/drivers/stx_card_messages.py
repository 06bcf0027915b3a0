"""Card transactions inside STX frames: messages 10, 11, 20 and 21. docs/reader-protocol.md has the tables."""

from __future__ import annotations

import struct

from msgspec import Struct

from tpayd.device_broker.drivers.commands import FinishCard, ReadCard
from tpayd.device_broker.drivers.driver import CommandInvalidError
from tpayd.device_broker.drivers.events import CardFinished, CardRead, CardRefused
from tpayd.device_broker.drivers.stx_codes import OK, Cmd, text_of
from tpayd.device_broker.drivers.stx_frame import frame
from tpayd.device_broker.drivers.talk import LayoutError
from tpayd_contracts.device import TransactionType
from tpayd_contracts.payment import EntryMode

__all__ = [
    "CardAnswer",
    "card_frame",
    "finish_frame",
    "may_be_payment_card",
    "parse_card",
    "parse_finished",
    "stripe_frame",
]

_TYPES = {
    TransactionType.CREDIT: "01",
    TransactionType.UNIONPAY: "02",
    TransactionType.CASH_IC: "03",
    TransactionType.MEMBERSHIP: "04",
    TransactionType.CASH_RECEIPT: "06",
    TransactionType.CASH_IC_INQUIRY: "11",
}
_INQUIRY = TransactionType.CASH_IC_INQUIRY
_STRIPE_TYPES = {TransactionType.CREDIT: "07", TransactionType.UNIONPAY: "10"}
"""The types that ask for the stripe of a card whose chip has failed."""
_WITH_PIN = frozenset({TransactionType.UNIONPAY, TransactionType.CASH_IC, TransactionType.CASH_IC_INQUIRY})
_CARD_COMMAND = int(Cmd.CARD)
_PIN_DIGITS = "0406"
"""Least and most."""
_ENTRY_MODES = {
    b"I": EntryMode.IC,
    b"C": EntryMode.CONTACTLESS,
    b"S": EntryMode.STRIPE,
    b"F": EntryMode.FALLBACK,
}
_WELL = OK.encode()
_NO_FALLBACK = b"00"
_UNUSABLE = "10"
_SHORTEST_NUMBER = 4
_NO_PIN = "0000"
_NO_WORKING_KEY = "0" * 18
"""Working key index 2, working key 16."""

_CARD_HEAD = struct.Struct("2s32s1s")  # result, nonce, slot
_CARD = struct.Struct("1s2s20s16s12s48s3s")  # entry, fallback, number, label, KSN, cipher, length of EMV data
_PIN = struct.Struct("12s16s")  # KSN, block
_FINISHED = struct.Struct("1s20s16s32s")  # result, message, cryptogram, nonce
_ARD_BYTES = 26
_IAD_BYTES = 12
_SCRIPT_BYTES = 260
_BLANK_CRYPTOGRAM = b" " * 16


def card_frame(command: ReadCard) -> bytes:
    """Card transaction. The keys of the TDES generation (index and working key) are not used."""
    return _card_frame(command, _TYPES[command.type], command.nonce)


def stripe_frame(command: ReadCard) -> bytes | None:
    """The same for the stripe of a card whose chip has failed; None where the type allows none."""
    kind = _STRIPE_TYPES.get(command.type)
    return _card_frame(command, kind, command.nonce_again) if kind and command.nonce_again else None


def _card_frame(command: ReadCard, kind: str, nonce: str) -> bytes:
    asks_pin = command.pin and command.type in _WITH_PIN
    pad, choice, digits = "01"[asks_pin], "01"[command.choose], _PIN_DIGITS if asks_pin else _NO_PIN
    amount_minor = 0 if command.type is _INQUIRY else command.amount_minor
    text = f"{kind}{amount_minor:010d}{command.at}{pad}{choice}00000{digits}{_NO_WORKING_KEY}{nonce}"
    return frame(_CARD_COMMAND, text.encode("ascii"))


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
        + (b"00" if command.approved else b"01"),
    )


class CardAnswer(Struct, frozen=True, gc=False):
    """Message 11."""

    nonce: str
    occupied: bool
    card: CardRead | CardRefused


def parse_card(data: bytes, *, membership: bool = False) -> CardAnswer:
    """Message 11. Raises LayoutError."""
    if len(data) < _CARD_HEAD.size:
        raise LayoutError(f"11: {len(data)} bytes, at least {_CARD_HEAD.size}")
    result, nonce, slot = _CARD_HEAD.unpack_from(data)
    repeated = nonce.decode("ascii", "replace")
    if result != _WELL:
        return CardAnswer(repeated, slot == b"1", CardRefused(text_of(result)))
    at = _CARD_HEAD.size + _CARD.size
    if len(data) < at:
        raise LayoutError(f"11: {len(data)} bytes, at least {at} for a card that was read")
    entry, fallback, number, label, ksn, cipher, emv_length = _CARD.unpack_from(data, _CARD_HEAD.size)
    entry_mode = _ENTRY_MODES.get(entry)
    if entry_mode is None:
        raise LayoutError("11: entry is none of I, C, S, F")
    if membership:
        return CardAnswer(repeated, slot == b"1", _membership_card(entry_mode, text_of(number)))
    end = at + (int(emv_length) if emv_length.isdigit() else -1)
    more = len(data) - end
    if (more and more != _PIN.size) or end < at:
        raise LayoutError(f"11: the length of the EMV data does not fit {len(data)} bytes")
    pin_ksn, pin_block = _PIN.unpack_from(data, end) if more else (b"", b"")
    code = None if fallback == _NO_FALLBACK else text_of(fallback)
    # In the order of its fields: named, nine of them take twice as long.
    card = CardRead(
        entry_mode, _masked(number), ksn, cipher, data[at:end], text_of(label) or None, code, pin_ksn, pin_block
    )
    return CardAnswer(repeated, slot == b"1", card)


def _membership_card(entry_mode: EntryMode, number: str) -> CardRead | CardRefused:
    """A number in clear. What could be a payment card's is dropped here, should a reader ever let it through."""
    if not (len(number) >= _SHORTEST_NUMBER and number.isdigit()):
        raise LayoutError("11: not a membership number")
    if may_be_payment_card(number):
        return CardRefused(_UNUSABLE)
    return CardRead(entry_mode, "", b"", b"", b"", None, None, membership_number=number)


def may_be_payment_card(number: str) -> bool:
    """Whether these digits could be a payment card's: its length, a first digit that card schemes use, check digit.

    ISO/IEC 7812-1: 2 to 6 are the schemes', 9 the country's own (Korean local cards); the check digit is annex B's.
    """
    digits = [int(digit) for digit in reversed(number)]
    luhn = sum(digits[::2]) + sum(digit * 2 - 9 * (digit > 4) for digit in digits[1::2])
    return 13 <= len(number) <= 19 and number[0] in "234569" and luhn % 10 == 0


def parse_finished(data: bytes) -> tuple[CardFinished, str]:
    """Message 21, and the nonce of its transaction. Raises LayoutError."""
    if len(data) != _FINISHED.size:
        raise LayoutError(f"21: {len(data)} bytes, not {_FINISHED.size}")
    result, message, cryptogram, nonce = _FINISHED.unpack(data)
    word = None if cryptogram == _BLANK_CRYPTOGRAM else text_of(cryptogram)
    # Readers show Korean in the pads' own character set.
    return CardFinished(result == b"0", message.decode("euc_kr", "replace").strip(" \0"), word), text_of(nonce)


def _masked(number: bytes) -> str:
    """The number as the reader masked it. One that shows more than BIN6 and last 4 is masked here (PCI DSS 3.4.1)."""
    text = text_of(number)
    if not 10 <= len(text) <= 19 or not (text[:6] + text[-4:]).isdigit():
        raise LayoutError("11: not a masked card number")
    return f"{text[:6]}{'*' * (len(text) - 10)}{text[-4:]}"


def _tlv(tag: int, value: bytes) -> bytes:
    return bytes((tag, len(value))) + value
