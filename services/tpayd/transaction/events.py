"""What can happen to a payment. Each event that changes one is a row of the journal, so none holds card data."""

from __future__ import annotations

from msgspec import Struct

from tpayd.hosts import ReversalReason
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import CardSummary, Reason
from tpayd_contracts.records import ReceiptCopy, SettledAs

__all__ = [
    "FIRST",
    "FIRST_NAMES",
    "AbortAsked",
    "Acknowledged",
    "Asked",
    "Buried",
    "CardAccepted",
    "CardFailed",
    "CardRead",
    "CardRefused",
    "ClosedUnacknowledged",
    "CommitFailed",
    "Confirmed",
    "Created",
    "Event",
    "FirstEvent",
    "FoundInBackup",
    "HostApproved",
    "HostDeclined",
    "HostUnknown",
    "InquiryAnswered",
    "InquiryGivenUp",
    "InquirySealed",
    "InquiryUnanswered",
    "Leased",
    "LeftUnacknowledged",
    "NotSent",
    "NumberKeyed",
    "PosGone",
    "ReaderLost",
    "ReceiptPrinted",
    "Restarted",
    "Restored",
    "ReversalAnswered",
    "ReversalImpossible",
    "ReversalSealed",
    "ReversalUnanswered",
    "Sealed",
    "SettledByHand",
    "Signed",
    "Stopped",
    "StoreRestored",
    "Unheard",
    "Voided",
]


class _Event(Struct, frozen=True, tag_field="event", array_like=True, gc=False):
    """The journal knows a field by its place: a new one goes behind the last, with a default (`journal.coding`)."""


class Created(_Event, frozen=True, tag="created"):
    """The POS asked for it."""

    payment: Payment


class Buried(_Event, frozen=True, tag="buried"):
    """The POS asked about an id that nobody knew: whatever arrives under it later is refused."""

    payment: Payment


class StoreRestored(_Event, frozen=True, tag="store_restored"):
    """From here on the lane's chain is that of a store that was restored from a backup.

    The payment is none: its request id is nobody's, and only gives the mark its place in the journal.
    """

    payment: Payment
    backup_id: str
    backup_ms: int
    """When the backup was taken. What the lane did after that is not in this chain."""


class FoundInBackup(_Event, frozen=True, tag="found_in_backup"):
    """It was open when the backup was taken, and may have ended since, in a store that is gone."""


class Leased(_Event, frozen=True, tag="leased"):
    reader: str
    label: str


class ReaderLost(_Event, frozen=True, tag="reader_lost"):
    """Before a card was read: another reader may take over."""

    reader: str


class CardRead(_Event, frozen=True, tag="card_read"):
    card: CardSummary
    chip: bool
    customer_us: int
    reader_us: int
    emv: dict[str, str] = {}
    provider: str | None = None
    """The wallet, where a code was read."""
    twin: str | None = None
    """Request id of a payment that this one looks like."""
    instead: bool = False
    """A card, where a code was asked for: it becomes a credit sale."""
    reader: str | None = None
    """The reader that was got with the card, which lay there already: then it stands for `Leased` too."""
    reader_label: str | None = None


class Confirmed(_Event, frozen=True, tag="confirmed"):
    """The cashier means it."""


class Signed(_Event, frozen=True, tag="signed"):
    """The customer's part with the pad is over."""

    device: str | None
    """The pad; `screen`; `used again`, where an earlier signature counts. None: the slip is signed on paper."""
    customer_us: int = 0
    reader_us: int = 0


class NumberKeyed(_Event, frozen=True, tag="number_keyed"):
    """The customer has keyed for whom a cash receipt is."""

    card: CardSummary
    customer_us: int
    reader_us: int


class CardFailed(_Event, frozen=True, tag="card_failed"):
    """The customer or the card ended it."""

    reason: Reason
    detail: str | None = None


class Stopped(_Event, frozen=True, tag="stopped"):
    """It cannot go on, and nothing has been sent."""

    reason: Reason
    detail: str | None = None


class AbortAsked(_Event, frozen=True, tag="abort_asked"):
    """By the POS."""


class PosGone(_Event, frozen=True, tag="pos_gone"):
    """Nobody waits for the verdict any more."""


class Sealed(_Event, frozen=True, tag="sealed"):
    """The request is numbered and complete but for its MAC: it may be MACed and leave once this is on disk."""

    stan: str
    local: str
    business_day: str
    key_id: str
    """The only key under which it may be MACed, and everything that settles it."""
    request_hash: bytes
    sent_ms: int


class KeyReplaced(_Event, frozen=True, tag="key_replaced"):
    """The terminal has another key since: the key manager proves that no byte left under the one before."""

    key_id: str


class CommitFailed(_Event, frozen=True, tag="commit_failed"):
    """The disk did not take SENDING, so nothing was sent; or it did not take an approval."""

    in_doubt: bool = False
    """It may have taken it all the same."""


