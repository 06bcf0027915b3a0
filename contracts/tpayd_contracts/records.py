"""What is on record: a lane's last payment, the story of one, its receipt, and what people still have to look at."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.money import MAX_MINOR
from tpayd_contracts.operation import Op, Right
from tpayd_contracts.payment import (
    CardSummary,
    PaymentKind,
    PaymentResult,
    PaymentState,
    Reason,
    Verdict,
)
from tpayd_contracts.shapes import END, Count, Lane, RequestId, TerminalId, UnixMs

__all__ = [
    "EXPLAIN",
    "LAST",
    "RECEIPT",
    "REVERSALS",
    "SETTLE",
    "UNACKNOWLEDGED",
    "ExplainRequest",
    "LaneQuery",
    "LaneRef",
    "Language",
    "OriginalOnReceipt",
    "OwedReversal",
    "OwedReversals",
    "ReceiptAmounts",
    "ReceiptCopy",
    "ReceiptMerchant",
    "ReceiptRequest",
    "ReceiptSheet",
    "SettleRequest",
    "SettledAs",
    "Share",
    "Story",
    "StoryStep",
    "UnacknowledgedPayment",
    "UnacknowledgedPayments",
    "UnacknowledgedPolicy",
]

Note = Annotated[str, Meta(min_length=1, max_length=200, pattern=rf"^[^\x00-\x1f\x7f]*{END}")]
SignedMinor = Annotated[int, Meta(ge=-MAX_MINOR, le=MAX_MINOR)]


class LaneRef(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a lane."""

    lane: Lane


