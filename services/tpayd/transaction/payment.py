"""What is known of one payment. A value: every event makes a new one, and the journal keeps the last."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from tpayd.hosts import ReversalReason
from tpayd_contracts.orders import SaleRequest
from tpayd_contracts.payment import CardSummary, PaymentState, Reason

__all__ = ["Payment", "ReversalRecord", "body_hash"]


class ReversalRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
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


class Payment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One payment. Holds nothing of a card but its summary."""

    payment_id: str
    lane: str
    request_id: str
    body_hash: bytes
    """Of the request; empty for an id that was buried."""
    sale: SaleRequest | None
    terminal_id: str
    profile: str
    created_ms: int
    state: PaymentState = PaymentState.CREATED
    reason: Reason | None = None
    trace: str | None = None
    client: str | None = None

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
    """SHA-256 of the sealed request."""
    sent_ms: int | None = None

    response_code: str | None = None
    approval_code: str | None = None
    approved_ms: int | None = None
    host_message: str | None = None
    emv: dict[str, str] = {}
    """Tags that a receipt prints."""

    reversal: ReversalRecord | None = None
    acknowledged_ms: int | None = None
    ended_ms: int | None = None

    customer_us: int = 0
    reader_us: int = 0
    host_us: int = 0
    total_us: int = 0

    @property
    def sold(self) -> SaleRequest:
        """What was asked for. Only a buried id has nothing."""
        assert self.sale is not None, "a buried id sells nothing"  # noqa: S101
        return self.sale


def body_hash(sale: SaleRequest) -> bytes:
    """SHA-256 over the decoded fields in canonical form, so that two encodings of one request are one request."""
    return hashlib.sha256(msgspec.msgpack.encode(sale, order="deterministic")).digest()
