"""What a store says to a card host, in the store's own terms; an adapter turns it into the host's bytes."""

from __future__ import annotations

import enum

from msgspec import Struct

from tpayd.hosts.quiet import Quiet
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import EntryMode

__all__ = [
    "Echo",
    "Financial",
    "MacedMessage",
    "NetworkMessage",
    "Original",
    "ReaderKeyExchange",
    "Reversal",
    "ReversalReason",
    "SignOff",
    "SignOn",
    "TerminalKeyExchange",
]


class Financial(Quiet, frozen=True, kw_only=True):
    """A credit sale to be authorized [신용승인]."""

    terminal_id: str
    """Eight characters, as the host issued it."""
    merchant_id: str
    """Up to 15 characters, as the host issued it."""
    stan: str
    """System trace audit number, six digits; unique per terminal and business day."""
    local: str
    """Local date and time, YYYYMMDDhhmmss."""
    business_day: str
    """YYYYMMDD, fixed when the sale is sent."""
    amount: Amount
    installments: int = 0
    """Months; 0 is a lump sum."""
    entry_mode: EntryMode
    ksn: bytes
    """Key serial number of the reader's data key, 12 bytes (X9.24-3)."""
    cipher: bytes
    """Track 2 equivalent, encrypted by the reader."""
    emv: bytes = b""
    """BER-TLV for the issuer; empty for the stripe."""
    fallback_code: str | None = None
    """Two digits: why the stripe was allowed (reader's result codes 01 to 08)."""
    reference: str | None = None
    """The POS's own receipt number."""


class ReversalReason(enum.StrEnum):
    """Why a payment is taken back."""

    NO_ANSWER = "no_answer"
    ANSWER_REFUSED = "answer_refused"
    """The answer did not parse, or its MAC was wrong."""
    CARD_DECLINED = "card_declined"
    """The card's last word was no."""
    READER_LOST = "reader_lost"
    """The card's last word never came."""
    RESTARTED = "restarted"
    """The daemon restarted before it knew the outcome."""


class Original(Struct, frozen=True, kw_only=True):
    """Names the request that a reversal takes back."""

    mti: str = "0200"
    stan: str
    local: str
    """Its `local`, YYYYMMDDhhmmss."""


class Reversal(Quiet, frozen=True, kw_only=True):
    """Take back a payment whose outcome is unknown, or that must not stand [망취소]."""

    terminal_id: str
    merchant_id: str
    stan: str
    """The reversal's own number; a repeat keeps it."""
    local: str
    """YYYYMMDDhhmmss; a repeat keeps it."""
    business_day: str
    """YYYYMMDD of the reversal itself."""
    amount_minor: int
    original: Original
    reason: ReversalReason
    repeat: bool = False
    """True from the second sending on: the host must not count it twice."""


class SignOn(Struct, frozen=True, kw_only=True):
    """Open a line. `terminal_id` is the line's own station id, eight characters."""

    terminal_id: str
    stan: str
    local: str


class SignOff(Struct, frozen=True, kw_only=True):
    """Close a line in good order."""

    terminal_id: str
    stan: str
    local: str


class Echo(Struct, frozen=True, kw_only=True):
    """Ask whether the host is still there."""

    terminal_id: str
    stan: str
    local: str


class TerminalKeyExchange(Quiet, frozen=True, kw_only=True):
    """Ask for a terminal's MAC key. The blob is made and read by the key manager, never here."""

    terminal_id: str
    stan: str
    local: str
    blob: bytes


class ReaderKeyExchange(Quiet, frozen=True, kw_only=True):
    """Relay a reader's half of its key exchange. The blob belongs to reader and host alone."""

    terminal_id: str
    stan: str
    local: str
    blob: bytes
    """128 bytes from the reader."""


MacedMessage = Financial | Reversal
NetworkMessage = SignOn | SignOff | Echo | TerminalKeyExchange | ReaderKeyExchange
