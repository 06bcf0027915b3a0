"""What a POS can order of the transaction service (T10). Each order is a payment with one verdict.

The envelope's key is the order's request id. The same id with the same body is answered again, with another body
refused.
"""

from __future__ import annotations

import enum
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from tpayd_contracts.money import MAX_MINOR, Amount
from tpayd_contracts.operation import Op, Right
from tpayd_contracts.payment import PaymentProgress, PaymentResult
from tpayd_contracts.secret import SECRET, HidesSecrets
from tpayd_contracts.shapes import END, Lane, RequestId, ShortText

__all__ = [
    "CASH_IC_BALANCE",
    "CASH_IC_REFUND",
    "CASH_IC_SALE",
    "CASH_RECEIPT_ISSUE",
    "CASH_RECEIPT_VOID",
    "MEMBERSHIP_READ",
    "ORDERS",
    "SALE",
    "SIMPLE_PAY_SALE",
    "VOID",
    "CardNetwork",
    "CashIcBalanceRequest",
    "CashIcRefundRequest",
    "CashIcSaleRequest",
    "CashReceiptPurpose",
    "CashReceiptRequest",
    "CashReceiptVoidReason",
    "CashReceiptVoidRequest",
    "Day",
    "MembershipCard",
    "MembershipRequest",
    "OriginalPayment",
    "SaleRequest",
    "SimplePayRequest",
    "VoidRequest",
]

Installments = Annotated[int, Meta(ge=0, le=60)]
ApprovalCode = Annotated[str, Meta(pattern=rf"^[0-9A-Za-z]{{1,12}}{END}")]
Day = Annotated[str, Meta(pattern=rf"^20[0-9]{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]){END}")]
Identity = Annotated[
    str,
    Meta(pattern=rf"^[0-9]{{10,19}}{END}", extra=SECRET, description="phone, business or card number: digits"),
]
WalletCode = Annotated[str, Meta(min_length=8, max_length=512, pattern=rf"^[\x20-\x7e]+{END}", extra=SECRET)]


class CardNetwork(enum.StrEnum):
    """Which application of the card is to pay."""

    CREDIT = "credit"
    UNIONPAY = "unionpay"
    """China UnionPay [은련]: asks for a PIN where the card wants one."""


class CashReceiptPurpose(enum.StrEnum):
    """What the customer uses a cash receipt for."""

    DEDUCTION = "deduction"
    """A person's income deduction [소득공제]."""
    EXPENSE = "expense"
    """A business's expense [지출증빙]."""
    SELF_ISSUE = "self_issue"
    """The customer names nobody [자진발급]."""


class CashReceiptVoidReason(enum.StrEnum):
    """Why a cash receipt is taken back: the tax office wants to know."""

    CANCEL = "cancel"
    """The deal was cancelled (code 1)."""
    MIS_ISSUE = "mis_issue"
    """Issued in error (code 2)."""
    OTHER = "other"
    """Code 3."""


class SaleRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A credit sale [신용승인]."""

    lane: Lane
    amount: Amount
    installments: Installments = 0
    """Months; 0 is a lump sum [일시불], 1 does not exist."""
    reference: ShortText | None = None
    """The POS's own receipt number; kept and returned, never interpreted."""
    network: CardNetwork = CardNetwork.CREDIT
    allow_duplicate: bool = False
    """Do not ask if it looks like a payment that was just made."""
    reuse_signature: bool = False
    """If the same card was signed for at this lane just now [서명 재사용], that signature counts here too."""

    def __post_init__(self) -> None:
        if self.installments == 1:
            raise ValueError("installments is 0 (lump sum) or 2 and more")


