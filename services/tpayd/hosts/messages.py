"""What a store says to a card host, in the store's own terms; an adapter turns it into the host's bytes."""

from __future__ import annotations

import enum

from msgspec import Struct

from tpayd.hosts.quiet import Quiet
from tpayd_contracts.money import Amount
from tpayd_contracts.orders import CardNetwork, CashReceiptPurpose, CashReceiptVoidReason
from tpayd_contracts.payment import EntryMode, PaymentKind

__all__ = [
    "Echo",
    "Financial",
    "HostTotals",
    "Inquiry",
    "Kind",
    "MacedMessage",
    "MerchantDownload",
    "NetworkMessage",
    "OpenTerminal",
    "Original",
    "ReaderKeyExchange",
    "Reconciliation",
    "Reversal",
    "ReversalReason",
    "SignOff",
    "SignOn",
    "TerminalKeyExchange",
]


Kind = PaymentKind
"""What a financial request asks for."""


class Original(Struct, frozen=True, kw_only=True):
    """Names an earlier request: by STAN and local time, or as its receipt shows it (approval code, date, amount).

    What is given beside the one or the other is checked by the host.
    """

    mti: str = "0200"
    stan: str | None = None
    local: str | None = None
    """Its `local`, YYYYMMDDhhmmss."""
    approval_code: str | None = None
    business_day: str | None = None
    """Its date, YYYYMMDD: business day or local date, whichever the receipt shows."""
    amount_minor: int | None = None
    """Its whole amount."""
    terminal_id: str | None = None
    """The terminal that sent it; None: the one that asks now. An approval code is looked up in the whole merchant."""


class Financial(Quiet, frozen=True, kw_only=True):
    """Something to be authorized: a credit sale [신용승인], or what else `kind` says."""

    kind: Kind = Kind.SALE
    terminal_id: str
    """Eight characters, as the host issued it."""
    merchant_id: str
    """Up to 15 characters, as the host issued it."""
    stan: str
    """System trace audit number, six digits; unique per terminal and business day."""
    local: str
    """Local date and time, YYYYMMDDhhmmss."""
    business_day: str
    """YYYYMMDD, fixed when the request is sent."""
    amount: Amount | None = None
    """What is to be paid, or given back: less than the original's is a partial void. None with a balance only."""
    installments: int = 0
    """Months; 0 is a lump sum."""
    network: CardNetwork = CardNetwork.CREDIT
    entry_mode: EntryMode | None = None
    """None where nothing was read: a void."""
    ksn: bytes = b""
    """Key serial number of the key of `cipher`, 12 bytes (X9.24-3)."""
    cipher: bytes = b""
    """Track 2 equivalent, encrypted by the reader; or what `terminal_cipher` says."""
    terminal_cipher: bool = False
    """`cipher` is a keyed number or a scanned code, encrypted under the terminal's key (`data.encrypt`)."""
    pin_ksn: bytes = b""
    """Key serial number of the key of `pin_block`, 12 bytes."""
    pin_block: bytes = b""
    """PIN block of format 4 (ISO 9564-1), 16 bytes, encrypted by the reader."""
    emv: bytes = b""
    """BER-TLV for the issuer; empty for the stripe."""
    fallback_code: str | None = None
    """Two digits: why the stripe was allowed (reader's result codes 01 to 08)."""
    signature: bytes = b""
    """The customer's signature: see `tpayd.hosts.signature`."""
    original: Original | None = None
    """With a void or refund: what is taken back."""
    purpose: CashReceiptPurpose | None = None
    void_reason: CashReceiptVoidReason | None = None
    provider: str | None = None
    """With simple pay: whose wallet it is, up to 16 letters, digits, `_` and `-`."""
    reference: str | None = None
    """The POS's own receipt number."""

    @property
    def total_minor(self) -> int:
        """What is to be paid or given back; 0 with a balance."""
        return 0 if self.amount is None else self.amount.total_minor


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
    NEVER_ACKNOWLEDGED = "never_acknowledged"
    """The POS did not say that it knows of the approval."""


class Reversal(Quiet, frozen=True, kw_only=True):
    """Take back a request whose outcome is unknown, or that must not stand [망취소]. A void's makes its sale stand."""

    kind: Kind = Kind.SALE
    """What its original was."""
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
    """By STAN and local time."""
    reason: ReversalReason
    repeat: bool = False
    """True from the second sending on: the host must not count it twice."""


class Inquiry(Quiet, frozen=True, kw_only=True):
    """Ask what became of a request whose answer never came. Changes nothing."""

    terminal_id: str
    merchant_id: str
    stan: str
    """The inquiry's own number."""
    local: str
    business_day: str
    """YYYYMMDD of the inquiry itself."""
    original: Original


class HostTotals(Struct, frozen=True, kw_only=True):
    """What one terminal did on one business day, in the store's book or in the host's. Amounts in minor units.

    Only what stands is counted: approved, and not reversed since. What was reversed is counted in `reversals` alone,
    on the business day of its reversal. A balance is counted nowhere.
    """

    sales_count: int = 0
    """Credit, UnionPay, cash-IC and simple pay; a sale that was voided since is still one."""
    sales_minor: int = 0
    voids_count: int = 0
    """Voids of those, cash-IC refunds among them."""
    voids_minor: int = 0
    reversals_count: int = 0
    """Requests of any kind whose reversal was answered `00`."""
    reversals_minor: int = 0
    cash_receipts_count: int = 0
    cash_receipts_minor: int = 0
    cash_receipt_voids_count: int = 0
    cash_receipt_voids_minor: int = 0


class Reconciliation(Quiet, frozen=True, kw_only=True):
    """Compare a terminal's business day with the host's book [마감]."""

    terminal_id: str
    merchant_id: str
    stan: str
    local: str
    business_day: str
    """YYYYMMDD: the day that is compared."""
    totals: HostTotals


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


class OpenTerminal(Struct, frozen=True, kw_only=True):
    """Register a terminal with the host [개시거래]."""

    terminal_id: str
    stan: str
    local: str
    business_number: str
    """Ten digits [사업자등록번호]."""


class MerchantDownload(Struct, frozen=True, kw_only=True):
    """Ask for the merchant that a terminal belongs to [가맹점 다운로드]."""

    terminal_id: str
    stan: str
    local: str
    business_number: str


MacedMessage = Financial | Reversal | Inquiry | Reconciliation
NetworkMessage = SignOn | SignOff | Echo | TerminalKeyExchange | ReaderKeyExchange | OpenTerminal | MerchantDownload
