"""What is known of one payment. A value: every event makes a new one, and the journal keeps the last.

Values of this package are `gc=False`: they hold values alone, so no cycle leads through them, and the garbage collector
need not walk the thousands of payments that are remembered.
"""

from __future__ import annotations

import hashlib
import os
import uuid

import msgspec
from msgspec import Struct

from tpayd.hosts import ReversalReason
from tpayd.transaction.order import Order
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import CardSummary, PaymentState, Reason
from tpayd_contracts.records import SettledAs

__all__ = [
    "Claim",
    "InquiryRecord",
    "Payment",
    "ReversalRecord",
    "Settlement",
    "began_ms",
    "body_hash",
    "new_payment_id",
]


_canonical = msgspec.msgpack.Encoder(order="deterministic")


class ReversalRecord(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A reversal that is owed, and how far it is."""

    reason: ReversalReason
    stan: str | None = None
    """Its own STAN, kept by every repeat; None until the first sending is sealed."""
    local: str | None = None
    business_day: str | None = None
    tries: int = 0
    """Sendings whose bytes left on a signed-on line without an answer that settles."""
    not_found_at_ms: int | None = None
    """When the host first said that it does not know the original."""
    response_code: str | None = None


class InquiryRecord(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The question what became of a payment, and how far it is."""

    since_ms: int
    """When the answer was found lost: the limit of WAIT counts from here."""
    stan: str | None = None
    """Its own STAN, kept by every repeat; None until the first sending is sealed."""
    local: str | None = None
    business_day: str | None = None


class Claim(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The payment that an order takes back, as it was found when the order began."""

    approval_code: str
    approved_on: str
    """Local date of its approval, YYYYMMDD."""
    amount_minor: int
    """Its whole amount."""
    request_id: str | None = None
    """Where this lane's journal holds it; then all that follows is known too."""
    stan: str | None = None
    local: str | None = None
    business_day: str | None = None
    terminal_id: str | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """Two orders that name the same original have the same key, however they name it."""
        return self.approval_code, self.approved_on, self.amount_minor


class Settlement(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a person found out, where the host never confirmed a reversal."""

    outcome: SettledAs
    by: str
    note: str
    at_ms: int


class Payment(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One payment. Holds nothing of a card but its summary.

    The journal knows a field by its place: a new one goes behind the last, with a default (`journal.coding`).
    """

    payment_id: str
    lane: str
    request_id: str
    body_hash: bytes
    """Of the request; empty for an id that was buried."""
    order: Order | None
    terminal_id: str
    profile: str
    created_ms: int
    state: PaymentState = PaymentState.CREATED
    reason: Reason | None = None
    trace: str | None = None
    client: str | None = None

    claim: Claim | None = None
    """What this payment takes back."""
    voided_minor: int = 0
    """How much of this payment later ones have taken back."""
    wants_signature: bool = False
    """The customer signs before the request is sent, if it is a kind of order that is signed for."""
    accepts_card: bool = False
    """A card may be presented where a code is asked for (T28)."""
    twin: str | None = None
    """Request id of an earlier payment that looks the same."""

    lost_readers: tuple[str, ...] = ()
    reader: str | None = None
    reader_label: str | None = None
    card: CardSummary | None = None
    chip: bool = False
    """The card is in the reader and wants the host's word (2nd GENERATE AC)."""

    stan: str | None = None
    local: str | None = None
    """Local time of SENDING, YYYYMMDDhhmmss: DE 7, 12, 13, and DE 90 of a reversal."""
    business_day: str | None = None
    key_id: str | None = None
    request_hash: bytes | None = None
    """SHA-256 of the request without its KSN and MAC."""
    sent_ms: int | None = None

    response_code: str | None = None
    approval_code: str | None = None
    approved_ms: int | None = None
    host_message: str | None = None
    emv: dict[str, str] = {}
    """Tags that a receipt prints."""

    inquiry: InquiryRecord | None = None
    reversal: ReversalRecord | None = None
    from_backup: bool = False
    """It was open in the backup that the store was restored from: only the host knows how it ended."""
    unheard: bool = False
    """Nobody has heard the verdict yet."""
    settlement: Settlement | None = None
    reverse_unacknowledged: bool = False
    """As the setting was when it began: without the POS's acknowledgement it must not stand."""
    acknowledged_ms: int | None = None
    prints: dict[str, int] = {}
    """How often each copy of its receipt was asked for."""
    ended_ms: int | None = None

    customer_us: int = 0
    reader_us: int = 0
    host_us: int = 0
    total_us: int = 0

    @property
    def ordered(self) -> Order:
        """What was asked for. Only a buried id has nothing."""
        assert self.order is not None, "a buried id orders nothing"  # noqa: S101
        return self.order

    @property
    def standalone(self) -> bool:
        """Made without a POS [단독결제]."""
        return self.order is not None and self.order.standalone

    @property
    def amount(self) -> Amount | None:
        """What it is worth; None for a balance and a buried id."""
        return self.order.amount if self.order is not None else None

    @property
    def amount_minor(self) -> int:
        """Its total, in minor units; 0 if it is worth nothing."""
        order = self.order
        return 0 if order is None or order.amount is None else order.amount.total_minor


def body_hash(order: Order) -> bytes:
    """SHA-256 over what is kept of a request, in canonical form, so that two encodings of one request are one request.

    A number that travels beside the order is in it only as it may be shown: from a hash of all of it, it could be
    guessed.
    """
    return hashlib.sha256(_canonical.encode(order)).digest()


def new_payment_id(now_ms: int) -> str:
    """A UUID that begins with its time (RFC 9562, version 7), by which `began_ms` finds its events without an index."""
    digits = os.urandom(10).hex()
    variant = "89ab"[int(digits[3], 16) & 3]
    time = f"{now_ms:012x}"
    return f"{time[:8]}-{time[8:]}-7{digits[:3]}-{variant}{digits[4:7]}-{digits[7:19]}"


def began_ms(payment_id: str) -> int | None:
    """When a payment was made, milliseconds since 1970 UTC; None for an id that does not tell."""
    try:
        read = uuid.UUID(payment_id)
    except ValueError:
        return None
    return read.int >> 80 if read.version == 7 else None
