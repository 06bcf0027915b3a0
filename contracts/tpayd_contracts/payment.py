"""What a POS is told about a payment, and how it asks about one. What it can order is in `orders`."""

from __future__ import annotations

import enum

from msgspec import Struct

from tpayd_contracts.money import Amount, Minor
from tpayd_contracts.operation import Op, Right
from tpayd_contracts.screen import ScreenPrompt
from tpayd_contracts.shapes import Count, Lane, RequestId, TerminalId, UnixMs

__all__ = [
    "ABORT",
    "ACKNOWLEDGE",
    "CONFIRM",
    "KEY",
    "STATUS",
    "CardSummary",
    "Confirmation",
    "EntryMode",
    "KeyPress",
    "PaymentKind",
    "PaymentProgress",
    "PaymentRef",
    "PaymentResult",
    "PaymentState",
    "PosKey",
    "Reason",
    "Receipt",
    "Step",
    "TimeSplit",
    "Verdict",
]


class Verdict(enum.StrEnum):
    """The one thing a cashier needs to know."""

    PAID = "PAID"
    NOT_PAID = "NOT_PAID"
    WAIT = "WAIT"
    """Not known yet; ends by itself within `known_in_ms`."""


class PaymentKind(enum.StrEnum):
    """What was ordered (T10)."""

    SALE = "sale"
    """Credit sale [신용승인]."""
    VOID = "void"
    """Cancellation of a credit sale by the merchant [신용취소]."""
    CASH_RECEIPT = "cash_receipt"
    """Cash receipt [현금영수증]."""
    CASH_RECEIPT_VOID = "cash_receipt_void"
    CASH_IC_SALE = "cash_ic_sale"
    """Sale on a bank account by chip card and PIN [현금IC]."""
    CASH_IC_REFUND = "cash_ic_refund"
    CASH_IC_BALANCE = "cash_ic_balance"
    SIMPLE_PAY = "simple_pay"
    """Sale by the QR code or barcode of a wallet [간편결제]."""
    SIMPLE_PAY_VOID = "simple_pay_void"


class PaymentState(enum.StrEnum):
    """Where a payment stands. docs/pos-protocol.md draws the table; transaction/flow is the table."""

    CREATED = "created"
    LEASED = "leased"
    CARD_READ = "card_read"
    SENDING = "sending"
    INQUIRING = "inquiring"
    """The host is being asked what became of it."""
    AUTHORIZED = "authorized"
    APPROVED = "approved"
    CLOSED = "closed"
    DECLINED = "declined"
    ABORTED = "aborted"
    UNKNOWN = "unknown"
    REVERSING = "reversing"
    REVERSED = "reversed"
    NEEDS_HUMAN = "needs_human"
    CHARGED = "charged"
    """A person learned that the host has done it all the same, though the POS was told NOT_PAID."""


class Reason(enum.StrEnum):
    """Why a payment is not paid, or not yet."""

    DECLINED_BY_HOST = "declined_by_host"
    DECLINED_BY_CARD = "declined_by_card"
    ABORTED_BY_POS = "aborted_by_pos"
    POS_GONE = "pos_gone"
    """The POS went away before the request was sent to the host."""
    CARD_TIMEOUT = "card_timeout"
    CARD_FAILED = "card_failed"
    READER_UNAVAILABLE = "reader_unavailable"
    HOST_UNAVAILABLE = "host_unavailable"
    HOST_SILENT = "host_silent"
    HOST_ANSWER_REFUSED = "host_answer_refused"
    """The host's answer did not parse, or its MAC is wrong."""
    KEY_UNAVAILABLE = "key_unavailable"
    INTEGRITY_FAILED = "integrity_failed"
    """The installed files are not those that were signed; nothing was charged."""
    STORAGE_FAILED = "storage_failed"
    RESTARTED = "restarted"
    """The daemon restarted in the middle of it."""
    NEVER_SEEN = "never_seen"
    """Nothing is known under this request id, and nothing can happen under it any more."""
    IN_PROGRESS = "in_progress"
    NEVER_ACKNOWLEDGED = "never_acknowledged"
    """It was approved, the POS never acknowledged it, and the store's setting is to take such payments back."""
    DUPLICATE = "duplicate"
    """The same card paid the same amount at this lane within five minutes, and the cashier did not confirm it."""
    SIGNATURE_FAILED = "signature_failed"
    """The customer did not sign."""
    NUMBER_FAILED = "number_failed"
    """The customer keyed no number."""
    RESTORED = "restored"
    """The store was restored from a backup that may be older than this payment."""
    CODE_UNKNOWN = "code_unknown"
    """No wallet has codes like the one that was shown."""


class EntryMode(enum.StrEnum):
    """How the card was read."""

    IC = "ic"
    CONTACTLESS = "contactless"
    STRIPE = "stripe"
    FALLBACK = "fallback"
    """Magnetic stripe after the chip failed, with a code for the host."""
    KEYED = "keyed"
    """A number was typed (cash receipt)."""
    BARCODE = "barcode"
    """A QR code or barcode was scanned (simple pay)."""