class OriginalPayment(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Names what is taken back: by the request id of this lane, or as its receipt shows it.

    The receipt's form is for what another lane or an older journal holds.
    """

    request_id: RequestId | None = None
    approval_code: ApprovalCode | None = None
    approved_on: Day | None = None
    """Local date of the approval, YYYYMMDD."""
    amount_minor: Annotated[int, Meta(ge=1, le=MAX_MINOR)] | None = None
    """Its whole amount."""

    def __post_init__(self) -> None:
        receipt = (self.approval_code, self.approved_on, self.amount_minor)
        if self.request_id is not None:
            if any(part is not None for part in receipt):
                raise ValueError("name the original by request_id or by its receipt, not by both")
        elif any(part is None for part in receipt):
            raise ValueError("without a request_id, approval_code, approved_on and amount_minor are all needed")


class VoidRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Give back a credit sale or a simple pay sale [신용취소], whole or in part. Needs no card."""

    lane: Lane
    original: OriginalPayment
    amount: Amount | None = None
    """How much is given back; all of it if left out. Part of it only where the host profile allows it."""
    reference: ShortText | None = None


class CashReceiptRequest(HidesSecrets, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Issue a cash receipt [현금영수증 발급]."""

    lane: Lane
    amount: Amount
    purpose: CashReceiptPurpose
    identity: Identity | None = None
    """Phone, business or cash receipt card number, as keyed at the POS; left out: a card is read.

    Never kept. With `self_issue` it must be left out: the tax office's own number is used.
    """
    reference: ShortText | None = None
    key_number: bool = False
    """The customer keys it himself, on the lane's pad or screen [식별번호 입력]; then `identity` is left out."""

    def __post_init__(self) -> None:
        if self.purpose == CashReceiptPurpose.SELF_ISSUE and self.identity is not None:
            raise ValueError("identity must be left out with purpose self_issue")
        if self.key_number and (self.identity is not None or self.purpose == CashReceiptPurpose.SELF_ISSUE):
            raise ValueError("key_number must be left out where the number is known")


class CashReceiptVoidRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Take back a cash receipt [현금영수증 취소]."""

    lane: Lane
    original: OriginalPayment
    void_reason: CashReceiptVoidReason
    amount: Amount | None = None
    reference: ShortText | None = None


class CashIcSaleRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A sale on a bank account, by chip card and PIN [현금IC 승인]."""

    lane: Lane
    amount: Amount
    reference: ShortText | None = None
    allow_duplicate: bool = False


class CashIcRefundRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Give back a cash-IC sale [현금IC 환불]. The card is read again."""

    lane: Lane
    original: OriginalPayment
    reference: ShortText | None = None


class CashIcBalanceRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask for an account's balance [현금IC 잔액조회]. Moves no money."""

    lane: Lane
    reference: ShortText | None = None


class SimplePayRequest(HidesSecrets, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A sale by the QR code or barcode that a customer's wallet shows [간편결제]."""

    lane: Lane
    amount: Amount
    code: WalletCode | None = None
    """As the POS scanned it; left out: a reader scans it. Never kept."""
    installments: Installments = 0
    reference: ShortText | None = None
    allow_duplicate: bool = False

    def __post_init__(self) -> None:
        if self.installments == 1:
            raise ValueError("installments is 0 (lump sum) or 2 and more")


class MembershipRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Read a membership card [멤버십]. No payment, and nothing is kept."""

    lane: Lane


class MembershipCard(HidesSecrets, frozen=True):
    """A membership card's number, for the POS alone."""

    number: Annotated[str, Meta(extra=SECRET)]


Q = TypeVar("Q", bound=Struct)


def _order(name: str, request: type[Q]) -> Op[Q, PaymentResult]:
    return Op(name, request, PaymentResult, PaymentProgress, Right.POS, needs_key=True)


SALE = _order("payment.sale", SaleRequest)
VOID = _order("payment.void", VoidRequest)
CASH_RECEIPT_ISSUE = _order("cash_receipt.issue", CashReceiptRequest)
CASH_RECEIPT_VOID = _order("cash_receipt.void", CashReceiptVoidRequest)
CASH_IC_SALE = _order("cash_ic.sale", CashIcSaleRequest)
CASH_IC_REFUND = _order("cash_ic.refund", CashIcRefundRequest)
CASH_IC_BALANCE = _order("cash_ic.balance", CashIcBalanceRequest)
SIMPLE_PAY_SALE = _order("simple_pay.sale", SimplePayRequest)
ORDERS = (
    SALE, VOID, CASH_RECEIPT_ISSUE, CASH_RECEIPT_VOID, CASH_IC_SALE, CASH_IC_REFUND, CASH_IC_BALANCE, SIMPLE_PAY_SALE,
)  # fmt: skip
"""All of them: each needs a key, and is answered by a PaymentResult."""
MEMBERSHIP_READ = Op("membership.read", MembershipRequest, MembershipCard, PaymentProgress, Right.POS)
