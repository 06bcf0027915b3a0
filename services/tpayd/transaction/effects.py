"""What the table asks of the shell. Effects of one event are carried out in their order, one after the other."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = [
    "AcquireLease",
    "Alarm",
    "AskCashier",
    "AskNumber",
    "Commit",
    "CompleteCard",
    "Effect",
    "Inquire",
    "MarkOriginal",
    "ReadCard",
    "ReleaseLease",
    "Reverse",
    "Seal",
    "TakeSignature",
    "TellPos",
    "Transmit",
    "UnmarkOriginal",
]


@dataclass(frozen=True, slots=True)
class AcquireLease:
    """Wait for a reader that was not lost under this payment. → Leased, Stopped."""


@dataclass(frozen=True, slots=True)
class ReadCard:
    """Have the customer present the card, or show the code. → CardRead, CardFailed, ReaderLost."""


@dataclass(frozen=True, slots=True)
class AskCashier:
    """Ask whether a payment that looks like an earlier one is meant. → Confirmed, Stopped."""


@dataclass(frozen=True, slots=True)
class AskNumber:
    """Have the customer key for whom a cash receipt is. → NumberKeyed, Stopped."""


@dataclass(frozen=True, slots=True)
class TakeSignature:
    """Have the customer sign. → Signed, Stopped."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Take a STAN, encode the request and have it MACed. → Sealed, Stopped."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Wait until all events so far are on disk. → nothing, or CommitFailed."""

    patient: bool = False
    """Wait until the disk takes them, however long: what may be there meanwhile says something else. → nothing."""


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send the sealed request, once. → HostApproved, HostDeclined, HostUnknown, NotSent."""


@dataclass(frozen=True, slots=True)
class CompleteCard:
    """Give the card the host's word. → CardAccepted, CardRefused; after a decline, nothing."""

    approved: bool


@dataclass(frozen=True, slots=True)
class MarkOriginal:
    """Put it down at the payment that this one took back: in the same commit as this one's approval."""


@dataclass(frozen=True, slots=True)
class UnmarkOriginal:
    """It did not take that payment back after all: in one commit with the event that says so."""


@dataclass(frozen=True, slots=True)
class ReleaseLease:
    """Give the reader back."""


@dataclass(frozen=True, slots=True)
class TellPos:
    """Answer whoever waits for this payment."""


@dataclass(frozen=True, slots=True)
class Reverse:
    """Put it into its terminal's reversal queue."""


@dataclass(frozen=True, slots=True)
class Inquire:
    """Have the host asked what became of it, until it is known."""


class Alarm(enum.Enum):
    """Something a person must look at."""

    NEEDS_HUMAN = "needs_human"


Effect = (
    AcquireLease | ReadCard | AskCashier | AskNumber | TakeSignature | Seal | Commit | Transmit | CompleteCard
    | MarkOriginal | UnmarkOriginal | ReleaseLease | TellPos | Reverse | Inquire | Alarm
)  # fmt: skip