class LaneQuery(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Asks about one lane, or about all."""

    lane: Lane | None = None
    """Left out: every lane. Only for a client that may act for every lane."""


class Share(enum.StrEnum):
    """Who did a step of a payment, or was waited for in it."""

    POS = "pos"
    CUSTOMER = "customer"
    READER = "reader"
    HOST = "host"
    DAEMON = "daemon"
    PERSON = "person"
    """Somebody of the store, by a command."""


class ExplainRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Names a payment by its request id or by its own id; without either, the lane's last one."""

    lane: Lane | None = None
    """Left out: any lane. Only for a client that may act for every lane, and only with an id."""
    request_id: RequestId | None = None
    payment_id: RequestId | None = None

    def __post_init__(self) -> None:
        if self.request_id is not None and self.payment_id is not None:
            raise ValueError("name the payment by request_id or by payment_id, not by both")
        if self.lane is None and self.request_id is None and self.payment_id is None:
            raise ValueError("lane is needed to name its last payment")


class StoryStep(Struct, frozen=True, omit_defaults=True):
    """One event of a payment, as the journal holds it."""

    number: Count
    """In its lane's chain of events; a reader and a card that came together are two steps of one event."""
    at_ms: UnixMs
    at: str
    """Local date and time, ISO 8601 with offset."""
    offset_ms: int
    """Since the first step; less than before where the clock was set back."""
    event: str
    share: Share
    text: str
    state: PaymentState | None = None
    """The payment's state after it; left out where a purged payload no longer tells."""
    told: Verdict | None = None
    """The verdict that the POS was given then, if it was there to hear it. Only its acknowledgement proves that."""
    purged: bool = False
    """Its details are no longer kept; that it happened, and when, is."""


class Story(Struct, frozen=True, omit_defaults=True):
    """One payment from its first event to its last."""

    payment: PaymentResult
    """As `payment.status` tells it."""
    steps: tuple[StoryStep, ...]
    left_out: Count = 0
    """Steps in the middle that did not fit."""
    told: Verdict | None = None
    """What the POS was told last."""
    told_at_ms: UnixMs | None = None
    acknowledged_at_ms: UnixMs | None = None
    """When the POS said that it has the verdict on record."""
    reversal_tries: Count = 0
    """Sendings of a reversal that nobody answered."""
    settled_by: str | None = None
    """Who settled it by hand, and what they noted."""
    settled_note: str | None = None
    complete: bool = True
    """False: the disk takes nothing now, so the last steps may be missing."""
    trace: str | None = None
    """The traceparent (W3C) under which it was made: the POS's trace id, else one that the gateway made. It joins the
    lines of all processes' logs about it."""


class ReceiptCopy(enum.StrEnum):
    """For whom a receipt is printed."""

    CUSTOMER = "customer"
    MERCHANT = "merchant"


class Language(enum.StrEnum):
    """Of a receipt's text."""

    KO = "ko"
    EN = "en"


class ReceiptRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Asks for the receipt of a payment that is PAID. Counts as one print of this copy."""

    lane: Lane
    request_id: RequestId
    copy: ReceiptCopy = ReceiptCopy.CUSTOMER
    language: Language = Language.KO
    reprint: bool = False
    """The POS has printed this copy already, from the answer to its order."""


class ReceiptMerchant(Struct, frozen=True, omit_defaults=True):
    """The store, as a receipt names it."""

    id: str
    name: str
    business_number: str
    representative: str = ""
    address: str = ""
    tel: str = ""


class ReceiptAmounts(Struct, frozen=True, omit_defaults=True):
    """What was paid, and of what it consists; all negative where money goes back."""

    total_minor: SignedMinor
    supply_minor: SignedMinor
    vat_minor: SignedMinor = 0
    service_charge_minor: SignedMinor = 0
    tax_free_minor: SignedMinor = 0
    currency: str = "KRW"


class OriginalOnReceipt(Struct, frozen=True, omit_defaults=True):
    """What a void takes back."""

    approval_code: str | None = None
    approved_on: str | None = None
    """Local date, YYYYMMDD."""
    request_id: RequestId | None = None


class ReceiptSheet(Struct, frozen=True, omit_defaults=True):
    """A receipt, as data and as lines of text."""

    lane: Lane
    request_id: RequestId
    kind: PaymentKind
    copy: ReceiptCopy
    language: Language
    reprint: bool
    """This copy was printed before: the text says so."""
    prints: Count
    """How often this copy has been asked for, this time included."""
    merchant: ReceiptMerchant
    terminal_id: TerminalId
    amounts: ReceiptAmounts
    approval_code: str
    approved_at: str
    """Local date and time, ISO 8601 with offset."""
    lines: tuple[str, ...]
    """42 columns wide at most, Hangul counting two."""
    installments: Count = 0
    card: CardSummary | None = None
    purpose: str | None = None
    """Of a cash receipt."""
    original: OriginalOnReceipt | None = None
    reference: str | None = None
    voided_minor: Count = 0
    """How much of it voids have given back."""
    emv: dict[str, str] = {}
    """EMV tags that a receipt prints: AID 84, label 50, TVR 95, TC 9F26."""


class OwedReversal(Struct, frozen=True, omit_defaults=True):
    """A payment that must not stand and is not taken back yet."""

    lane: Lane
    request_id: RequestId
    payment_id: str
    state: PaymentState
    """`unknown` and `reversing`: the daemon is at it. `needs_human`: it has given up."""
    kind: PaymentKind
    terminal_id: TerminalId
    host_profile: str
    amount_minor: Count
    since_ms: UnixMs
    """When it became owed."""
    tries: Count = 0
    """Sendings that nobody answered."""
    reason: Reason | None = None
    stan: str | None = None
    """Of the payment, as the host knows it."""
    reversal_stan: str | None = None
    business_day: str | None = None
    answer: str | None = None
    """DE 39 of the host's last answer to the reversal."""


class OwedReversals(Struct, frozen=True, omit_defaults=True):
    """All reversals that are owed, oldest first."""

    reversals: tuple[OwedReversal, ...]
    left_out: Count = 0
    """Younger ones that did not fit."""
    needs_human: Count = 0
    """How many of all must be settled by hand."""


class SettledAs(enum.StrEnum):
    """What a person learned from the host about a payment that needs one."""

    REVERSED = "reversed"
    """The host has taken it back, or never had it: the customer is not charged."""
    STANDS = "stands"
    """The host has charged the customer. The POS was told NOT_PAID, and that stays; the books show the difference."""


class SettleRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settles a payment in state `needs_human`, once and for all."""

    lane: Lane
    request_id: RequestId
    outcome: SettledAs
    note: Note
    """Who at the host said so, for the journal. No card number: one is refused."""


class UnacknowledgedPolicy(enum.StrEnum):
    """What becomes of a payment that no POS acknowledges."""

    KEEP = "keep"
    """It stays PAID, and is listed."""
    REVERSE = "reverse"
    """It is taken back, and turns NOT_PAID."""


class UnacknowledgedPayment(Struct, frozen=True, omit_defaults=True):
    """A payment that is PAID, and whose POS has not said that it knows."""

    lane: Lane
    request_id: RequestId
    payment_id: str
    kind: PaymentKind
    amount_minor: Count
    since_ms: UnixMs
    """When its verdict was known."""
    policy: UnacknowledgedPolicy
    approval_code: str | None = None
    reference: str | None = None


class UnacknowledgedPayments(Struct, frozen=True, omit_defaults=True):
    """Payments that no POS acknowledged in time, oldest first."""

    payments: tuple[UnacknowledgedPayment, ...]
    after_s: float
    """How long a POS has for it."""
    left_out: Count = 0
    """Younger ones that did not fit."""
    total_minor: Count = 0
    """Sum of all."""


LAST = Op("payment.last", LaneRef, PaymentResult, right=Right.POS)
"""The lane's newest payment: the one under way, else the last one begun. For a POS that lost all but its lane.

`not_found` if the lane never paid.
"""
EXPLAIN = Op("payment.explain", ExplainRequest, Story, right=Right.POS)
"""Each step of a payment, from the journal. Unlike `payment.status` it buries no unknown id: `not_found`."""
RECEIPT = Op("payment.receipt", ReceiptRequest, ReceiptSheet, right=Right.POS)
"""The receipt of a payment that is PAID, else `not_found`. From the second print on it is marked as a reprint."""
UNACKNOWLEDGED = Op("payment.unacknowledged", LaneQuery, UnacknowledgedPayments, right=Right.POS)
"""Payments that no POS acknowledged within the setting `unacknowledged_after_s`."""
REVERSALS = Op("reversal.list", LaneQuery, OwedReversals, right=Right.ADMIN)
"""What must be taken back and is not yet."""
SETTLE = Op("reversal.settle", SettleRequest, PaymentResult, right=Right.ADMIN)
"""Settles by hand what the daemon has given up on. Anything that is not `needs_human` is refused: `too_late`."""
