"""Errors that cross a socket: a stable code, a sentence for a person, and what is known about the outcome.

The outcome is the part a caller must act on:

* `not_started`  nothing happened; the same request may be sent again
* `failed`       it ended, without effect on money
* `unknown`      it may have happened: ask (`payment.status`), never send it again under another key
"""

from __future__ import annotations

import enum

from msgspec import Struct

__all__ = ["OVERLOAD", "ErrorBody", "ErrorCode", "Outcome"]


OVERLOAD = "overload"
"""The `detail` of BUSY where as many payments are worked on as the store can: no new one, for a moment."""


class Outcome(enum.StrEnum):
    """What a caller knows after an error."""

    NOT_STARTED = "not_started"
    FAILED = "failed"
    UNKNOWN = "unknown"


class ErrorCode(enum.StrEnum):
    """Stable codes, by the question a caller asks. docs/pos-protocol.md explains each with its way out."""

    # Was my message understood?
    BAD_MESSAGE = "bad_message"
    """Not one frame, not an envelope, or nested too deep."""
    UNSUPPORTED_VERSION = "unsupported_version"
    """The contract version is another major, or a minor that is not served."""
    UNKNOWN_OP = "unknown_op"
    INVALID_BODY = "invalid_body"
    """The body does not fit its operation; `field` names the place."""
    TOO_LARGE = "too_large"

    # May I?
    HELLO_REQUIRED = "hello_required"
    """No session, or one that this process does not know (it restarted): say HELLO, then send again."""
    NOT_PERMITTED = "not_permitted"
    LANE_NOT_YOURS = "lane_not_yours"

    # Can it be done now?
    BUSY = "busy"
    """A bound on requests in flight is reached."""
    DRAINING = "draining"
    """The process is going down; try again when it is back."""
    EXPIRED = "expired"
    """The deadline had passed before anything was done."""
    UNAVAILABLE = "unavailable"
    """The service behind is not connected; nothing was sent to it."""
    NOT_FOUND = "not_found"
    LANE_BUSY = "lane_busy"
    """This lane has another payment under way."""
    KEY_CONFLICT = "key_conflict"
    """This idempotency key was used with another body."""
    NOT_REFUNDABLE = "not_refundable"
    """The original cannot be taken back, or not by this amount: never paid, taken back already, or of another kind."""
    CLAIMED = "claimed"
    """Another payment is taking the same original back."""
    TOO_LATE = "too_late"
    """The payment has passed the point where it can be aborted."""
    SETTINGS_CHANGED = "settings_changed"
    """The settings file is not the one that was looked at."""
    UNSETTLED = "unsettled"
    """Payments must be settled first."""
    TERMINAL_NOT_OPEN = "terminal_not_open"
    """Fraud-cancel prevention is on, and the lane's terminal is not on the list of open ones."""
    RESTORED = "restored"
    """The store was restored from a backup that may be older than this payment: whether it happened, the daemon cannot
    know. The till's own record, the customer's slip or the acquirer can. If `retryable`, the host is being asked."""

    # What went wrong with it?
    TIMEOUT = "timeout"
    """The answer did not come within the deadline."""
    PEER_LOST = "peer_lost"
    """The service died, or the line to it, after the request was sent."""
    ABORTED = "aborted"
    READER_UNAVAILABLE = "reader_unavailable"
    """No reader fits, or it was lost."""
    LEASE_LOST = "lease_lost"
    """The lease expired or was fenced off."""
    CARD_FAILED = "card_failed"
    """The card or the customer ended the reading; `detail` holds the reader's code."""
    CARD_TIMEOUT = "card_timeout"
    HOST_UNAVAILABLE = "host_unavailable"
    """No signed-on line; no byte left."""
    KEY_UNAVAILABLE = "key_unavailable"
    """The key is missing, expired or not confirmed: no new payment."""
    INTEGRITY_FAILED = "integrity_failed"
    """The installed files are not those that were signed: no new payment."""
    UPDATE_FAILED = "update_failed"
    """A release was not fetched, installed or gone over to; `detail` says which kind of reason. The old one runs on."""
    STORAGE_FAILED = "storage_failed"
    """The disk did not take a record that must be durable."""
    INTERNAL = "internal"
    """A fault in the daemon; the log has it under the request's trace."""


class ErrorBody(Struct, frozen=True, omit_defaults=True):
    """The body of an ERROR message."""

    code: ErrorCode
    message: str
    outcome: Outcome
    retryable: bool = False
    """Whether sending the same request again, later, can succeed."""
    field: str | None = None
    """JSONPath-like place of the fault in the body, e.g. `$.amount.vat_minor`."""
    detail: str | None = None
    """A stable sub-code, such as a reader's result code."""
    retry_after_ms: int | None = None
    """How long to wait before the same request is worth sending again."""