class Step(enum.StrEnum):
    """What is happening now, for the cashier's screen."""

    WAITING_FOR_READER = "waiting_for_reader"
    PRESENT_CARD = "present_card"
    CARD_READ = "card_read"
    ASKING_HOST = "asking_host"
    FINISHING_CARD = "finishing_card"
    SHOW_CODE = "show_code"
    """The customer shows a QR code or barcode."""
    ENTER_PIN = "enter_pin"
    CHOOSE = "choose"
    """The customer chooses one of the card's applications or accounts, at the reader."""
    REMOVE_CARD = "remove_card"
    """The customer takes his card out: its chip has failed, and its stripe is next."""
    WAITING_FOR_PAD = "waiting_for_pad"
    """The card was read; the pad on which the customer signs is in use by another lane."""
    SIGN = "sign"
    """On a pad, or on the lane's screen: then `prompt` says how to answer."""
    ENTER_NUMBER = "enter_number"
    """As `sign`."""
    CONFIRM_DUPLICATE = "confirm_duplicate"
    """Looks like a payment that was just made: `payment.confirm` says whether it is meant."""
    INQUIRING = "inquiring"


class PaymentRef(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a payment: the lane, and the key its request carried."""

    lane: Lane
    request_id: RequestId


class Confirmation(Struct, frozen=True, forbid_unknown_fields=True):
    """The cashier's answer to `confirm_duplicate`."""

    lane: Lane
    request_id: RequestId
    proceed: bool
    """False ends the payment as not paid."""


class PosKey(enum.StrEnum):
    """A key at the POS [키보드 이벤트]."""

    ENTER = "enter"
    """Confirms what is asked."""
    ESC = "esc"
    """Says no to what is asked; where nothing is asked, it ends the payment."""


class KeyPress(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A key was pressed at the POS."""

    lane: Lane
    key: PosKey
    request_id: RequestId | None = None
    """Only if it is this payment; left out: whichever the lane has under way."""


class PaymentProgress(Struct, frozen=True, omit_defaults=True):
    """One step of a payment under way. Nothing financial depends on it."""

    step: Step
    text: str
    text_ko: str
    position: Count | None = None
    """Place among those who wait for a reader that this lane could use; 1 is next."""
    expected_wait_ms: Count | None = None
    """How long that may take, by the readers' use so far."""
    reader: str | None = None
    """Label of the reader to send the customer to."""
    remaining_ms: Count | None = None
    twin: RequestId | None = None
    """With `confirm_duplicate`: the request id of the earlier payment."""
    prompt: ScreenPrompt | None = None
    """With `sign` and `enter_number`, where the lane's screen is to take it: show it, and answer by its token."""


class CardSummary(Struct, frozen=True, omit_defaults=True, gc=False):
    """What may be kept of a card: BIN6, mask and last four at most (PCI DSS 4.0.1, 3.4.1)."""

    masked_pan: str
    entry_mode: EntryMode
    label: str | None = None
    issuer: str | None = None
    acquirer: str | None = None


class TimeSplit(Struct, frozen=True):
    """Whose time a payment took, in microseconds; the four shares add up to the total."""

    total_us: int
    customer_us: int
    reader_us: int
    host_us: int
    daemon_us: int


class Receipt(Struct, frozen=True, omit_defaults=True):
    """What a receipt has to show, beside the amounts and the card."""

    merchant_id: str
    merchant_name: str
    business_number: str
    terminal_id: TerminalId
    printed_at: str
    """Local date and time, ISO 8601 with offset."""
    installments: int
    emv: dict[str, str] = {}
    """EMV tags that a receipt prints: AID 84, label 50, TVR 95, TC 9F26."""


class PaymentResult(Struct, frozen=True, omit_defaults=True):
    """What is known of a payment: the answer to sale and to status alike."""

    lane: Lane
    request_id: RequestId
    verdict: Verdict
    state: PaymentState
    message: str
    message_ko: str
    kind: PaymentKind = PaymentKind.SALE
    """What was ordered. PAID means that it was done: for a void, that the money goes back."""
    reason: Reason | None = None
    known_in_ms: Count | None = None
    """With WAIT: within this time it is PAID or NOT_PAID."""
    reversal_pending: bool = False
    repeated: bool = False
    """This answer was given before: the key was used before, with the same body."""
    payment_id: str | None = None
    amount: Amount | None = None
    approval_code: str | None = None
    response_code: str | None = None
    """DE 39 as the host sent it."""
    approved_at_ms: UnixMs | None = None
    card: CardSummary | None = None
    stan: str | None = None
    host_profile: str | None = None
    business_day: str | None = None
    reference: str | None = None
    voided_minor: Minor = 0
    """How much of it later voids have given back."""
    balance_minor: Minor | None = None
    """Of the account, after `cash_ic.balance`; told once, never kept."""
    receipt: Receipt | None = None
    times: TimeSplit | None = None


STATUS = Op("payment.status", PaymentRef, PaymentResult, right=Right.POS)
"""Answers at once. An unknown id is buried first: a sale that arrives under it later is refused."""
ABORT = Op("payment.abort", PaymentRef, PaymentResult, right=Right.POS)
"""Granted until the request goes to the host, `too_late` after."""
CONFIRM = Op("payment.confirm", Confirmation, PaymentResult, right=Right.POS)
"""Answers `confirm_duplicate`; `too_late` if nothing is asked."""
KEY = Op("payment.key", KeyPress, PaymentResult, right=Right.POS)
"""Confirms or cancels the present prompt (T25); `too_late` if nothing is asked, or it has gone to the host."""
ACKNOWLEDGE = Op("payment.acknowledge", PaymentRef, PaymentResult, right=Right.POS)
"""The POS has recorded the verdict; closes the payment. While the verdict is WAIT, it changes nothing."""