class NotSent(_Event, frozen=True, tag="not_sent"):
    """The key manager or the host link proves that no byte left."""

    detail: str
    reason: Reason = Reason.HOST_UNAVAILABLE


class HostApproved(_Event, frozen=True, tag="host_approved"):
    response_code: str
    approval_code: str
    approved_ms: int
    host_us: int
    issuer: str | None = None
    acquirer: str | None = None
    message: str | None = None


class HostDeclined(_Event, frozen=True, tag="host_declined"):
    response_code: str
    host_us: int
    issuer: str | None = None
    message: str | None = None


class HostUnknown(_Event, frozen=True, tag="host_unknown"):
    """Bytes left, and no answer that can be believed came back."""

    reason: Reason
    detail: str
    host_us: int


class CardAccepted(_Event, frozen=True, tag="card_accepted"):
    """The card's last word is yes."""

    reader_us: int
    cryptogram: str | None = None


class CardRefused(_Event, frozen=True, tag="card_refused"):
    """The card's last word is no, or will never come."""

    reason: ReversalReason
    reader_us: int
    detail: str | None = None


class Acknowledged(_Event, frozen=True, tag="acknowledged"):
    """The POS has recorded the verdict."""


class Unheard(_Event, frozen=True, tag="unheard"):
    """The verdict was ready, and nobody waited for it any more."""


class Asked(_Event, frozen=True, tag="asked"):
    """The POS asked for the verdict that it had not heard, and was told."""


class LeftUnacknowledged(_Event, frozen=True, tag="left_unacknowledged"):
    """The POS had its time to acknowledge, and the store's setting is that it then must not stand."""


class ClosedUnacknowledged(_Event, frozen=True, tag="closed_unacknowledged"):
    """It stands, and the POS's word on it is no longer waited for."""


class ReceiptPrinted(_Event, frozen=True, tag="receipt_printed"):
    copy: ReceiptCopy


class SettledByHand(_Event, frozen=True, tag="settled_by_hand"):
    """A person asked the host's desk, and says how it stands there."""

    outcome: SettledAs
    by: str
    """The client that the command came from."""
    note: str


class Restarted(_Event, frozen=True, tag="restarted"):
    """The process starts and finds the payment as its predecessor left it."""


class Voided(_Event, frozen=True, tag="voided"):
    """Another payment took it back, or a part of it."""

    by: str
    """That payment's id."""
    amount_minor: int


class Restored(_Event, frozen=True, tag="restored"):
    """What took it back did not come to stand after all."""

    by: str
    amount_minor: int


class InquirySealed(_Event, frozen=True, tag="inquiry_sealed"):
    stan: str
    local: str
    business_day: str


class InquiryAnswered(_Event, frozen=True, tag="inquiry_answered"):
    """The host says what became of it."""

    response_code: str
    stands: bool
    approval_code: str | None = None
    approved_ms: int | None = None


class InquiryUnanswered(_Event, frozen=True, tag="inquiry_unanswered"):
    detail: str


class InquiryGivenUp(_Event, frozen=True, tag="inquiry_given_up"):
    """The time within which WAIT must end is over."""


class ReversalSealed(_Event, frozen=True, tag="reversal_sealed"):
    stan: str
    local: str
    business_day: str


class ReversalAnswered(_Event, frozen=True, tag="reversal_answered"):
    """`settled` is False where the answer is not the last word (original not found, for the first time)."""

    response_code: str
    settled: bool


class ReversalUnanswered(_Event, frozen=True, tag="reversal_unanswered"):
    """Its bytes left, and nothing came back that settles it."""

    detail: str
    response_code: str | None = None
    """Where the host refused it."""


class ReversalImpossible(_Event, frozen=True, tag="reversal_impossible"):
    """For as long as that is waited for it could not be sent, and time alone will not mend that."""

    detail: str


FirstEvent = Created | Buried | StoreRestored
FIRST = (Created, Buried, StoreRestored)
"""A payment comes into the journal with one of these."""
FIRST_NAMES = frozenset(str(kind.__struct_config__.tag) for kind in FIRST)

Event = (
    Created | Buried | StoreRestored | FoundInBackup | Leased | ReaderLost | CardRead | NumberKeyed | Confirmed
    | Signed | CardFailed | Stopped | AbortAsked | PosGone | Sealed | KeyReplaced | CommitFailed | NotSent
    | HostApproved | HostDeclined | HostUnknown | CardAccepted | CardRefused | Voided | Restored | Acknowledged
    | Restarted | InquirySealed | InquiryAnswered | InquiryUnanswered | InquiryGivenUp | ReversalSealed
    | ReversalAnswered | ReversalUnanswered | ReversalImpossible | Unheard | Asked | LeftUnacknowledged
    | ClosedUnacknowledged | ReceiptPrinted | SettledByHand
)  # fmt: skip
