"""What the table asks of the shell. Effects of one event are carried out in their order, one after the other."""

from __future__ import annotations

import enum

from msgspec import Struct

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


class AcquireLease(Struct, frozen=True):
    """Wait for a reader that was not lost under this payment. → Leased, CardRead (it lay there already), Stopped."""


class ReadCard(Struct, frozen=True):
    """Have the customer present the card, or show the code. → CardRead, CardFailed, ReaderLost."""


class AskCashier(Struct, frozen=True):
    """Ask whether a payment that looks like an earlier one is meant. → Confirmed, Stopped."""


class AskNumber(Struct, frozen=True):
    """Have the customer key for whom a cash receipt is. → NumberKeyed, Stopped."""


class TakeSignature(Struct, frozen=True):
    """Have the customer sign. → Signed, Stopped."""


class Seal(Struct, frozen=True):
    """Take a STAN and the terminal's key, and encode the request. → Sealed, Stopped."""


class Commit(Struct, frozen=True):
    """Wait until all events so far are on disk. → nothing, or CommitFailed."""

    patient: bool = False
    """Wait until the disk takes them, however long: what may be there meanwhile says something else. → nothing."""


class Transmit(Struct, frozen=True):
    """Have it MACed and sent, once. → HostApproved, HostDeclined, HostUnknown, NotSent, KeyReplaced."""


class CompleteCard(Struct, frozen=True):
    """Give the card the host's word. → CardAccepted, CardRefused; after a decline, nothing."""

    approved: bool


class MarkOriginal(Struct, frozen=True):
    """Put it down at the payment that this one took back: in the same commit as this one's approval."""


class UnmarkOriginal(Struct, frozen=True):
    """It did not take that payment back after all: in one commit with the event that says so."""


class ReleaseLease(Struct, frozen=True):
    """Give the reader back."""


class TellPos(Struct, frozen=True):
    """Answer whoever waits for this payment."""


class Reverse(Struct, frozen=True):
    """Put it into its terminal's reversal queue."""


class Inquire(Struct, frozen=True):
    """Have the host asked what became of it, until it is known."""


class Alarm(enum.Enum):
    """Something a person must look at."""

    NEEDS_HUMAN = "needs_human"


Effect = (
    AcquireLease | ReadCard | AskCashier | AskNumber | TakeSignature | Seal | Commit | Transmit | CompleteCard
    | MarkOriginal | UnmarkOriginal | ReleaseLease | TellPos | Reverse | Inquire | Alarm
)  # fmt: skip
