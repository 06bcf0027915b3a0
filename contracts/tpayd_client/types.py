"""What the gateway's operations carry, as frozen dataclasses.

Generated from tpayd_contracts by `python -m tpayd_contracts.client_types`; change the contract, not this file.
Fields and enum values that a newer daemon adds are let through: unknown fields are ignored, an unknown value becomes
a member of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tpayd_client.wire import OpenEnum, Reply, many, maybe, some

__all__ = [
    "Ability", "Amount", "AnswerNotice", "AppliedChange", "Applies", "ApplyPreset", "ApplyUpdate", "AssignDevice",
    "AssignDevices", "AssignedDevices", "Balance", "Bar", "BarCause", "Bundle", "BundleState", "CONTRACT",
    "CardNetwork", "CardState", "CardStateQuery", "CardSummary", "CashIcBalanceRequest", "CashIcRefundRequest",
    "CashIcSaleRequest", "CashReceiptPurpose", "CashReceiptRequest", "CashReceiptVoidReason",
    "CashReceiptVoidRequest", "ChangeSettings", "ChangedSettings", "CheckFirmware", "CheckIntegrity", "CheckScope",
    "ClientOptions", "CloseProgress", "CloseReport", "Confirmation", "DayQuery", "DayTotals", "DeleteTerminals",
    "Dependency", "Device", "DeviceCount", "DeviceEvent", "DeviceFault", "DeviceList", "DeviceQuery",
    "DeviceReport", "DeviceState", "DeviceTestProgress", "DeviceTestStep", "DeviceTrouble", "DevicesQuery",
    "Difference", "DownloadMerchant", "DownloadUpdate", "DownloadedMerchant", "EVENTS", "EjectCard", "EntryMode",
    "ErrorBody", "ErrorCode", "ExchangeProgress", "ExchangeReader", "ExchangeTerminal", "ExplainRequest", "Finding",
    "FindingKind", "FirmwareEvent", "FirmwareHistory", "FirmwareHistoryQuery", "FirmwareOutcome",
    "FirmwareProgress", "FirmwareRecord", "FirmwareReport", "FirmwareResult", "FirmwareStanding", "FirmwareStep",
    "FirmwareVerdict", "Health", "Hello", "InsertedQuery", "IntegrityEvent", "IntegrityProgress", "IntegrityQuery",
    "IntegrityReport", "IntegrityResult", "IntegrityState", "KeyEvent", "KeyHappening", "KeyInfo", "KeyList",
    "KeyNumber", "KeyPress", "KeyState", "KeyTime", "KeyUsage", "KeyedNumber", "KeysQuery", "LaneAcknowledgements",
    "LaneQuery", "LaneRef", "LaneTurns", "Language", "Line", "LineEvent", "LineState", "LineStatus",
    "ListedPayment", "LogUse", "LogsEvent", "LogsStatus", "Maintenance", "MembershipCard", "MembershipRequest",
    "Merchant", "MerchantList", "NoticeAnswer", "OfferedFirmware", "OpenTerminals", "OpenedTerminals", "Opening",
    "OriginalOnReceipt", "OriginalPayment", "Outcome", "OwedReversal", "OwedReversals", "PaymentKind",
    "PaymentProgress", "PaymentRef", "PaymentResult", "PaymentState", "Pending", "PoolEvent", "PoolFigures",
    "PoolQuery", "PoolStanding", "PoolStatus", "PortState", "PosKey", "REPLIES", "Readiness", "Reason", "Receipt",
    "ReceiptAmounts", "ReceiptCopy", "ReceiptMerchant", "ReceiptRequest", "ReceiptSheet", "ReleaseInfo",
    "RemoveDevice", "ReportQuery", "RestoreSettings", "Right", "SaleRequest", "ScanCode", "ScanDevices",
    "ScanProgress", "ScanResult", "ScannedCode", "ScannedPort", "ScreenAsk", "ScreenNumber", "ScreenPrompt",
    "ScreenSignature", "ScreenState", "SelfTest", "SetFirmwareMode", "SetPassword", "SetPrevention", "Setting",
    "SettingChange", "SettingGroup", "SettingKind", "SettingsHistory", "SettingsHistoryQuery", "SettingsPage",
    "SettingsQuery", "SettingsVersion", "SettleRequest", "SettledAs", "Share", "ShipLogs", "ShipPriority",
    "ShipProgress", "ShowText", "SimplePayRequest", "Slot", "Slots", "StagedTerminals",
    "StandaloneCashReceiptRequest", "StandaloneQuery", "StandaloneSaleRequest", "StandaloneTerminal", "Step",
    "StoreRestored", "StoreStatus", "Story", "StoryStep", "Subscribe", "Subscribed", "Terminal", "TerminalBalance",
    "TerminalList", "TimeSplit", "TotalLine", "UnacknowledgedPayment", "UnacknowledgedPayments",
    "UnacknowledgedPolicy", "UpdateEvent", "UpdateFirmware", "UpdateHistory", "UpdateHistoryQuery", "UpdateNotice",
    "UpdateOutcome", "UpdateProgress", "UpdateRecord", "UpdateStatus", "UpdateStep", "Verdict", "VoidRequest",
    "WatchScreen", "Welcome",
]

CONTRACT = "1.0"
"""The contract version that this client speaks."""


class ErrorCode(OpenEnum):
    """Stable codes, by the question a caller asks. docs/pos-protocol.md explains each with its way out."""

    BAD_MESSAGE = "bad_message"
    """Not one frame, not an envelope, or nested too deep."""
    UNSUPPORTED_VERSION = "unsupported_version"
    """The contract version is another major, or a minor that is not served."""
    UNKNOWN_OP = "unknown_op"
    INVALID_BODY = "invalid_body"
    """The body does not fit its operation; `field` names the place."""
    TOO_LARGE = "too_large"
    HELLO_REQUIRED = "hello_required"
    """No session, or one that this process does not know (it restarted): say HELLO, then send again."""
    NOT_PERMITTED = "not_permitted"
    LANE_NOT_YOURS = "lane_not_yours"
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
    """The original cannot be taken back, or not by this amount: never paid, taken back already, or of another
    kind.
    """
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
    """The store was restored from a backup that may be older than this payment: whether it happened, the daemon
    cannot know. The till's own record, the customer's slip or the acquirer can. If `retryable`, the host is
    being asked.
    """
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
    """A release was not fetched, installed or gone over to; `detail` says which kind of reason. The old one runs
    on.
    """
    STORAGE_FAILED = "storage_failed"
    """The disk did not take a record that must be durable."""
    INTERNAL = "internal"
    """A fault in the daemon; the log has it under the request's trace."""


class Outcome(OpenEnum):
    """What a caller knows after an error."""

    NOT_STARTED = "not_started"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ErrorBody(Reply):
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

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ErrorBody:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            code=ErrorCode(body["code"]),
            message=body["message"],
            outcome=Outcome(body["outcome"]),
            retryable=body.get("retryable", False),
            field=body.get("field"),
            detail=body.get("detail"),
            retry_after_ms=body.get("retry_after_ms"),
        )


@dataclass(frozen=True, slots=True)
class Hello(Reply):
    """The first message on a connection."""

    client: str
    """The client's name as registered; on tcp it must be the one of the CURVE key."""
    contract: str
    """`major.minor` of the contract that the client speaks."""
    software: str = ""
    """Product and version, for the log."""
    incarnation: str = ""
    """New at each start of the client's process."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Hello:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            client=body["client"],
            contract=body["contract"],
            software=body.get("software", ""),
            incarnation=body.get("incarnation", ""),
        )


class Right(OpenEnum):
    """What a client may do. `admin` includes `pos`, which includes `read_only`."""

    READ_ONLY = "read_only"
    POS = "pos"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Welcome(Reply):
    """The answer to HELLO."""

    session: str
    contract: str
    server: str
    version: str
    lanes: tuple[str, ...] = ()
    """Lanes this client may act for; empty for services, and for clients of every lane."""
    right: Right = Right.READ_ONLY
    max_frame_bytes: int = 0
    max_in_flight: int = 0
    max_ttl_ms: int = 0
    sandbox: bool = False
    """True: a sandbox stands behind; no real money moves."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Welcome:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            session=body["session"],
            contract=body["contract"],
            server=body["server"],
            version=body["version"],
            lanes=many(body.get("lanes", ()), None),
            right=Right(body.get("right", Right.READ_ONLY)),
            max_frame_bytes=body.get("max_frame_bytes", 0),
            max_in_flight=body.get("max_in_flight", 0),
            max_ttl_ms=body.get("max_ttl_ms", 0),
            sandbox=body.get("sandbox", False),
        )


@dataclass(frozen=True, slots=True)
class Amount(Reply):
    """What the customer pays, and of what it consists.

    `supply + vat + service charge + tax-free = total`, or the amount is refused with the field named.
    `supply_minor`
    may be left out: it is then what the other parts leave.
    """

    total_minor: int
    supply_minor: int | None = None
    vat_minor: int = 0
    service_charge_minor: int = 0
    tax_free_minor: int = 0
    currency: str = "KRW"

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Amount:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            total_minor=body["total_minor"],
            supply_minor=body.get("supply_minor"),
            vat_minor=body.get("vat_minor", 0),
            service_charge_minor=body.get("service_charge_minor", 0),
            tax_free_minor=body.get("tax_free_minor", 0),
            currency=body.get("currency", "KRW"),
        )


class CardNetwork(OpenEnum):
    """Which application of the card is to pay."""

    CREDIT = "credit"
    UNIONPAY = "unionpay"
    """China UnionPay [은련]: asks for a PIN where the card wants one."""


@dataclass(frozen=True, slots=True)
class SaleRequest(Reply):
    """A credit sale [신용승인]."""

    lane: str
    amount: Amount
    installments: int = 0
    """Months; 0 is a lump sum [일시불], 1 does not exist."""
    reference: str | None = None
    """The POS's own receipt number; kept and returned, never interpreted."""
    network: CardNetwork = CardNetwork.CREDIT
    allow_duplicate: bool = False
    """Do not ask if it looks like a payment that was just made."""
    reuse_signature: bool = False
    """If the same card was signed for at this lane just now [서명 재사용], that signature counts here too."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SaleRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            amount=Amount.from_wire(body["amount"]),
            installments=body.get("installments", 0),
            reference=body.get("reference"),
            network=CardNetwork(body.get("network", CardNetwork.CREDIT)),
            allow_duplicate=body.get("allow_duplicate", False),
            reuse_signature=body.get("reuse_signature", False),
        )


class Verdict(OpenEnum):
    """The one thing a cashier needs to know."""

    PAID = "PAID"
    NOT_PAID = "NOT_PAID"
    WAIT = "WAIT"
    """Not known yet; ends by itself within `known_in_ms`."""


class PaymentState(OpenEnum):
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


class PaymentKind(OpenEnum):
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


class Reason(OpenEnum):
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


class EntryMode(OpenEnum):
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


@dataclass(frozen=True, slots=True)
class CardSummary(Reply):
    """What may be kept of a card: BIN6, mask and last four at most (PCI DSS 4.0.1, 3.4.1)."""

    masked_pan: str
    entry_mode: EntryMode
    label: str | None = None
    issuer: str | None = None
    acquirer: str | None = None

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> CardSummary:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            masked_pan=body["masked_pan"],
            entry_mode=EntryMode(body["entry_mode"]),
            label=body.get("label"),
            issuer=body.get("issuer"),
            acquirer=body.get("acquirer"),
        )


@dataclass(frozen=True, slots=True)
class Receipt(Reply):
    """What a receipt has to show, beside the amounts and the card."""

    merchant_id: str
    merchant_name: str
    business_number: str
    terminal_id: str
    printed_at: str
    """Local date and time, ISO 8601 with offset."""
    installments: int
    emv: dict[str, str] = field(default_factory=dict)
    """EMV tags that a receipt prints: AID 84, label 50, TVR 95, TC 9F26."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Receipt:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            merchant_id=body["merchant_id"],
            merchant_name=body["merchant_name"],
            business_number=body["business_number"],
            terminal_id=body["terminal_id"],
            printed_at=body["printed_at"],
            installments=body["installments"],
            emv=dict(body.get("emv", {})),
        )


@dataclass(frozen=True, slots=True)
class TimeSplit(Reply):
    """Whose time a payment took, in microseconds; the four shares add up to the total."""

    total_us: int
    customer_us: int
    reader_us: int
    host_us: int
    daemon_us: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> TimeSplit:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            total_us=body["total_us"],
            customer_us=body["customer_us"],
            reader_us=body["reader_us"],
            host_us=body["host_us"],
            daemon_us=body["daemon_us"],
        )


@dataclass(frozen=True, slots=True)
class PaymentResult(Reply):
    """What is known of a payment: the answer to sale and to status alike."""

    lane: str
    request_id: str
    verdict: Verdict
    state: PaymentState
    message: str
    message_ko: str
    kind: PaymentKind = PaymentKind.SALE
    """What was ordered. PAID means that it was done: for a void, that the money goes back."""
    reason: Reason | None = None
    known_in_ms: int | None = None
    """With WAIT: within this time it is PAID or NOT_PAID."""
    reversal_pending: bool = False
    repeated: bool = False
    """This answer was given before: the key was used before, with the same body."""
    payment_id: str | None = None
    amount: Amount | None = None
    approval_code: str | None = None
    response_code: str | None = None
    """DE 39 as the host sent it."""
    approved_at_ms: int | None = None
    card: CardSummary | None = None
    stan: str | None = None
    host_profile: str | None = None
    business_day: str | None = None
    reference: str | None = None
    voided_minor: int = 0
    """How much of it later voids have given back."""
    balance_minor: int | None = None
    """Of the account, after `cash_ic.balance`; told once, never kept."""
    receipt: Receipt | None = None
    times: TimeSplit | None = None

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> PaymentResult:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            request_id=body["request_id"],
            verdict=Verdict(body["verdict"]),
            state=PaymentState(body["state"]),
            message=body["message"],
            message_ko=body["message_ko"],
            kind=PaymentKind(body.get("kind", PaymentKind.SALE)),
            reason=maybe(body.get("reason"), Reason),
            known_in_ms=body.get("known_in_ms"),
            reversal_pending=body.get("reversal_pending", False),
            repeated=body.get("repeated", False),
            payment_id=body.get("payment_id"),
            amount=maybe(body.get("amount"), Amount.from_wire),
            approval_code=body.get("approval_code"),
            response_code=body.get("response_code"),
            approved_at_ms=body.get("approved_at_ms"),
            card=maybe(body.get("card"), CardSummary.from_wire),
            stan=body.get("stan"),
            host_profile=body.get("host_profile"),
            business_day=body.get("business_day"),
            reference=body.get("reference"),
            voided_minor=body.get("voided_minor", 0),
            balance_minor=body.get("balance_minor"),
            receipt=maybe(body.get("receipt"), Receipt.from_wire),
            times=maybe(body.get("times"), TimeSplit.from_wire),
        )


class Step(OpenEnum):
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


class ScreenAsk(OpenEnum):
    """What the customer is to do on the screen."""

    SIGN = "sign"
    """Sign [전자서명]: answer with `screen.sign`."""
    NUMBER = "number"
    """Key a number, such as a telephone number for a cash receipt [식별번호 입력]: answer with `screen.number`."""


@dataclass(frozen=True, slots=True)
class ScreenPrompt(Reply):
    """What a lane's screen is to show, until it is answered, or until its time is over."""

    token: str
    asks: ScreenAsk
    lane: str
    text: str
    text_ko: str
    remaining_ms: int
    request_id: str | None = None
    """The payment's; none where the POS asked for a number of its own (`ability.number`)."""
    amount_minor: int | None = None
    """To be shown, with a signature."""
    min_digits: int = 0
    max_digits: int = 0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ScreenPrompt:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            token=body["token"],
            asks=ScreenAsk(body["asks"]),
            lane=body["lane"],
            text=body["text"],
            text_ko=body["text_ko"],
            remaining_ms=body["remaining_ms"],
            request_id=body.get("request_id"),
            amount_minor=body.get("amount_minor"),
            min_digits=body.get("min_digits", 0),
            max_digits=body.get("max_digits", 0),
        )


@dataclass(frozen=True, slots=True)
class PaymentProgress(Reply):
    """One step of a payment under way. Nothing financial depends on it."""

    step: Step
    text: str
    text_ko: str
    position: int | None = None
    """Place among those who wait for a reader that this lane could use; 1 is next."""
    expected_wait_ms: int | None = None
    """How long that may take, by the readers' use so far."""
    reader: str | None = None
    """Label of the reader to send the customer to."""
    remaining_ms: int | None = None
    twin: str | None = None
    """With `confirm_duplicate`: the request id of the earlier payment."""
    prompt: ScreenPrompt | None = None
    """With `sign` and `enter_number`, where the lane's screen is to take it: show it, and answer by its token."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> PaymentProgress:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            step=Step(body["step"]),
            text=body["text"],
            text_ko=body["text_ko"],
            position=body.get("position"),
            expected_wait_ms=body.get("expected_wait_ms"),
            reader=body.get("reader"),
            remaining_ms=body.get("remaining_ms"),
            twin=body.get("twin"),
            prompt=maybe(body.get("prompt"), ScreenPrompt.from_wire),
        )


@dataclass(frozen=True, slots=True)
class OriginalPayment(Reply):
    """Names what is taken back: by the request id of this lane, or as its receipt shows it.

    The receipt's form is for what another lane or an older journal holds.
    """

    request_id: str | None = None
    approval_code: str | None = None
    approved_on: str | None = None
    """Local date of the approval, YYYYMMDD."""
    amount_minor: int | None = None
    """Its whole amount."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> OriginalPayment:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            request_id=body.get("request_id"),
            approval_code=body.get("approval_code"),
            approved_on=body.get("approved_on"),
            amount_minor=body.get("amount_minor"),
        )


@dataclass(frozen=True, slots=True)
class VoidRequest(Reply):
    """Give back a credit sale or a simple pay sale [신용취소], whole or in part. Needs no card."""

    lane: str
    original: OriginalPayment
    amount: Amount | None = None
    """How much is given back; all of it if left out. Part of it only where the host profile allows it."""
    reference: str | None = None

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> VoidRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            original=OriginalPayment.from_wire(body["original"]),
            amount=maybe(body.get("amount"), Amount.from_wire),
            reference=body.get("reference"),
        )


class CashReceiptPurpose(OpenEnum):
    """What the customer uses a cash receipt for."""

    DEDUCTION = "deduction"
    """A person's income deduction [소득공제]."""
    EXPENSE = "expense"
    """A business's expense [지출증빙]."""
    SELF_ISSUE = "self_issue"
    """The customer names nobody [자진발급]."""


@dataclass(frozen=True, slots=True)
class CashReceiptRequest(Reply):
    """Issue a cash receipt [현금영수증 발급]."""

    lane: str
    amount: Amount
    purpose: CashReceiptPurpose
    identity: str | None = field(default=None, repr=False)
    """Phone, business or cash receipt card number, as keyed at the POS; left out: a card is read. Never kept. With
    `self_issue` it must be left out: the tax office's own number is used.
    """
    reference: str | None = None
    key_number: bool = False
    """The customer keys it himself, on the lane's pad or screen [식별번호 입력]; then `identity` is left out."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> CashReceiptRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            amount=Amount.from_wire(body["amount"]),
            purpose=CashReceiptPurpose(body["purpose"]),
            identity=body.get("identity"),
            reference=body.get("reference"),
            key_number=body.get("key_number", False),
        )


class CashReceiptVoidReason(OpenEnum):
    """Why a cash receipt is taken back: the tax office wants to know."""

    CANCEL = "cancel"
    """The deal was cancelled (code 1)."""
    MIS_ISSUE = "mis_issue"
    """Issued in error (code 2)."""
    OTHER = "other"
    """Code 3."""


@dataclass(frozen=True, slots=True)
class CashReceiptVoidRequest(Reply):
    """Take back a cash receipt [현금영수증 취소]."""

    lane: str
    original: OriginalPayment
    void_reason: CashReceiptVoidReason
    amount: Amount | None = None
    reference: str | None = None

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> CashReceiptVoidRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            original=OriginalPayment.from_wire(body["original"]),
            void_reason=CashReceiptVoidReason(body["void_reason"]),
            amount=maybe(body.get("amount"), Amount.from_wire),
            reference=body.get("reference"),
        )


@dataclass(frozen=True, slots=True)
class CashIcSaleRequest(Reply):
    """A sale on a bank account, by chip card and PIN [현금IC 승인]."""

    lane: str
    amount: Amount
    reference: str | None = None
    allow_duplicate: bool = False

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> CashIcSaleRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            amount=Amount.from_wire(body["amount"]),
            reference=body.get("reference"),
            allow_duplicate=body.get("allow_duplicate", False),
        )


@dataclass(frozen=True, slots=True)
class CashIcRefundRequest(Reply):
    """Give back a cash-IC sale [현금IC 환불]. The card is read again."""

    lane: str
    original: OriginalPayment
    reference: str | None = None

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> CashIcRefundRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            original=OriginalPayment.from_wire(body["original"]),
            reference=body.get("reference"),
        )


@dataclass(frozen=True, slots=True)
class CashIcBalanceRequest(Reply):
    """Ask for an account's balance [현금IC 잔액조회]. Moves no money."""

    lane: str
    reference: str | None = None

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> CashIcBalanceRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            reference=body.get("reference"),
        )


@dataclass(frozen=True, slots=True)
class SimplePayRequest(Reply):
    """A sale by the QR code or barcode that a customer's wallet shows [간편결제]."""

    lane: str
    amount: Amount
    code: str | None = field(default=None, repr=False)
    """As the POS scanned it; left out: a reader scans it. Never kept."""
    installments: int = 0
    reference: str | None = None
    allow_duplicate: bool = False

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SimplePayRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            amount=Amount.from_wire(body["amount"]),
            code=body.get("code"),
            installments=body.get("installments", 0),
            reference=body.get("reference"),
            allow_duplicate=body.get("allow_duplicate", False),
        )


@dataclass(frozen=True, slots=True)
class MembershipRequest(Reply):
    """Read a membership card [멤버십]. No payment, and nothing is kept."""

    lane: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> MembershipRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
        )


@dataclass(frozen=True, slots=True)
class MembershipCard(Reply):
    """A membership card's number, for the POS alone."""

    number: str = field(repr=False)

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> MembershipCard:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            number=body["number"],
        )


@dataclass(frozen=True, slots=True)
class PaymentRef(Reply):
    """Names a payment: the lane, and the key its request carried."""

    lane: str
    request_id: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> PaymentRef:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            request_id=body["request_id"],
        )


@dataclass(frozen=True, slots=True)
class Confirmation(Reply):
    """The cashier's answer to `confirm_duplicate`."""

    lane: str
    request_id: str
    proceed: bool
    """False ends the payment as not paid."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Confirmation:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            request_id=body["request_id"],
            proceed=body["proceed"],
        )


class PosKey(OpenEnum):
    """A key at the POS [키보드 이벤트]."""

    ENTER = "enter"
    """Confirms what is asked."""
    ESC = "esc"
    """Says no to what is asked; where nothing is asked, it ends the payment."""


@dataclass(frozen=True, slots=True)
class KeyPress(Reply):
    """A key was pressed at the POS."""

    lane: str
    key: PosKey
    request_id: str | None = None
    """Only if it is this payment; left out: whichever the lane has under way."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> KeyPress:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            key=PosKey(body["key"]),
            request_id=body.get("request_id"),
        )


@dataclass(frozen=True, slots=True)
class WatchScreen(Reply):
    """Ask what a lane's screen is to show: answered as soon as it is something else than `seen`.

    Ask again at once: while somebody watches, a lane without a pad has its customers sign on the screen.
    """

    lane: str
    seen: str | None = None
    """Token of what the screen shows now; left out: it shows nothing."""
    wait_s: float = 20.0
    """Seconds after which it is answered although nothing has changed. 0: just a look, after which nobody watches.
    """

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> WatchScreen:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            seen=body.get("seen"),
            wait_s=body.get("wait_s", 20.0),
        )


@dataclass(frozen=True, slots=True)
class ScreenState(Reply):
    """ScreenState, as it crosses the wire."""

    lane: str
    prompt: ScreenPrompt | None = None
    """None: nothing; take away what was shown."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ScreenState:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            prompt=maybe(body.get("prompt"), ScreenPrompt.from_wire),
        )


@dataclass(frozen=True, slots=True)
class ScreenSignature(Reply):
    """The customer's signature. It becomes a picture of 128 x 64 pixels: a canvas of that shape looks best."""

    lane: str
    token: str
    strokes: tuple[tuple[int, ...], ...] = field(default=(), repr=False)
    """Each stroke is x, y, x, y, …, from the canvas's upper left corner; at most 2,048 points in all. Empty: the
    customer does not want to sign.
    """
    width: int = 128
    """Of the canvas, in the units of `strokes`."""
    height: int = 64

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ScreenSignature:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            token=body["token"],
            strokes=body.get("strokes", ()),
            width=body.get("width", 128),
            height=body.get("height", 64),
        )


@dataclass(frozen=True, slots=True)
class ScreenNumber(Reply):
    """The number that the customer keyed."""

    lane: str
    token: str
    number: str = field(default="", repr=False)
    """As many digits as the prompt allows. Empty: the customer does not want to."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ScreenNumber:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            token=body["token"],
            number=body.get("number", ""),
        )


@dataclass(frozen=True, slots=True)
class InsertedQuery(Reply):
    """Is a card inserted [카드 삽입 여부]?"""

    lane: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> InsertedQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
        )


@dataclass(frozen=True, slots=True)
class Slot(Reply):
    """One reader's card slot, by the reader's last word: readers tell every change."""

    device: str
    label: str
    inside: bool | None = None
    """None: the reader is not connected."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Slot:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=body["device"],
            label=body["label"],
            inside=body.get("inside"),
        )


@dataclass(frozen=True, slots=True)
class Slots(Reply):
    """The readers that the lane may use, and do not serve another lane now."""

    slots: tuple[Slot, ...]
    inserted: bool
    """A card is in one of them."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Slots:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            slots=many(body["slots"], Slot.from_wire),
            inserted=body["inserted"],
        )


@dataclass(frozen=True, slots=True)
class EjectCard(Reply):
    """Have the card taken out: a motor moves it out, other readers ask the customer."""

    lane: str
    wait_s: float = 30.0
    """How long it is waited for; then `card_timeout`."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> EjectCard:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            wait_s=body.get("wait_s", 30.0),
        )


@dataclass(frozen=True, slots=True)
class KeyNumber(Reply):
    """Have the customer key a number on the lane's pad or screen [핀패드 번호 입력]. Never a PIN: it is in clear."""

    lane: str
    min_digits: int = 1
    max_digits: int = 20
    lines: tuple[str, ...] = ()
    """What the pad shows; empty: 'enter the number', in the store's language."""
    wait_s: float = 30.0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> KeyNumber:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            min_digits=body.get("min_digits", 1),
            max_digits=body.get("max_digits", 20),
            lines=many(body.get("lines", ()), None),
            wait_s=body.get("wait_s", 30.0),
        )


@dataclass(frozen=True, slots=True)
class KeyedNumber(Reply):
    """What was keyed, for the POS alone. Nothing is kept."""

    number: str = field(repr=False)

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> KeyedNumber:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            number=body["number"],
        )


@dataclass(frozen=True, slots=True)
class ScanCode(Reply):
    """Have a reader scan a QR code or barcode."""

    lane: str
    wait_s: float = 30.0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ScanCode:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            wait_s=body.get("wait_s", 30.0),
        )


@dataclass(frozen=True, slots=True)
class ScannedCode(Reply):
    """What was scanned, for the POS alone. Nothing is kept."""

    code: str = field(repr=False)

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ScannedCode:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            code=body["code"],
        )


@dataclass(frozen=True, slots=True)
class ShowText(Reply):
    """Show a text on a pad, for so long; the pad is the lane's as long."""

    lane: str
    lines: tuple[str, ...]
    show_s: float = 5.0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ShowText:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            lines=many(body["lines"], None),
            show_s=body.get("show_s", 5.0),
        )


@dataclass(frozen=True, slots=True)
class LaneRef(Reply):
    """Names a lane."""

    lane: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> LaneRef:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
        )


@dataclass(frozen=True, slots=True)
class ExplainRequest(Reply):
    """Names a payment by its request id or by its own id; without either, the lane's last one."""

    lane: str | None = None
    """Left out: any lane. Only for a client that may act for every lane, and only with an id."""
    request_id: str | None = None
    payment_id: str | None = None

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ExplainRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body.get("lane"),
            request_id=body.get("request_id"),
            payment_id=body.get("payment_id"),
        )


class Share(OpenEnum):
    """Who did a step of a payment, or was waited for in it."""

    POS = "pos"
    CUSTOMER = "customer"
    READER = "reader"
    HOST = "host"
    DAEMON = "daemon"
    PERSON = "person"
    """Somebody of the store, by a command."""


@dataclass(frozen=True, slots=True)
class StoryStep(Reply):
    """One event of a payment, as the journal holds it."""

    number: int
    """In its lane's chain of events; a reader and a card that came together are two steps of one event."""
    at_ms: int
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

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> StoryStep:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            number=body["number"],
            at_ms=body["at_ms"],
            at=body["at"],
            offset_ms=body["offset_ms"],
            event=body["event"],
            share=Share(body["share"]),
            text=body["text"],
            state=maybe(body.get("state"), PaymentState),
            told=maybe(body.get("told"), Verdict),
            purged=body.get("purged", False),
        )


@dataclass(frozen=True, slots=True)
class Story(Reply):
    """One payment from its first event to its last."""

    payment: PaymentResult
    """As `payment.status` tells it."""
    steps: tuple[StoryStep, ...]
    left_out: int = 0
    """Steps in the middle that did not fit."""
    told: Verdict | None = None
    """What the POS was told last."""
    told_at_ms: int | None = None
    acknowledged_at_ms: int | None = None
    """When the POS said that it has the verdict on record."""
    reversal_tries: int = 0
    """Sendings of a reversal that nobody answered."""
    settled_by: str | None = None
    """Who settled it by hand, and what they noted."""
    settled_note: str | None = None
    complete: bool = True
    """False: the disk takes nothing now, so the last steps may be missing."""
    trace: str | None = None
    """The traceparent (W3C) under which it was made: the POS's trace id, else one that the gateway made. It joins
    the lines of all processes' logs about it.
    """

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Story:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            payment=PaymentResult.from_wire(body["payment"]),
            steps=many(body["steps"], StoryStep.from_wire),
            left_out=body.get("left_out", 0),
            told=maybe(body.get("told"), Verdict),
            told_at_ms=body.get("told_at_ms"),
            acknowledged_at_ms=body.get("acknowledged_at_ms"),
            reversal_tries=body.get("reversal_tries", 0),
            settled_by=body.get("settled_by"),
            settled_note=body.get("settled_note"),
            complete=body.get("complete", True),
            trace=body.get("trace"),
        )


class ReceiptCopy(OpenEnum):
    """For whom a receipt is printed."""

    CUSTOMER = "customer"
    MERCHANT = "merchant"


class Language(OpenEnum):
    """Of a receipt's text."""

    KO = "ko"
    EN = "en"


@dataclass(frozen=True, slots=True)
class ReceiptRequest(Reply):
    """Asks for the receipt of a payment that is PAID. Counts as one print of this copy."""

    lane: str
    request_id: str
    copy: ReceiptCopy = ReceiptCopy.CUSTOMER
    language: Language = Language.KO
    reprint: bool = False
    """The POS has printed this copy already, from the answer to its order."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ReceiptRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            request_id=body["request_id"],
            copy=ReceiptCopy(body.get("copy", ReceiptCopy.CUSTOMER)),
            language=Language(body.get("language", Language.KO)),
            reprint=body.get("reprint", False),
        )


@dataclass(frozen=True, slots=True)
class ReceiptMerchant(Reply):
    """The store, as a receipt names it."""

    id: str
    name: str
    business_number: str
    representative: str = ""
    address: str = ""
    tel: str = ""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ReceiptMerchant:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            id=body["id"],
            name=body["name"],
            business_number=body["business_number"],
            representative=body.get("representative", ""),
            address=body.get("address", ""),
            tel=body.get("tel", ""),
        )


@dataclass(frozen=True, slots=True)
class ReceiptAmounts(Reply):
    """What was paid, and of what it consists; all negative where money goes back."""

    total_minor: int
    supply_minor: int
    vat_minor: int = 0
    service_charge_minor: int = 0
    tax_free_minor: int = 0
    currency: str = "KRW"

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ReceiptAmounts:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            total_minor=body["total_minor"],
            supply_minor=body["supply_minor"],
            vat_minor=body.get("vat_minor", 0),
            service_charge_minor=body.get("service_charge_minor", 0),
            tax_free_minor=body.get("tax_free_minor", 0),
            currency=body.get("currency", "KRW"),
        )


@dataclass(frozen=True, slots=True)
class OriginalOnReceipt(Reply):
    """What a void takes back."""

    approval_code: str | None = None
    approved_on: str | None = None
    """Local date, YYYYMMDD."""
    request_id: str | None = None

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> OriginalOnReceipt:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            approval_code=body.get("approval_code"),
            approved_on=body.get("approved_on"),
            request_id=body.get("request_id"),
        )


@dataclass(frozen=True, slots=True)
class ReceiptSheet(Reply):
    """A receipt, as data and as lines of text."""

    lane: str
    request_id: str
    kind: PaymentKind
    copy: ReceiptCopy
    language: Language
    reprint: bool
    """This copy was printed before: the text says so."""
    prints: int
    """How often this copy has been asked for, this time included."""
    merchant: ReceiptMerchant
    terminal_id: str
    amounts: ReceiptAmounts
    approval_code: str
    approved_at: str
    """Local date and time, ISO 8601 with offset."""
    lines: tuple[str, ...]
    """42 columns wide at most, Hangul counting two."""
    installments: int = 0
    card: CardSummary | None = None
    purpose: str | None = None
    """Of a cash receipt."""
    original: OriginalOnReceipt | None = None
    reference: str | None = None
    voided_minor: int = 0
    """How much of it voids have given back."""
    emv: dict[str, str] = field(default_factory=dict)
    """EMV tags that a receipt prints: AID 84, label 50, TVR 95, TC 9F26."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ReceiptSheet:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            request_id=body["request_id"],
            kind=PaymentKind(body["kind"]),
            copy=ReceiptCopy(body["copy"]),
            language=Language(body["language"]),
            reprint=body["reprint"],
            prints=body["prints"],
            merchant=ReceiptMerchant.from_wire(body["merchant"]),
            terminal_id=body["terminal_id"],
            amounts=ReceiptAmounts.from_wire(body["amounts"]),
            approval_code=body["approval_code"],
            approved_at=body["approved_at"],
            lines=many(body["lines"], None),
            installments=body.get("installments", 0),
            card=maybe(body.get("card"), CardSummary.from_wire),
            purpose=body.get("purpose"),
            original=maybe(body.get("original"), OriginalOnReceipt.from_wire),
            reference=body.get("reference"),
            voided_minor=body.get("voided_minor", 0),
            emv=dict(body.get("emv", {})),
        )


@dataclass(frozen=True, slots=True)
class LaneQuery(Reply):
    """Asks about one lane, or about all."""

    lane: str | None = None
    """Left out: every lane. Only for a client that may act for every lane."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> LaneQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body.get("lane"),
        )


class UnacknowledgedPolicy(OpenEnum):
    """What becomes of a payment that no POS acknowledges."""

    KEEP = "keep"
    """It stays PAID, and is listed."""
    REVERSE = "reverse"
    """It is taken back, and turns NOT_PAID."""


@dataclass(frozen=True, slots=True)
class UnacknowledgedPayment(Reply):
    """A payment that is PAID, and whose POS has not said that it knows."""

    lane: str
    request_id: str
    payment_id: str
    kind: PaymentKind
    amount_minor: int
    since_ms: int
    """When its verdict was known."""
    policy: UnacknowledgedPolicy
    approval_code: str | None = None
    reference: str | None = None

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> UnacknowledgedPayment:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            request_id=body["request_id"],
            payment_id=body["payment_id"],
            kind=PaymentKind(body["kind"]),
            amount_minor=body["amount_minor"],
            since_ms=body["since_ms"],
            policy=UnacknowledgedPolicy(body["policy"]),
            approval_code=body.get("approval_code"),
            reference=body.get("reference"),
        )


@dataclass(frozen=True, slots=True)
class UnacknowledgedPayments(Reply):
    """Payments that no POS acknowledged in time, oldest first."""

    payments: tuple[UnacknowledgedPayment, ...]
    after_s: float
    """How long a POS has for it."""
    left_out: int = 0
    """Younger ones that did not fit."""
    total_minor: int = 0
    """Sum of all."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> UnacknowledgedPayments:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            payments=many(body["payments"], UnacknowledgedPayment.from_wire),
            after_s=body["after_s"],
            left_out=body.get("left_out", 0),
            total_minor=body.get("total_minor", 0),
        )


@dataclass(frozen=True, slots=True)
class OwedReversal(Reply):
    """A payment that must not stand and is not taken back yet."""

    lane: str
    request_id: str
    payment_id: str
    state: PaymentState
    """`unknown` and `reversing`: the daemon is at it. `needs_human`: it has given up."""
    kind: PaymentKind
    terminal_id: str
    host_profile: str
    amount_minor: int
    since_ms: int
    """When it became owed."""
    tries: int = 0
    """Sendings that nobody answered."""
    reason: Reason | None = None
    stan: str | None = None
    """Of the payment, as the host knows it."""
    reversal_stan: str | None = None
    business_day: str | None = None
    answer: str | None = None
    """DE 39 of the host's last answer to the reversal."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> OwedReversal:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            request_id=body["request_id"],
            payment_id=body["payment_id"],
            state=PaymentState(body["state"]),
            kind=PaymentKind(body["kind"]),
            terminal_id=body["terminal_id"],
            host_profile=body["host_profile"],
            amount_minor=body["amount_minor"],
            since_ms=body["since_ms"],
            tries=body.get("tries", 0),
            reason=maybe(body.get("reason"), Reason),
            stan=body.get("stan"),
            reversal_stan=body.get("reversal_stan"),
            business_day=body.get("business_day"),
            answer=body.get("answer"),
        )


@dataclass(frozen=True, slots=True)
class OwedReversals(Reply):
    """All reversals that are owed, oldest first."""

    reversals: tuple[OwedReversal, ...]
    left_out: int = 0
    """Younger ones that did not fit."""
    needs_human: int = 0
    """How many of all must be settled by hand."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> OwedReversals:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            reversals=many(body["reversals"], OwedReversal.from_wire),
            left_out=body.get("left_out", 0),
            needs_human=body.get("needs_human", 0),
        )


class SettledAs(OpenEnum):
    """What a person learned from the host about a payment that needs one."""

    REVERSED = "reversed"
    """The host has taken it back, or never had it: the customer is not charged."""
    STANDS = "stands"
    """The host has charged the customer. The POS was told NOT_PAID, and that stays; the books show the difference.
    """


@dataclass(frozen=True, slots=True)
class SettleRequest(Reply):
    """Settles a payment in state `needs_human`, once and for all."""

    lane: str
    request_id: str
    outcome: SettledAs
    note: str
    """Who at the host said so, for the journal. No card number: one is refused."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SettleRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            request_id=body["request_id"],
            outcome=SettledAs(body["outcome"]),
            note=body["note"],
        )


@dataclass(frozen=True, slots=True)
class DayQuery(Reply):
    """Asks about a business day."""

    business_day: str | None = None
    """YYYYMMDD; left out: the present one."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DayQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            business_day=body.get("business_day"),
        )


@dataclass(frozen=True, slots=True)
class TotalLine(Reply):
    """What one lane did of one kind: only what stands, or what was reversed."""

    lane: str
    terminal_id: str
    kind: PaymentKind
    reversed: bool
    """The line counts what was taken back, on the business day of its reversal; such payments count nowhere else.
    """
    count: int
    total_minor: int
    supply_minor: int
    vat_minor: int
    service_charge_minor: int
    tax_free_minor: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> TotalLine:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            terminal_id=body["terminal_id"],
            kind=PaymentKind(body["kind"]),
            reversed=body["reversed"],
            count=body["count"],
            total_minor=body["total_minor"],
            supply_minor=body["supply_minor"],
            vat_minor=body["vat_minor"],
            service_charge_minor=body["service_charge_minor"],
            tax_free_minor=body["tax_free_minor"],
        )


@dataclass(frozen=True, slots=True)
class LaneAcknowledgements(Reply):
    """What a lane's POS has put on record, beside what the daemon has."""

    lane: str
    approved_count: int
    approved_minor: int
    acknowledged_count: int
    acknowledged_minor: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> LaneAcknowledgements:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            approved_count=body["approved_count"],
            approved_minor=body["approved_minor"],
            acknowledged_count=body["acknowledged_count"],
            acknowledged_minor=body["acknowledged_minor"],
        )


@dataclass(frozen=True, slots=True)
class ListedPayment(Reply):
    """A payment that somebody should look at."""

    lane: str
    request_id: str
    payment_id: str
    terminal_id: str
    kind: PaymentKind
    state: PaymentState
    amount_minor: int
    created_ms: int
    business_day: str | None = None
    stan: str | None = None

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ListedPayment:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            request_id=body["request_id"],
            payment_id=body["payment_id"],
            terminal_id=body["terminal_id"],
            kind=PaymentKind(body["kind"]),
            state=PaymentState(body["state"]),
            amount_minor=body["amount_minor"],
            created_ms=body["created_ms"],
            business_day=body.get("business_day"),
            stan=body.get("stan"),
        )


@dataclass(frozen=True, slots=True)
class DayTotals(Reply):
    """A business day as the store's book has it now."""

    business_day: str
    host_profile: str
    at_ms: int
    lines: tuple[TotalLine, ...]
    acknowledgements: tuple[LaneAcknowledgements, ...]
    open: tuple[ListedPayment, ...] = ()
    """Without an end yet, of this day or earlier: they are carried over until they are settled."""
    open_left_out: int = 0
    unacknowledged: tuple[ListedPayment, ...] = ()
    """Approved, and no POS has said that it knows."""
    unacknowledged_left_out: int = 0
    settled_by_hand: tuple[ListedPayment, ...] = ()
    """A person has found that the host keeps the money: counted as sales, though the POS was told NOT PAID."""
    settled_by_hand_left_out: int = 0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DayTotals:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            business_day=body["business_day"],
            host_profile=body["host_profile"],
            at_ms=body["at_ms"],
            lines=many(body["lines"], TotalLine.from_wire),
            acknowledgements=many(body["acknowledgements"], LaneAcknowledgements.from_wire),
            open=many(body.get("open", ()), ListedPayment.from_wire),
            open_left_out=body.get("open_left_out", 0),
            unacknowledged=many(body.get("unacknowledged", ()), ListedPayment.from_wire),
            unacknowledged_left_out=body.get("unacknowledged_left_out", 0),
            settled_by_hand=many(body.get("settled_by_hand", ()), ListedPayment.from_wire),
            settled_by_hand_left_out=body.get("settled_by_hand_left_out", 0),
        )


class Balance(OpenEnum):
    """How a terminal's book compares with the host's."""

    BALANCED = "balanced"
    DIFFERENT = "different"
    NOT_COMPARED = "not_compared"
    """The host did not answer, or not so that it could be believed: close again later."""


@dataclass(frozen=True, slots=True)
class Difference(Reply):
    """One figure on which the two books differ."""

    figure: str
    """As HostTotals names it, e.g. `sales_minor`."""
    ours: int
    hosts: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Difference:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            figure=body["figure"],
            ours=body["ours"],
            hosts=body["hosts"],
        )


@dataclass(frozen=True, slots=True)
class TerminalBalance(Reply):
    """One terminal's day beside the host's book of it."""

    terminal_id: str
    balance: Balance
    detail: str | None = None
    """Why it could not be compared."""
    differences: tuple[Difference, ...] = ()
    suspects: tuple[str, ...] = ()
    """Request ids of payments that may explain the difference: open ones, and those that were settled by hand."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> TerminalBalance:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            terminal_id=body["terminal_id"],
            balance=Balance(body["balance"]),
            detail=body.get("detail"),
            differences=many(body.get("differences", ()), Difference.from_wire),
            suspects=many(body.get("suspects", ()), None),
        )


@dataclass(frozen=True, slots=True)
class StoreRestored(Reply):
    """The store was restored from a backup: what it did in between stands at the host and not in this journal."""

    backup_at_ms: int
    restored_at_ms: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> StoreRestored:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            backup_at_ms=body["backup_at_ms"],
            restored_at_ms=body["restored_at_ms"],
        )


@dataclass(frozen=True, slots=True)
class CloseReport(Reply):
    """What a close found. It is kept, and changes nothing about any payment."""

    number: int
    """Of the closes of that day, from 1."""
    balance: Balance
    """Of the whole: different if any terminal is, else not compared if any is not."""
    totals: DayTotals
    terminals: tuple[TerminalBalance, ...]
    purged_stubs: int = 0
    """Payments without a POS of which nothing but the verdict is kept now."""
    without_pos: tuple[TotalLine, ...] = ()
    """The part of the day's lines that such payments are: a later close of the day adds them from here."""
    restored: StoreRestored | None = None
    """The store was restored from a backup, and part of this business day lies in between."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> CloseReport:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            number=body["number"],
            balance=Balance(body["balance"]),
            totals=DayTotals.from_wire(body["totals"]),
            terminals=many(body["terminals"], TerminalBalance.from_wire),
            purged_stubs=body.get("purged_stubs", 0),
            without_pos=many(body.get("without_pos", ()), TotalLine.from_wire),
            restored=maybe(body.get("restored"), StoreRestored.from_wire),
        )


@dataclass(frozen=True, slots=True)
class CloseProgress(Reply):
    """One terminal has been compared."""

    text: str
    done: int
    of: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> CloseProgress:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            text=body["text"],
            done=body["done"],
            of=body["of"],
        )


@dataclass(frozen=True, slots=True)
class ReportQuery(Reply):
    """Asks for the report of a former close."""

    business_day: str | None = None
    """YYYYMMDD; left out: the day that was closed last."""
    number: int | None = None
    """Which close of that day, counted from 1; left out: its last."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ReportQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            business_day=body.get("business_day"),
            number=body.get("number"),
        )


@dataclass(frozen=True, slots=True)
class StandaloneQuery(Reply):
    """Ask on whose behalf a lane would take a payment without a POS."""

    lane: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> StandaloneQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
        )


@dataclass(frozen=True, slots=True)
class Merchant(Reply):
    """A merchant as the host knows it; receipts of this terminal show it."""

    terminal_id: str
    business_number: str
    name: str
    downloaded_at_ms: int
    representative: str = ""
    address: str = ""
    tel: str = ""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Merchant:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            terminal_id=body["terminal_id"],
            business_number=body["business_number"],
            name=body["name"],
            downloaded_at_ms=body["downloaded_at_ms"],
            representative=body.get("representative", ""),
            address=body.get("address", ""),
            tel=body.get("tel", ""),
        )


@dataclass(frozen=True, slots=True)
class StandaloneTerminal(Reply):
    """To be shown, and looked at, before the customer pays."""

    lane: str
    terminal_id: str
    merchant: Merchant

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> StandaloneTerminal:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            terminal_id=body["terminal_id"],
            merchant=Merchant.from_wire(body["merchant"]),
        )


@dataclass(frozen=True, slots=True)
class StandaloneSaleRequest(Reply):
    """A credit sale without a POS. Show the result, have its receipt printed, then acknowledge it."""

    lane: str
    """Whose terminal it is paid on; any reader of that lane takes the card."""
    amount: Amount
    installments: int = 0
    """Months; 0 is a lump sum [일시불], 1 does not exist."""
    allow_duplicate: bool = False
    """Do not ask if it looks like a payment that was just made."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> StandaloneSaleRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            amount=Amount.from_wire(body["amount"]),
            installments=body.get("installments", 0),
            allow_duplicate=body.get("allow_duplicate", False),
        )


@dataclass(frozen=True, slots=True)
class StandaloneCashReceiptRequest(Reply):
    """A cash receipt [현금영수증] without a POS."""

    lane: str
    amount: Amount
    purpose: CashReceiptPurpose
    identity: str | None = field(default=None, repr=False)
    """Phone, business or cash receipt card number; left out: a card is read. Never kept."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> StandaloneCashReceiptRequest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            amount=Amount.from_wire(body["amount"]),
            purpose=CashReceiptPurpose(body["purpose"]),
            identity=body.get("identity"),
        )


@dataclass(frozen=True, slots=True)
class OpenTerminals(Reply):
    """Register terminals with the host [개시요청], and stage those that it opened. 25 in all: the rest is refused."""

    business_number: str
    terminal_ids: tuple[str, ...]

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> OpenTerminals:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            business_number=body["business_number"],
            terminal_ids=many(body["terminal_ids"], None),
        )


@dataclass(frozen=True, slots=True)
class Opening(Reply):
    """What became of one opening."""

    terminal_id: str
    opened: bool
    text: str
    code: str | None = None
    """The host's response code, or the daemon's error code where the host did not answer."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Opening:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            terminal_id=body["terminal_id"],
            opened=body["opened"],
            text=body["text"],
            code=body.get("code"),
        )


@dataclass(frozen=True, slots=True)
class Terminal(Reply):
    """A terminal that the host has opened."""

    terminal_id: str
    business_number: str
    opened_at_ms: int
    sandbox: bool = False
    """Put on the list when the sandbox was made, without asking its host."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Terminal:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            terminal_id=body["terminal_id"],
            business_number=body["business_number"],
            opened_at_ms=body["opened_at_ms"],
            sandbox=body.get("sandbox", False),
        )


@dataclass(frozen=True, slots=True)
class StagedTerminals(Reply):
    """Changes that count only after `terminal.commit`; a restart drops them."""

    opened: tuple[Terminal, ...]
    deleted: tuple[str, ...]
    by: str
    """The client whose changes these are; others wait until it has committed or discarded them."""
    ends_in_ms: int
    """They are dropped after this time without a further change."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> StagedTerminals:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            opened=many(body["opened"], Terminal.from_wire),
            deleted=many(body["deleted"], None),
            by=body["by"],
            ends_in_ms=body["ends_in_ms"],
        )


@dataclass(frozen=True, slots=True)
class TerminalList(Reply):
    """The terminals of the host profile in use."""

    profile: str
    terminals: tuple[Terminal, ...]
    terminals_max: int
    fraud_cancel_prevention: bool
    """On: credit sales and voids of other terminals are refused."""
    refused: tuple[str, ...] = ()
    """Terminals of this store's lanes whose credit sales and voids are refused now."""
    staged: StagedTerminals | None = None

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> TerminalList:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            profile=body["profile"],
            terminals=many(body["terminals"], Terminal.from_wire),
            terminals_max=body["terminals_max"],
            fraud_cancel_prevention=body["fraud_cancel_prevention"],
            refused=many(body.get("refused", ()), None),
            staged=maybe(body.get("staged"), StagedTerminals.from_wire),
        )


@dataclass(frozen=True, slots=True)
class OpenedTerminals(Reply):
    """Each opening's end, and the list with what is staged now."""

    openings: tuple[Opening, ...]
    list: TerminalList
    warnings: tuple[str, ...] = ()
    """What looks wrong and was done all the same, such as a check digit that does not fit."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> OpenedTerminals:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            openings=many(body["openings"], Opening.from_wire),
            list=TerminalList.from_wire(body["list"]),
            warnings=many(body.get("warnings", ()), None),
        )


@dataclass(frozen=True, slots=True)
class DeleteTerminals(Reply):
    """Stage the deletion of open terminals [선택항목 삭제]; one that is only staged yet is dropped at once."""

    terminal_ids: tuple[str, ...]

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DeleteTerminals:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            terminal_ids=many(body["terminal_ids"], None),
        )


@dataclass(frozen=True, slots=True)
class DownloadMerchant(Reply):
    """Fetch what the host knows of the merchant behind a terminal [가맹점정보 다운로드], and keep it."""

    business_number: str
    terminal_id: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DownloadMerchant:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            business_number=body["business_number"],
            terminal_id=body["terminal_id"],
        )


@dataclass(frozen=True, slots=True)
class DownloadedMerchant(Reply):
    """The merchant, and what looks wrong about the request."""

    merchant: Merchant
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DownloadedMerchant:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            merchant=Merchant.from_wire(body["merchant"]),
            warnings=many(body.get("warnings", ()), None),
        )


@dataclass(frozen=True, slots=True)
class MerchantList(Reply):
    """Merchants that were downloaded under the host profile in use."""

    merchants: tuple[Merchant, ...]
    standalone: bool
    """Whether payments without a POS are enabled."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> MerchantList:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            merchants=many(body["merchants"], Merchant.from_wire),
            standalone=body["standalone"],
        )


@dataclass(frozen=True, slots=True)
class SetPrevention(Reply):
    """Switch fraud-cancel prevention [부정취소 방지]. Wrong passwords are counted, and lock it for growing times."""

    on: bool
    password: str = field(repr=False)

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SetPrevention:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            on=body["on"],
            password=body["password"],
        )


@dataclass(frozen=True, slots=True)
class SetPassword(Reply):
    """Set the settings password; the first one needs no old one."""

    new: str = field(repr=False)
    old: str | None = field(default=None, repr=False)

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SetPassword:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            new=body["new"],
            old=body.get("old"),
        )


@dataclass(frozen=True, slots=True)
class CardStateQuery(Reply):
    """CardStateQuery, as it crosses the wire."""

    device: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> CardStateQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=body["device"],
        )


@dataclass(frozen=True, slots=True)
class CardState(Reply):
    """Whether a card is in the slot, by the reader's last word (T31). Readers tell every change."""

    device: str
    inside: bool | None = None
    """None: the reader is not connected."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> CardState:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=body["device"],
            inside=body.get("inside"),
        )


@dataclass(frozen=True, slots=True)
class DevicesQuery(Reply):
    """List devices: from the first on, or those behind a name."""

    after: str | None = None
    """The `next` of the page before."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DevicesQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            after=body.get("after"),
        )


class DeviceState(OpenEnum):
    """A device's life in the pool."""

    ABSENT = "absent"
    """The port cannot be opened, or nobody answers on it [연결실패]."""
    STARTING = "starting"
    """Init, identification and self-test are under way."""
    READY = "ready"
    LEASED = "leased"
    QUARANTINE = "quarantine"
    """Not trusted with the next customer until init, drained input and 'no card'."""


class Ability(OpenEnum):
    """What a device can do (T5, T6)."""

    IC = "ic"
    STRIPE = "stripe"
    CONTACTLESS = "contactless"
    QR = "qr"
    SIGN = "sign"
    PIN = "pin"


class BarCause(OpenEnum):
    """Why a reader that works is lent to no payment."""

    KEY = "key"
    """Its key is missing, expired, or not the one that is known here."""
    INTEGRITY = "integrity"
    """Its self-test failed."""
    MAINTENANCE = "maintenance"
    """Somebody is at work on it."""
    FIRMWARE = "firmware"
    """Its firmware is being updated, or an update did not end well."""


@dataclass(frozen=True, slots=True)
class Bar(Reply):
    """A reader that is lent to no payment; other readers serve its lanes."""

    device: str
    cause: BarCause
    why: str
    """For a person, with the way out."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Bar:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=body["device"],
            cause=BarCause(body["cause"]),
            why=body["why"],
        )


@dataclass(frozen=True, slots=True)
class Device(Reply):
    """One reader or pad as the broker sees it now."""

    name: str
    label: str
    state: DeviceState
    driver: str
    port: str
    abilities: tuple[Ability, ...] = ()
    pool: str | None = None
    """The pool that it belongs to; None for a lane's own device."""
    lane: str | None = None
    """The lane whose own it is: no other may use it (T5)."""
    model: str | None = None
    serial_number: str | None = None
    firmware: str | None = None
    reader_id: str | None = None
    """The identity that its key is bound to (32 characters)."""
    key_check_value: str | None = None
    """Of the key that it holds, by its own word; None where it holds none, or does not tell."""
    detail: str | None = None
    """Why it is not ready, and what to do."""
    leased_to: str | None = None
    bars: tuple[Bar, ...] = ()
    """Why no payment gets it, however ready it is."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Device:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            name=body["name"],
            label=body["label"],
            state=DeviceState(body["state"]),
            driver=body["driver"],
            port=body["port"],
            abilities=many(body.get("abilities", ()), Ability),
            pool=body.get("pool"),
            lane=body.get("lane"),
            model=body.get("model"),
            serial_number=body.get("serial_number"),
            firmware=body.get("firmware"),
            reader_id=body.get("reader_id"),
            key_check_value=body.get("key_check_value"),
            detail=body.get("detail"),
            leased_to=body.get("leased_to"),
            bars=many(body.get("bars", ()), Bar.from_wire),
        )


@dataclass(frozen=True, slots=True)
class DeviceFault(Reply):
    """What is wrong in the settings of devices, pools and lanes, and the way out."""

    field: str
    """Where in config/device_broker.toml."""
    text: str
    lane: str | None = None
    """This lane is refused readers until it is mended."""
    device: str | None = None
    """This device is lent to nobody until it is mended."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DeviceFault:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            field=body["field"],
            text=body["text"],
            lane=body.get("lane"),
            device=body.get("device"),
        )


@dataclass(frozen=True, slots=True)
class DeviceList(Reply):
    """A page of all devices, in the order of their names: as many as a frame holds."""

    devices: tuple[Device, ...]
    queue_length: int
    faults: tuple[DeviceFault, ...] = ()
    """On the first page alone; the first ones, where there are more than a page has room for."""
    next: str | None = None
    """There are more: ask again with this as `after`. None on the last page."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DeviceList:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            devices=many(body["devices"], Device.from_wire),
            queue_length=body["queue_length"],
            faults=many(body.get("faults", ()), DeviceFault.from_wire),
            next=body.get("next"),
        )


@dataclass(frozen=True, slots=True)
class CheckFirmware(Reply):
    """Ask the vendors and the readers. Without device and port: all readers that are configured."""

    device: str | None = None
    port: str | None = None
    driver: str = "stx"
    baud: int = 0
    refresh: bool = True
    """Look for newer firmware now; false: by what is known."""
    after: str | None = None
    """For all readers: the `next` of the page before. Nothing is looked for again then."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> CheckFirmware:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=body.get("device"),
            port=body.get("port"),
            driver=body.get("driver", "stx"),
            baud=body.get("baud", 0),
            refresh=body.get("refresh", True),
            after=body.get("after"),
        )


class FirmwareVerdict(OpenEnum):
    """What is to be done about a reader's firmware."""

    NEWEST = "newest"
    """It has the newest that is offered for it; nothing is asked."""
    UPDATE = "update"
    """There is a newer one, and nothing has to be asked."""
    ASK_MODE = "ask_mode"
    """There is a newer one, and its communication mode has to be told first: `firmware.mode`."""
    REFUSED = "refused"
    """It cannot be updated; `text` says why, and the way out."""


@dataclass(frozen=True, slots=True)
class FirmwareStanding(Reply):
    """A reader, its firmware, and what there is for it."""

    port: str
    verdict: FirmwareVerdict
    text: str
    """For a person: what is to be done, or why not."""
    device: str | None = None
    model: str = ""
    serial_number: str = ""
    firmware: str = ""
    """The version that it has; BOOT: an update was cut off, and only its boot loader is left."""
    boot_loader: bool = False
    vendor: str = ""
    target: str = ""
    """The version that an update would bring."""
    size_bytes: int = 0
    reported_mode: str = ""
    """The communication mode by the reader's own word; empty: it tells none."""
    mode: str = ""
    """The one that is remembered for it, or the only one there is."""
    modes: tuple[str, ...] = ()
    """Those to choose from, where it has to be told."""
    notes: str = ""
    """The vendor's guidance for this version, and what to look at before."""
    notes_ko: str = ""
    updating: bool = False

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> FirmwareStanding:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            port=body["port"],
            verdict=FirmwareVerdict(body["verdict"]),
            text=body["text"],
            device=body.get("device"),
            model=body.get("model", ""),
            serial_number=body.get("serial_number", ""),
            firmware=body.get("firmware", ""),
            boot_loader=body.get("boot_loader", False),
            vendor=body.get("vendor", ""),
            target=body.get("target", ""),
            size_bytes=body.get("size_bytes", 0),
            reported_mode=body.get("reported_mode", ""),
            mode=body.get("mode", ""),
            modes=many(body.get("modes", ()), None),
            notes=body.get("notes", ""),
            notes_ko=body.get("notes_ko", ""),
            updating=body.get("updating", False),
        )


@dataclass(frozen=True, slots=True)
class OfferedFirmware(Reply):
    """One image that a vendor has signed."""

    vendor: str
    model: str
    mode: str
    version: str
    size_bytes: int
    min_daemon: str
    """The oldest tpayd that may bring it into a reader."""
    problem: str = ""
    """Why it cannot be used here; empty: it can."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> OfferedFirmware:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            vendor=body["vendor"],
            model=body["model"],
            mode=body["mode"],
            version=body["version"],
            size_bytes=body["size_bytes"],
            min_daemon=body["min_daemon"],
            problem=body.get("problem", ""),
        )


@dataclass(frozen=True, slots=True)
class FirmwareReport(Reply):
    """Readers in the order of their names: as many as a frame holds."""

    readers: tuple[FirmwareStanding, ...]
    offers: tuple[OfferedFirmware, ...] = ()
    """On the first page alone. Newest first for each model and mode; the first ones, as many as a page has room
    for.
    """
    problem: str = ""
    """Why the vendors could not be asked; what is told is what was known before."""
    next: str | None = None
    """There are more readers: ask again with this as `after`. None on the last page."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> FirmwareReport:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            readers=many(body["readers"], FirmwareStanding.from_wire),
            offers=many(body.get("offers", ()), OfferedFirmware.from_wire),
            problem=body.get("problem", ""),
            next=body.get("next"),
        )


@dataclass(frozen=True, slots=True)
class UpdateFirmware(Reply):
    """Bring a reader its newest firmware. Sent again while it runs, it joins the update under way."""

    device: str | None = None
    port: str | None = None
    driver: str = "stx"
    baud: int = 0
    version: str | None = None
    """This one instead of the newest."""
    again: bool = False
    """Also the version that it has already."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> UpdateFirmware:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=body.get("device"),
            port=body.get("port"),
            driver=body.get("driver", "stx"),
            baud=body.get("baud", 0),
            version=body.get("version"),
            again=body.get("again", False),
        )


@dataclass(frozen=True, slots=True)
class FirmwareResult(Reply):
    """An update that went well."""

    port: str
    model: str
    serial_number: str
    before: str
    after: str
    """By the reader's own word."""
    mode: str = ""
    device: str | None = None
    key_text: str = ""
    """What the key manager says of its key; empty: the reader is not configured, and has none here."""
    advice: str = ""
    """What to do now."""
    took_ms: int = 0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> FirmwareResult:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            port=body["port"],
            model=body["model"],
            serial_number=body["serial_number"],
            before=body["before"],
            after=body["after"],
            mode=body.get("mode", ""),
            device=body.get("device"),
            key_text=body.get("key_text", ""),
            advice=body.get("advice", ""),
            took_ms=body.get("took_ms", 0),
        )


class FirmwareStep(OpenEnum):
    """Where an update is."""

    WAITING = "waiting"
    """For the reader or the broker to come back."""
    FETCHING = "fetching"
    TRANSFERRING = "transferring"
    RESTARTING = "restarting"
    """The reader starts with its new firmware, and is identified and tested."""
    CHECKING = "checking"
    """Self-test and key are checked once more by the key manager."""
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FirmwareProgress(Reply):
    """FirmwareProgress, as it crosses the wire."""

    step: FirmwareStep
    text: str
    done_bytes: int = 0
    of_bytes: int = 0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> FirmwareProgress:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            step=FirmwareStep(body["step"]),
            text=body["text"],
            done_bytes=body.get("done_bytes", 0),
            of_bytes=body.get("of_bytes", 0),
        )


@dataclass(frozen=True, slots=True)
class SetFirmwareMode(Reply):
    """Tell a reader's communication mode, once. Firmware for another mode ends the reader for good."""

    mode: str
    confirm: bool = False
    """It was read off the reader, and asked for twice. Without it nothing is remembered, and the answer asks for
    it.
    """
    device: str | None = None
    """As in `WhichReader`, as is what follows."""
    port: str | None = None
    driver: str = "stx"
    baud: int = 0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SetFirmwareMode:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            mode=body["mode"],
            confirm=body.get("confirm", False),
            device=body.get("device"),
            port=body.get("port"),
            driver=body.get("driver", "stx"),
            baud=body.get("baud", 0),
        )


@dataclass(frozen=True, slots=True)
class FirmwareHistoryQuery(Reply):
    """FirmwareHistoryQuery, as it crosses the wire."""

    limit: int = 20

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> FirmwareHistoryQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            limit=body.get("limit", 20),
        )


class FirmwareOutcome(OpenEnum):
    """FirmwareOutcome, as it crosses the wire."""

    UPDATED = "updated"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FirmwareRecord(Reply):
    """One attempt."""

    at_ms: int
    model: str
    serial_number: str
    before: str
    after: str
    """The version that was wanted."""
    outcome: FirmwareOutcome
    device: str = ""
    mode: str = ""
    by: str = ""
    text: str = ""
    """Why it failed."""
    took_ms: int = 0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> FirmwareRecord:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            at_ms=body["at_ms"],
            model=body["model"],
            serial_number=body["serial_number"],
            before=body["before"],
            after=body["after"],
            outcome=FirmwareOutcome(body["outcome"]),
            device=body.get("device", ""),
            mode=body.get("mode", ""),
            by=body.get("by", ""),
            text=body.get("text", ""),
            took_ms=body.get("took_ms", 0),
        )


@dataclass(frozen=True, slots=True)
class FirmwareHistory(Reply):
    """Newest first."""

    records: tuple[FirmwareRecord, ...]

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> FirmwareHistory:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            records=many(body["records"], FirmwareRecord.from_wire),
        )


@dataclass(frozen=True, slots=True)
class DeviceQuery(Reply):
    """DeviceQuery, as it crosses the wire."""

    device: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DeviceQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=body["device"],
        )


@dataclass(frozen=True, slots=True)
class SelfTest(Reply):
    """What came of a reader's start, or of a test by hand: identification and self-test."""

    at_ms: int
    passed: bool
    code: str = ""
    """The reader's own fault code."""
    problem: str = ""
    """What is wrong and what to do."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SelfTest:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            at_ms=body["at_ms"],
            passed=body["passed"],
            code=body.get("code", ""),
            problem=body.get("problem", ""),
        )


@dataclass(frozen=True, slots=True)
class DeviceTrouble(Reply):
    """Why a device was not ready at some time."""

    at_ms: int
    text: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DeviceTrouble:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            at_ms=body["at_ms"],
            text=body["text"],
        )


@dataclass(frozen=True, slots=True)
class DeviceCount(Reply):
    """How often something happened since the daemon started."""

    what: str
    count: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DeviceCount:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            what=body["what"],
            count=body["count"],
        )


@dataclass(frozen=True, slots=True)
class DeviceReport(Reply):
    """All about one device."""

    device: Device
    since_ms: int
    """When it came into its present state."""
    where: str | None = None
    """Where its port was found: a path or a URL."""
    baud: int = 0
    key_loaded: bool | None = None
    """By the reader's own word, None before it was identified."""
    reported_abilities: tuple[Ability, ...] | None = None
    """What it says it can do; None where its protocol has no word for that."""
    lacking_abilities: tuple[Ability, ...] = ()
    """Configured, and not there by its own word: it is lent to nobody who needs one of these."""
    self_test: SelfTest | None = None
    troubles: tuple[DeviceTrouble, ...] = ()
    """The last ones, newest first."""
    counts: tuple[DeviceCount, ...] = ()

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DeviceReport:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=Device.from_wire(body["device"]),
            since_ms=body["since_ms"],
            where=body.get("where"),
            baud=body.get("baud", 0),
            key_loaded=body.get("key_loaded"),
            reported_abilities=some(body.get("reported_abilities"), Ability),
            lacking_abilities=many(body.get("lacking_abilities", ()), Ability),
            self_test=maybe(body.get("self_test"), SelfTest.from_wire),
            troubles=many(body.get("troubles", ()), DeviceTrouble.from_wire),
            counts=many(body.get("counts", ()), DeviceCount.from_wire),
        )


class DeviceTestStep(OpenEnum):
    """DeviceTestStep, as it crosses the wire."""

    WAITING = "waiting"
    """A payment uses the reader; the test begins when it is over."""
    TESTING = "testing"


@dataclass(frozen=True, slots=True)
class DeviceTestProgress(Reply):
    """DeviceTestProgress, as it crosses the wire."""

    step: DeviceTestStep
    text: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DeviceTestProgress:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            step=DeviceTestStep(body["step"]),
            text=body["text"],
        )


@dataclass(frozen=True, slots=True)
class ScanDevices(Reply):
    """Look for readers and pads on serial ports [장치 자동 검색]."""

    ports: tuple[str, ...] = ()
    """These ports and no others; empty: every serial port of the machine, and those of the setting `scan_ports`."""
    drivers: tuple[str, ...] = ()
    """These drivers and no others; empty: every driver that is installed."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ScanDevices:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            ports=many(body.get("ports", ()), None),
            drivers=many(body.get("drivers", ()), None),
        )


class PortState(OpenEnum):
    """What a search made of a port."""

    KNOWN = "known"
    """A configured device uses it; it was not touched."""
    FOUND = "found"
    SILENT = "silent"
    """Nobody answered to any driver at any speed."""
    IN_USE = "in_use"
    """Another program has it open."""
    FAILED = "failed"
    """It could not be opened."""
    NOT_REACHED = "not_reached"
    """The search was over before."""


@dataclass(frozen=True, slots=True)
class ScannedPort(Reply):
    """One port of a search."""

    port: str
    """The name to configure: one that survives replugging, where there is one."""
    path: str
    state: PortState
    device: str | None = None
    """The configured device at this port, or the one that was found here though it is configured elsewhere."""
    driver: str | None = None
    baud: int | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware: str | None = None
    abilities: tuple[Ability, ...] | None = None
    text: str | None = None
    """For a person: what is wrong, and the way out."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ScannedPort:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            port=body["port"],
            path=body["path"],
            state=PortState(body["state"]),
            device=body.get("device"),
            driver=body.get("driver"),
            baud=body.get("baud"),
            model=body.get("model"),
            serial_number=body.get("serial_number"),
            firmware=body.get("firmware"),
            abilities=some(body.get("abilities"), Ability),
            text=body.get("text"),
        )


@dataclass(frozen=True, slots=True)
class AssignDevice(Reply):
    """A device to be added or changed. What is left out stays as it is, or takes its default."""

    name: str
    port: str | None = None
    """Required for a new device."""
    driver: str | None = None
    label: str | None = None
    abilities: tuple[Ability, ...] | None = None
    baud: int | None = None
    serial_number: str | None = None
    """The reader at that port must report this one; empty: any."""
    model: str | None = None
    """The same for its model."""
    pool: str | None = None
    """Put it into this pool, and so out of every lane's own devices."""
    lane: str | None = None
    """Make it this lane's own, and so take it out of its pool and from other lanes."""
    sign_pad_for: tuple[str, ...] | None = None
    """The lanes whose customers sign there [서명패드로 사용], all of them."""
    number_pad_for: tuple[str, ...] | None = None
    """The lanes whose customers enter numbers there, all of them."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> AssignDevice:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            name=body["name"],
            port=body.get("port"),
            driver=body.get("driver"),
            label=body.get("label"),
            abilities=some(body.get("abilities"), Ability),
            baud=body.get("baud"),
            serial_number=body.get("serial_number"),
            model=body.get("model"),
            pool=body.get("pool"),
            lane=body.get("lane"),
            sign_pad_for=some(body.get("sign_pad_for"), None),
            number_pad_for=some(body.get("number_pad_for"), None),
        )


@dataclass(frozen=True, slots=True)
class ScanResult(Reply):
    """ScanResult, as it crosses the wire."""

    ports: tuple[ScannedPort, ...]
    proposal: tuple[AssignDevice, ...]
    """What `device.assign` would have to be told to use what was found; nothing has been changed yet."""
    complete: bool
    """False: the time was over before every port had been asked."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ScanResult:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            ports=many(body["ports"], ScannedPort.from_wire),
            proposal=many(body["proposal"], AssignDevice.from_wire),
            complete=body["complete"],
        )


@dataclass(frozen=True, slots=True)
class ScanProgress(Reply):
    """One port is asked now, in one driver's words at one speed."""

    port: str
    driver: str
    baud: int
    done: int
    of: int
    """Questions at most: a port that has answered is not asked again."""
    found: int = 0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ScanProgress:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            port=body["port"],
            driver=body["driver"],
            baud=body["baud"],
            done=body["done"],
            of=body["of"],
            found=body.get("found", 0),
        )


@dataclass(frozen=True, slots=True)
class AssignDevices(Reply):
    """All of these, or none. Readers that are lent are changed when their lease is over."""

    devices: tuple[AssignDevice, ...]
    dry_run: bool = False
    """Check and tell what would change; change nothing."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> AssignDevices:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            devices=many(body["devices"], AssignDevice.from_wire),
            dry_run=body.get("dry_run", False),
        )


@dataclass(frozen=True, slots=True)
class AssignedDevices(Reply):
    """AssignedDevices, as it crosses the wire."""

    changes: tuple[str, ...]
    """What has changed in config/device_broker.toml, one setting each; empty: it said so already."""
    devices: tuple[Device, ...]
    """As they stand now."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> AssignedDevices:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            changes=many(body["changes"], None),
            devices=many(body["devices"], Device.from_wire),
        )


@dataclass(frozen=True, slots=True)
class RemoveDevice(Reply):
    """Take a device out of the settings and out of use; one that is lent, when its lease is over."""

    device: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> RemoveDevice:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=body["device"],
        )


class LineState(OpenEnum):
    """LineState, as it crosses the wire."""

    DOWN = "down"
    CONNECTING = "connecting"
    SIGNING_ON = "signing_on"
    SIGNED_ON = "signed_on"


@dataclass(frozen=True, slots=True)
class Line(Reply):
    """Line, as it crosses the wire."""

    profile: str
    name: str
    state: LineState
    address: str
    detail: str | None = None
    in_flight: int = 0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Line:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            profile=body["profile"],
            name=body["name"],
            state=LineState(body["state"]),
            address=body["address"],
            detail=body.get("detail"),
            in_flight=body.get("in_flight", 0),
        )


@dataclass(frozen=True, slots=True)
class LineStatus(Reply):
    """LineStatus, as it crosses the wire."""

    profile: str
    lines: tuple[Line, ...]

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> LineStatus:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            profile=body["profile"],
            lines=many(body["lines"], Line.from_wire),
        )


@dataclass(frozen=True, slots=True)
class ExchangeReader(Reply):
    """Bring the data key from the host into a reader, mutually proven [키교환]."""

    device: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ExchangeReader:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=body["device"],
        )


class KeyUsage(OpenEnum):
    """KeyUsage, as it crosses the wire."""

    TERMINAL_MAC = "terminal_mac"
    """Seals a terminal's messages; encrypts what no reader has encrypted, under working keys of its own."""
    READER_DATA = "reader_data"


class KeyState(OpenEnum):
    """Two phases: a staged key is used by nobody until the reader (or the host) has confirmed it."""

    STAGED = "staged"
    CONFIRMED = "confirmed"
    ACTIVE = "active"
    EXPIRED = "expired"
    RETIRED = "retired"
    """Replaced; still checks and makes MACs of payments that began under it."""


@dataclass(frozen=True, slots=True)
class KeyInfo(Reply):
    """A key without the key."""

    key_id: str
    usage: KeyUsage
    owner: str
    """Terminal id, or the reader's identity."""
    profile: str
    state: KeyState
    check_value: str
    injected_at_ms: int | None = None
    expires_at_ms: int | None = None
    device: str | None = None
    days_left: int | None = None
    """Days until an active key expires, a begun one counted, by the time that keys expire by."""
    note: str = ""
    """What is wrong with it and what to do; empty where nothing is."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> KeyInfo:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            key_id=body["key_id"],
            usage=KeyUsage(body["usage"]),
            owner=body["owner"],
            profile=body["profile"],
            state=KeyState(body["state"]),
            check_value=body["check_value"],
            injected_at_ms=body.get("injected_at_ms"),
            expires_at_ms=body.get("expires_at_ms"),
            device=body.get("device"),
            days_left=body.get("days_left"),
            note=body.get("note", ""),
        )


@dataclass(frozen=True, slots=True)
class ExchangeProgress(Reply):
    """ExchangeProgress, as it crosses the wire."""

    step: str
    text: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ExchangeProgress:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            step=body["step"],
            text=body["text"],
        )


@dataclass(frozen=True, slots=True)
class ExchangeTerminal(Reply):
    """Bring a terminal's MAC key from the host into the key store."""

    terminal_id: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ExchangeTerminal:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            terminal_id=body["terminal_id"],
        )


@dataclass(frozen=True, slots=True)
class KeysQuery(Reply):
    """List keys: from the first on, or those behind a key's id."""

    after: str | None = None
    """The `next` of the page before."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> KeysQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            after=body.get("after"),
        )


@dataclass(frozen=True, slots=True)
class KeyTime(Reply):
    """The time that keys expire by. It follows the card host's MACed time, not the machine's clock."""

    now_ms: int
    from_host: bool
    """False: no answer of the host has told its time yet; it counts from the machine's clock at the founding."""
    machine_ahead_s: int | None = None
    """How far this machine's clock is ahead of it; negative: behind. Left out until an answer of the host has told
    its time since the key manager's start.
    """

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> KeyTime:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            now_ms=body["now_ms"],
            from_host=body["from_host"],
            machine_ahead_s=body.get("machine_ahead_s"),
        )


@dataclass(frozen=True, slots=True)
class KeyList(Reply):
    """A page of all keys, in the order of their ids: as many as a frame holds."""

    keys: tuple[KeyInfo, ...]
    time: KeyTime | None = None
    store_schema: int = 0
    """Of the key store: what another version of tpayd has to be able to read."""
    next: str | None = None
    """There are more: ask again with this as `after`. None on the last page."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> KeyList:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            keys=many(body["keys"], KeyInfo.from_wire),
            time=maybe(body.get("time"), KeyTime.from_wire),
            store_schema=body.get("store_schema", 0),
            next=body.get("next"),
        )


class CheckScope(OpenEnum):
    """What to check."""

    ALL = "all"
    FILES = "files"
    READERS = "readers"


@dataclass(frozen=True, slots=True)
class CheckIntegrity(Reply):
    """Check now: the files, the readers, or both. A reader in use is waited for a while, never disturbed."""

    scope: CheckScope = CheckScope.ALL
    device: str | None = None
    """With `readers`: this one alone."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> CheckIntegrity:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            scope=CheckScope(body.get("scope", CheckScope.ALL)),
            device=body.get("device"),
        )


class IntegrityState(OpenEnum):
    """Whether new payments may start, as far as the installed files are concerned."""

    CHECKING = "checking"
    """The first check since the start is under way: a new payment waits for it."""
    OK = "ok"
    FAILED = "failed"
    """No new payment; reversals, inquiries and reconciliation go on."""
    OFF = "off"
    """Not checked at all, by the settings: only in a sandbox."""


class FindingKind(OpenEnum):
    """What is wrong."""

    CHANGED = "changed"
    """A file differs from what was signed."""
    MISSING = "missing"
    UNLISTED = "unlisted"
    """A file that nobody signed: a module, a `.pth`, bytecode."""
    LINK = "link"
    """A symbolic link that nobody signed."""
    SPECIAL = "special"
    """Neither file nor directory."""
    UNREADABLE = "unreadable"
    MANIFEST = "manifest"
    """The signed list is missing or altered, or its signer is not trusted."""
    STARTED = "started"
    """The process was not started as `tpayd up` starts it, so it may have run what was never checked."""
    NOT_CHECKED = "not_checked"
    """The check itself did not come to an end; it is tried again."""
    SELF_TEST = "self_test"
    """A reader reports itself broken."""
    NO_ANSWER = "no_answer"
    """A reader is not there, or does not answer."""


@dataclass(frozen=True, slots=True)
class Finding(Reply):
    """One thing that is wrong."""

    kind: FindingKind
    text: str
    """For a person, with the way out."""
    path: str = ""
    """The file, relative to the installation."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Finding:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            kind=FindingKind(body["kind"]),
            text=body["text"],
            path=body.get("path", ""),
        )


@dataclass(frozen=True, slots=True)
class IntegrityResult(Reply):
    """One check of one subject."""

    at_ms: int
    """When it ended."""
    by: str
    """A client's name, or `start`, `daily`, `reconnect`, `retry`."""
    passed: bool
    device: str | None = None
    """The reader; none: the installed files."""
    findings: tuple[Finding, ...] = ()
    """The first ones."""
    found: int = 0
    """All of them."""
    files: int = 0
    """Files compared."""
    took_ms: int = 0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> IntegrityResult:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            at_ms=body["at_ms"],
            by=body["by"],
            passed=body["passed"],
            device=body.get("device"),
            findings=many(body.get("findings", ()), Finding.from_wire),
            found=body.get("found", 0),
            files=body.get("files", 0),
            took_ms=body.get("took_ms", 0),
        )


@dataclass(frozen=True, slots=True)
class IntegrityReport(Reply):
    """How it stands. Readers come in pages; of what was found, as much is told as has room."""

    state: IntegrityState
    detail: str = ""
    """Why it is not OK."""
    results: tuple[IntegrityResult, ...] = ()
    """Of the files: the last ten, newest first; on the first page alone."""
    readers: tuple[IntegrityResult, ...] = ()
    """The last of each reader, in the order of their names; with `device` the last ten of it, newest first."""
    signers: tuple[str, ...] = ()
    """Ids of the keys that signed what is installed."""
    version: str = ""
    """Of tpayd, as signed."""
    next_check_ms: int | None = None
    """When the daily check comes."""
    next: str | None = None
    """There are more readers: ask `integrity.status` with this as `after`. None on the last page."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> IntegrityReport:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            state=IntegrityState(body["state"]),
            detail=body.get("detail", ""),
            results=many(body.get("results", ()), IntegrityResult.from_wire),
            readers=many(body.get("readers", ()), IntegrityResult.from_wire),
            signers=many(body.get("signers", ()), None),
            version=body.get("version", ""),
            next_check_ms=body.get("next_check_ms"),
            next=body.get("next"),
        )


@dataclass(frozen=True, slots=True)
class IntegrityProgress(Reply):
    """How far it is."""

    text: str
    done: int = 0
    of: int = 0
    """0: not known."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> IntegrityProgress:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            text=body["text"],
            done=body.get("done", 0),
            of=body.get("of", 0),
        )


@dataclass(frozen=True, slots=True)
class IntegrityQuery(Reply):
    """How it stands, without a check."""

    device: str | None = None
    """Show all that is kept of this reader."""
    after: str | None = None
    """For all readers: the `next` of the page before."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> IntegrityQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=body.get("device"),
            after=body.get("after"),
        )


class ShipPriority(OpenEnum):
    """When a bundle is delivered."""

    NOW = "now"
    """At once, before all others."""
    LATER = "later"
    """In the quiet hours that `log_shipper.later_window` names."""


@dataclass(frozen=True, slots=True)
class ShipLogs(Reply):
    """Bundle the logs and deliver them. Answered when the bundle has left, is stopped, or the time is nearly up."""

    priority: ShipPriority = ShipPriority.NOW
    reason: str = ""
    """For the vendor, in a few words; it stands in the bundle."""
    since_ms: int | None = None
    """Only lines from this time on; none: all that is kept."""
    until_ms: int | None = None
    services: tuple[str, ...] = ()
    """Only the logs of these processes; none: of all."""
    wait: bool = True
    """False: answered as soon as the request is on disk; `logs.status` tells the rest."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ShipLogs:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            priority=ShipPriority(body.get("priority", ShipPriority.NOW)),
            reason=body.get("reason", ""),
            since_ms=body.get("since_ms"),
            until_ms=body.get("until_ms"),
            services=many(body.get("services", ()), None),
            wait=body.get("wait", True),
        )


class BundleState(OpenEnum):
    """How far a bundle is. `shipped`, `stopped` and `dropped` are ends."""

    ASKED = "asked"
    """The request is on disk; nothing is collected yet."""
    PACKED = "packed"
    """The bundle lies in the outbox and waits for its delivery, or for the next try."""
    SENDING = "sending"
    SHIPPED = "shipped"
    """The server has all of it, under its final name."""
    STOPPED = "stopped"
    """The proof found card data or a key in the logs; nothing has left. `detail` says in which file and line."""
    DROPPED = "dropped"
    """Given up: the outbox was over its quota, or the bundle too old."""


@dataclass(frozen=True, slots=True)
class Bundle(Reply):
    """One bundle."""

    id: str
    state: BundleState
    priority: ShipPriority
    asked_ms: int
    by: str = ""
    """The client that asked; `log_shipper` after a crash."""
    reason: str = ""
    name: str = ""
    """Its file's name, on the server as well."""
    size_bytes: int = 0
    sha256: str = ""
    """Of the file, in lower-case hex."""
    files: int = 0
    """Log files in it."""
    logs_bytes: int = 0
    """What they take in it, unpacked."""
    sent_bytes: int = 0
    tries: int = 0
    """To deliver it."""
    next_try_ms: int | None = None
    ended_ms: int | None = None
    """When it was shipped, stopped or dropped."""
    detail: str = ""
    """What went wrong last, and what to do about it."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Bundle:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            id=body["id"],
            state=BundleState(body["state"]),
            priority=ShipPriority(body["priority"]),
            asked_ms=body["asked_ms"],
            by=body.get("by", ""),
            reason=body.get("reason", ""),
            name=body.get("name", ""),
            size_bytes=body.get("size_bytes", 0),
            sha256=body.get("sha256", ""),
            files=body.get("files", 0),
            logs_bytes=body.get("logs_bytes", 0),
            sent_bytes=body.get("sent_bytes", 0),
            tries=body.get("tries", 0),
            next_try_ms=body.get("next_try_ms"),
            ended_ms=body.get("ended_ms"),
            detail=body.get("detail", ""),
        )


@dataclass(frozen=True, slots=True)
class ShipProgress(Reply):
    """How far it is."""

    state: BundleState
    text: str
    done_bytes: int = 0
    of_bytes: int = 0
    """0: not known."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ShipProgress:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            state=BundleState(body["state"]),
            text=body["text"],
            done_bytes=body.get("done_bytes", 0),
            of_bytes=body.get("of_bytes", 0),
        )


@dataclass(frozen=True, slots=True)
class LogUse(Reply):
    """The log files of one process, as they are kept on this machine (T22)."""

    service: str
    files: int
    size_bytes: int
    oldest_ms: int
    """When the oldest of them was last written to."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> LogUse:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            service=body["service"],
            files=body["files"],
            size_bytes=body["size_bytes"],
            oldest_ms=body["oldest_ms"],
        )


@dataclass(frozen=True, slots=True)
class LogsStatus(Reply):
    """What waits, what was shipped, and what is kept."""

    destination: str = ""
    """Without user and password; empty: none is set."""
    recipients: int = 0
    """Public keys that bundles are encrypted to; 0: none can be made."""
    open: tuple[Bundle, ...] = ()
    """Not ended, in the order in which they come."""
    ended: tuple[Bundle, ...] = ()
    """The last ones, newest first."""
    outbox_bytes: int = 0
    outbox_limit_bytes: int = 0
    last_success_ms: int | None = None
    logs: tuple[LogUse, ...] = ()
    problems: tuple[str, ...] = ()
    """What keeps logs from being shipped, each with its way out."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> LogsStatus:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            destination=body.get("destination", ""),
            recipients=body.get("recipients", 0),
            open=many(body.get("open", ()), Bundle.from_wire),
            ended=many(body.get("ended", ()), Bundle.from_wire),
            outbox_bytes=body.get("outbox_bytes", 0),
            outbox_limit_bytes=body.get("outbox_limit_bytes", 0),
            last_success_ms=body.get("last_success_ms"),
            logs=many(body.get("logs", ()), LogUse.from_wire),
            problems=many(body.get("problems", ()), None),
        )


@dataclass(frozen=True, slots=True)
class Subscribe(Reply):
    """Ask for events on this connection; the list replaces the one before. An empty list ends it."""

    topics: tuple[str, ...]

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Subscribe:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            topics=many(body["topics"], None),
        )


@dataclass(frozen=True, slots=True)
class Subscribed(Reply):
    """EVENTs carry `id` = sequence per connection, from `sequence` + 1 without a gap; a gap means: ask again."""

    topics: tuple[str, ...]
    sequence: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Subscribed:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            topics=many(body["topics"], None),
            sequence=body["sequence"],
        )


class Readiness(OpenEnum):
    """Readiness, as it crosses the wire."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    """It works, and something that it needs does not; `dependencies` says what."""
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Dependency(Reply):
    """Dependency, as it crosses the wire."""

    name: str
    ok: bool
    detail: str = ""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Dependency:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            name=body["name"],
            ok=body["ok"],
            detail=body.get("detail", ""),
        )


@dataclass(frozen=True, slots=True)
class Health(Reply):
    """Health, as it crosses the wire."""

    service: str
    readiness: Readiness
    version: str
    pid: int
    uptime_s: float
    loop_lag_ms: float
    """The longest recent delay of the event loop."""
    dependencies: tuple[Dependency, ...] = ()
    sandbox: bool = False
    """True where this process works against the sandbox: no real money moves."""
    profile: str | None = None
    """The host profile in force (T1)."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Health:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            service=body["service"],
            readiness=Readiness(body["readiness"]),
            version=body["version"],
            pid=body["pid"],
            uptime_s=body["uptime_s"],
            loop_lag_ms=body["loop_lag_ms"],
            dependencies=many(body.get("dependencies", ()), Dependency.from_wire),
            sandbox=body.get("sandbox", False),
            profile=body.get("profile"),
        )


@dataclass(frozen=True, slots=True)
class ClientOptions(Reply):
    """What a store tells its client programs [특수 기능(DLL 환경설정)]."""

    restart_when_down: bool
    """Whether a client module starts the daemon when it finds it down."""
    shared: bool
    """Whether several programs may use one lane."""
    client_keeps_focus: bool
    """Whether the client module keeps its window in front."""
    daemon_keeps_focus: bool
    """Whether the console keeps its window in front."""
    screen: str
    """Resolution that customer and cashier screens scale to, e.g. `1024x768`."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ClientOptions:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            restart_when_down=body["restart_when_down"],
            shared=body["shared"],
            client_keeps_focus=body["client_keeps_focus"],
            daemon_keeps_focus=body["daemon_keeps_focus"],
            screen=body["screen"],
        )


@dataclass(frozen=True, slots=True)
class StoreStatus(Reply):
    """The health of every process, as the gateway sees it, and what the store tells its clients."""

    services: tuple[Health, ...]
    missing: tuple[str, ...]
    """Processes on the way of a payment that do not answer."""
    options: ClientOptions | None = None
    operations_missing: tuple[str, ...] = ()
    """Processes that updates and logs need, and payments do not, that do not answer."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> StoreStatus:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            services=many(body["services"], Health.from_wire),
            missing=many(body["missing"], None),
            options=maybe(body.get("options"), ClientOptions.from_wire),
            operations_missing=many(body.get("operations_missing", ()), None),
        )


@dataclass(frozen=True, slots=True)
class SettingsQuery(Reply):
    """Ask for one file's settings."""

    file: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SettingsQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            file=body["file"],
        )


class SettingKind(OpenEnum):
    """What a value is."""

    SWITCH = "switch"
    """`true` or `false`."""
    WHOLE = "whole"
    """A whole number."""
    NUMBER = "number"
    TEXT = "text"
    CHOICE = "choice"
    """One of `choices`."""
    LIST = "list"
    TABLES = "tables"
    """A table, or a list of tables with a name each; one value in it is named `lanes.1.terminal_id`."""


class SettingGroup(OpenEnum):
    """Where the settings screen [환경설정] shows it."""

    SERVER = "server"
    """서버 접속 설정"""
    DEVICES = "devices"
    """장치"""
    SIGNATURE = "signature"
    """서명 이미지 저장 경로"""
    FUNCTIONS = "functions"
    """부가 기능 설정"""
    UPDATES = "updates"
    """업데이트 설정"""
    CLIENT = "client"
    """특수 기능(DLL 환경설정)"""
    STORE = "store"
    """The store itself: merchant and lanes."""
    OTHER = "other"
    """What the manual has not: for whoever runs the store."""


class Applies(OpenEnum):
    """When a change counts."""

    NOW = "now"
    RESTART = "restart"
    """When the services named in `restart` have been restarted."""


@dataclass(frozen=True, slots=True)
class Setting(Reply):
    """One setting."""

    path: str
    value: str
    """What the file says, or the default where it says nothing. Passwords in URLs read `***`."""
    kind: SettingKind
    group: SettingGroup
    applies: Applies
    en: str
    """What it is, in English."""
    ko: str
    """What it is, in Korean; in the manual's words where it has them."""
    default: str | None = None
    """None: it has none, and must stand in the file."""
    in_force: str | None = None
    """What the process runs with, where that is not what the file says."""
    unit: str = ""
    limits: str = ""
    """What is allowed, e.g. `1 to 3650`."""
    choices: tuple[str, ...] = ()
    needs_password: bool = False
    """Whether changing it needs the settings password."""
    way: str = ""
    """How it is changed where `settings.change` refuses it, e.g. `tpayd devices assign`."""
    row: str = ""
    """The row of docs/features.md that it belongs to."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Setting:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            path=body["path"],
            value=body["value"],
            kind=SettingKind(body["kind"]),
            group=SettingGroup(body["group"]),
            applies=Applies(body["applies"]),
            en=body["en"],
            ko=body["ko"],
            default=body.get("default"),
            in_force=body.get("in_force"),
            unit=body.get("unit", ""),
            limits=body.get("limits", ""),
            choices=many(body.get("choices", ()), None),
            needs_password=body.get("needs_password", False),
            way=body.get("way", ""),
            row=body.get("row", ""),
        )


@dataclass(frozen=True, slots=True)
class SettingsPage(Reply):
    """One file's settings, in its order."""

    file: str
    service: str
    """Who answers for it."""
    stamp: str
    restart: tuple[str, ...]
    """The services that must be restarted for what does not apply at once."""
    settings: tuple[Setting, ...]

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SettingsPage:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            file=body["file"],
            service=body["service"],
            stamp=body["stamp"],
            restart=many(body["restart"], None),
            settings=many(body["settings"], Setting.from_wire),
        )


@dataclass(frozen=True, slots=True)
class SettingChange(Reply):
    """One setting's new value."""

    path: str
    value: str | None = None
    """None: back to its default. Where a text is wanted, what is no TOML is taken as the text itself."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SettingChange:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            path=body["path"],
            value=body.get("value"),
        )


@dataclass(frozen=True, slots=True)
class ChangeSettings(Reply):
    """Change settings of one file: all of them, or none."""

    file: str
    changes: tuple[SettingChange, ...]
    expected: str | None = None
    """The stamp of the page that was looked at; another one in the file refuses the change (`settings_changed`)."""
    dry_run: bool = False
    password: str | None = field(default=None, repr=False)
    """The settings password, where a setting needs it."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ChangeSettings:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            file=body["file"],
            changes=many(body["changes"], SettingChange.from_wire),
            expected=body.get("expected"),
            dry_run=body.get("dry_run", False),
            password=body.get("password"),
        )


@dataclass(frozen=True, slots=True)
class AppliedChange(Reply):
    """What became of one setting."""

    path: str
    old: str
    """As TOML; empty: it did not stand in the file."""
    new: str
    applies: Applies = Applies.RESTART

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> AppliedChange:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            path=body["path"],
            old=body["old"],
            new=body["new"],
            applies=Applies(body.get("applies", Applies.RESTART)),
        )


@dataclass(frozen=True, slots=True)
class ChangedSettings(Reply):
    """What was changed, or would be."""

    file: str
    stamp: str
    changes: tuple[AppliedChange, ...] = ()
    """Empty: the file said so already. At most 64 of them, long values cut."""
    restart: tuple[str, ...] = ()
    """The services that must be restarted for all of it to count."""
    number: int | None = None
    """Of the version in the history; None if nothing was written."""
    dry_run: bool = False

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ChangedSettings:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            file=body["file"],
            stamp=body["stamp"],
            changes=many(body.get("changes", ()), AppliedChange.from_wire),
            restart=many(body.get("restart", ()), None),
            number=body.get("number"),
            dry_run=body.get("dry_run", False),
        )


@dataclass(frozen=True, slots=True)
class SettingsHistoryQuery(Reply):
    """Ask for the last versions of a file."""

    file: str
    limit: int = 20

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SettingsHistoryQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            file=body["file"],
            limit=body.get("limit", 20),
        )


@dataclass(frozen=True, slots=True)
class SettingsVersion(Reply):
    """One version of a file."""

    number: int
    at_ms: int
    by: str
    """A client's name; `by hand`: found in the file."""
    why: str
    changes: tuple[AppliedChange, ...]
    """At most 8 of them, long values cut."""
    in_force: bool
    """Whether the file reads so now."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SettingsVersion:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            number=body["number"],
            at_ms=body["at_ms"],
            by=body["by"],
            why=body["why"],
            changes=many(body["changes"], AppliedChange.from_wire),
            in_force=body["in_force"],
        )


@dataclass(frozen=True, slots=True)
class SettingsHistory(Reply):
    """Versions, newest first."""

    file: str
    versions: tuple[SettingsVersion, ...]

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SettingsHistory:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            file=body["file"],
            versions=many(body["versions"], SettingsVersion.from_wire),
        )


@dataclass(frozen=True, slots=True)
class RestoreSettings(Reply):
    """Put a version of the history back in place, comments and all."""

    file: str
    number: int
    expected: str | None = None
    dry_run: bool = False

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> RestoreSettings:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            file=body["file"],
            number=body["number"],
            expected=body.get("expected"),
            dry_run=body.get("dry_run", False),
        )


@dataclass(frozen=True, slots=True)
class ApplyPreset(Reply):
    """Set one file's part of a preset."""

    file: str
    preset: str = "recommended"
    """`recommended`: what the manual recommends; `printed`: the defaults that it prints."""
    expected: str | None = None
    dry_run: bool = False

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ApplyPreset:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            file=body["file"],
            preset=body.get("preset", "recommended"),
            expected=body.get("expected"),
            dry_run=body.get("dry_run", False),
        )


@dataclass(frozen=True, slots=True)
class Pending(Reply):
    """What should be over before processes are restarted, and must be before the host profile changes."""

    under_way: int
    """Payments without a verdict."""
    unsettled: int
    """Payments of which something is still to be done: under way, owed to a customer, or for a person to settle."""
    profile: str
    lanes: tuple[str, ...] = ()
    """Those with a payment under way."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Pending:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            under_way=body["under_way"],
            unsettled=body["unsettled"],
            profile=body["profile"],
            lanes=many(body.get("lanes", ()), None),
        )


@dataclass(frozen=True, slots=True)
class PoolQuery(Reply):
    """PoolQuery, as it crosses the wire."""

    pool: str | None = None
    """This pool alone; None: all of them, and the lanes' own readers."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> PoolQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            pool=body.get("pool"),
        )


@dataclass(frozen=True, slots=True)
class PoolStanding(Reply):
    """How many readers of a pool stand how."""

    name: str
    """Empty: the lanes' own readers, all together."""
    label: str
    ready: int = 0
    leased: int = 0
    away: int = 0
    """Absent, starting, or in quarantine."""
    barred: int = 0
    """Kept from payments, for their key, their self-test or maintenance; they are counted under their state as
    well.
    """
    queue: int = 0
    """Those who wait for one of its readers, some of them for others as well."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> PoolStanding:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            name=body["name"],
            label=body["label"],
            ready=body.get("ready", 0),
            leased=body.get("leased", 0),
            away=body.get("away", 0),
            barred=body.get("barred", 0),
            queue=body.get("queue", 0),
        )


@dataclass(frozen=True, slots=True)
class PoolFigures(Reply):
    """One pool, now and in the window."""

    standing: PoolStanding
    lease_mean_ms: int | None = None
    """How long one payment has a reader, of late; None before the first."""
    turns: int = 0
    given_up: int = 0
    """Wishes that ended without a reader: cancelled, or out of time."""
    wait_median_ms: int = 0
    wait_p95_ms: int = 0
    wait_longest_ms: int = 0
    fairness: float | None = None
    """Jain's index over the lanes' shares of turns, 1.0 is perfect (docs/devices.md); None where nobody has asked.
    """
    most_overtaken: int = 0
    """The most often that one lane got readers that another waited for, during one wait of that lane. Never above
    1.
    """

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> PoolFigures:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            standing=PoolStanding.from_wire(body["standing"]),
            lease_mean_ms=body.get("lease_mean_ms"),
            turns=body.get("turns", 0),
            given_up=body.get("given_up", 0),
            wait_median_ms=body.get("wait_median_ms", 0),
            wait_p95_ms=body.get("wait_p95_ms", 0),
            wait_longest_ms=body.get("wait_longest_ms", 0),
            fairness=body.get("fairness"),
            most_overtaken=body.get("most_overtaken", 0),
        )


@dataclass(frozen=True, slots=True)
class LaneTurns(Reply):
    """One lane in the window, over all pools that were asked for."""

    lane: str
    turns: int
    given_up: int
    passed_by: int
    """Turns that others got of readers that it waited for."""
    wait_median_ms: int
    wait_longest_ms: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> LaneTurns:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            lane=body["lane"],
            turns=body["turns"],
            given_up=body["given_up"],
            passed_by=body["passed_by"],
            wait_median_ms=body["wait_median_ms"],
            wait_longest_ms=body["wait_longest_ms"],
        )


@dataclass(frozen=True, slots=True)
class PoolStatus(Reply):
    """The pools, and the lanes that asked for readers in the window."""

    pools: tuple[PoolFigures, ...]
    lanes: tuple[LaneTurns, ...]
    window_ms: int
    """Turns and waits are of so long until now, and of the last few thousand turns at most."""
    queue_length: int
    fairness: float | None = None
    """Over all pools that were asked for."""
    most_overtaken: int = 0

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> PoolStatus:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            pools=many(body["pools"], PoolFigures.from_wire),
            lanes=many(body["lanes"], LaneTurns.from_wire),
            window_ms=body["window_ms"],
            queue_length=body["queue_length"],
            fairness=body.get("fairness"),
            most_overtaken=body.get("most_overtaken", 0),
        )


@dataclass(frozen=True, slots=True)
class Maintenance(Reply):
    """Keep a reader from payments while somebody works on it, or give it back. It survives a restart."""

    device: str
    on: bool
    reason: str = ""
    """Why, for whoever finds it so."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Maintenance:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=body["device"],
            on=body["on"],
            reason=body.get("reason", ""),
        )


class UpdateStep(OpenEnum):
    """Where the updater is."""

    IDLE = "idle"
    CHECKING = "checking"
    DOWNLOADING = "downloading"
    STAGING = "staging"
    """The release is being installed beside the running one."""
    STAGED = "staged"
    """Installed and examined; it is applied at the next occasion, or by hand."""
    WAITING = "waiting"
    """For the update window, or until no payment is under way."""
    SWITCHING = "switching"
    """The daemon is being restarted from the new release."""
    TRIAL = "trial"
    """The new release runs; if it is not healthy the old one comes back by itself."""


@dataclass(frozen=True, slots=True)
class ReleaseInfo(Reply):
    """One release, as its signed description tells it."""

    version: str
    published_at_ms: int
    size_bytes: int = 0
    """Of what is not here yet."""
    changelog: str = ""
    changelog_ko: str = ""
    problem: str = ""
    """Why it cannot be applied here; empty: it can."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ReleaseInfo:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            version=body["version"],
            published_at_ms=body["published_at_ms"],
            size_bytes=body.get("size_bytes", 0),
            changelog=body.get("changelog", ""),
            changelog_ko=body.get("changelog_ko", ""),
            problem=body.get("problem", ""),
        )


@dataclass(frozen=True, slots=True)
class UpdateNotice(Reply):
    """There is a newer version [업데이트 알림]; told at most once a day."""

    notice_id: str
    release: ReleaseInfo
    wait_s: float
    """How long an answer is waited for."""
    automatic: bool
    """What happens without one: true: the update begins; false: nothing."""
    at_ms: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> UpdateNotice:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            notice_id=body["notice_id"],
            release=ReleaseInfo.from_wire(body["release"]),
            wait_s=body["wait_s"],
            automatic=body["automatic"],
            at_ms=body["at_ms"],
        )


@dataclass(frozen=True, slots=True)
class UpdateStatus(Reply):
    """How it stands."""

    step: UpdateStep
    running: str
    """The version that runs."""
    text: str = ""
    """For a person: what is under way, what is waited for, or what went wrong last."""
    newest: ReleaseInfo | None = None
    """The newest release that was heard of; none: nothing newer than what runs."""
    staged: str = ""
    """The version that is installed beside the running one, if any."""
    checked_at_ms: int | None = None
    """When the releases were last asked for and heard."""
    window: str = ""
    """When releases are applied by themselves, e.g. `02:00-05:00`."""
    notice: UpdateNotice | None = None
    """The one that waits for an answer."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> UpdateStatus:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            step=UpdateStep(body["step"]),
            running=body["running"],
            text=body.get("text", ""),
            newest=maybe(body.get("newest"), ReleaseInfo.from_wire),
            staged=body.get("staged", ""),
            checked_at_ms=body.get("checked_at_ms"),
            window=body.get("window", ""),
            notice=maybe(body.get("notice"), UpdateNotice.from_wire),
        )


@dataclass(frozen=True, slots=True)
class UpdateProgress(Reply):
    """How far it is."""

    step: UpdateStep
    text: str
    done_bytes: int = 0
    of_bytes: int = 0
    """0: not known."""
    lanes: tuple[str, ...] = ()
    """Those whose payment is waited for."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> UpdateProgress:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            step=UpdateStep(body["step"]),
            text=body["text"],
            done_bytes=body.get("done_bytes", 0),
            of_bytes=body.get("of_bytes", 0),
            lanes=many(body.get("lanes", ()), None),
        )


@dataclass(frozen=True, slots=True)
class DownloadUpdate(Reply):
    """Fetch and verify a release, and install it beside the running one. What was fetched before is used again."""

    version: str = ""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DownloadUpdate:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            version=body.get("version", ""),
        )


@dataclass(frozen=True, slots=True)
class ApplyUpdate(Reply):
    """Go over to a release as soon as no payment is under way; fetches it first if need be."""

    version: str = ""
    now: bool = False
    """Also outside the update window."""
    wait_s: float = 300.0
    """How long payments under way are waited for; new ones are refused as `busy` only for the last moment."""
    again: bool = False
    """Also a release that was rolled back here before."""
    restart: bool = False
    """Where there is nothing newer: restart the daemon all the same."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ApplyUpdate:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            version=body.get("version", ""),
            now=body.get("now", False),
            wait_s=body.get("wait_s", 300.0),
            again=body.get("again", False),
            restart=body.get("restart", False),
        )


@dataclass(frozen=True, slots=True)
class UpdateHistoryQuery(Reply):
    """Ask for the last attempts."""

    limit: int = 20

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> UpdateHistoryQuery:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            limit=body.get("limit", 20),
        )


class UpdateOutcome(OpenEnum):
    """What became of an attempt."""

    STAGED = "staged"
    WITHDRAWN = "withdrawn"
    """It was not begun after all; the version before ran on."""
    TRIAL = "trial"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class UpdateRecord(Reply):
    """One attempt."""

    version: str
    outcome: UpdateOutcome
    at_ms: int
    before: str = ""
    """The version that ran before."""
    by: str = ""
    """A client's name, or `automatic`."""
    text: str = ""
    """Why, where it did not stay."""
    took_ms: int = 0
    """From the end of the old processes to the new ones' being ready, or back to the old ones' start."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> UpdateRecord:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            version=body["version"],
            outcome=UpdateOutcome(body["outcome"]),
            at_ms=body["at_ms"],
            before=body.get("before", ""),
            by=body.get("by", ""),
            text=body.get("text", ""),
            took_ms=body.get("took_ms", 0),
        )


@dataclass(frozen=True, slots=True)
class UpdateHistory(Reply):
    """Attempts, newest first."""

    records: tuple[UpdateRecord, ...]

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> UpdateHistory:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            records=many(body["records"], UpdateRecord.from_wire),
        )


class NoticeAnswer(OpenEnum):
    """What a person says to the notice."""

    UPDATE = "update"
    """업데이트"""
    LATER = "later"
    """취소, 닫기"""


@dataclass(frozen=True, slots=True)
class AnswerNotice(Reply):
    """Answer a notice that still waits."""

    notice_id: str
    answer: NoticeAnswer

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> AnswerNotice:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            notice_id=body["notice_id"],
            answer=NoticeAnswer(body["answer"]),
        )


@dataclass(frozen=True, slots=True)
class DeviceEvent(Reply):
    """A device changed its state (T9)."""

    device: Device
    at_ms: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> DeviceEvent:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            device=Device.from_wire(body["device"]),
            at_ms=body["at_ms"],
        )


@dataclass(frozen=True, slots=True)
class FirmwareEvent(Reply):
    """An update goes on; told at each step, and at each tenth of a transfer."""

    port: str
    progress: FirmwareProgress
    at_ms: int
    version: str
    device: str | None = None
    model: str = ""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> FirmwareEvent:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            port=body["port"],
            progress=FirmwareProgress.from_wire(body["progress"]),
            at_ms=body["at_ms"],
            version=body["version"],
            device=body.get("device"),
            model=body.get("model", ""),
        )


@dataclass(frozen=True, slots=True)
class LineEvent(Reply):
    """LineEvent, as it crosses the wire."""

    line: Line

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> LineEvent:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            line=Line.from_wire(body["line"]),
        )


@dataclass(frozen=True, slots=True)
class IntegrityEvent(Reply):
    """A check has ended."""

    state: IntegrityState
    result: IntegrityResult

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> IntegrityEvent:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            state=IntegrityState(body["state"]),
            result=IntegrityResult.from_wire(body["result"]),
        )


class KeyHappening(OpenEnum):
    """What an event is about."""

    EXPIRES_SOON = "expires_soon"
    """90, 30 and 7 days ahead (`warn_days`), each once."""
    EXPIRED = "expired"
    """New payments are refused from now on."""
    EXCHANGED = "exchanged"
    """A new key is in use."""
    EXCHANGE_FAILED = "exchange_failed"
    """The key before stays in force."""
    IN_DOUBT = "in_doubt"
    """The reader was given a new key and did not say whether it took it; it is asked. The key before stays in
    force.
    """


@dataclass(frozen=True, slots=True)
class KeyEvent(Reply):
    """Something happened to a key, or is about to. Never holds a key."""

    happened: KeyHappening
    usage: KeyUsage
    owner: str
    """Terminal id, or the reader's identity; the device's name where that is not known."""
    at_ms: int
    text: str
    """For a person, with the way out."""
    device: str | None = None
    key_id: str | None = None
    expires_at_ms: int | None = None
    days_left: int | None = None
    automatic: bool = False
    """Nobody ordered the exchange: it was due."""
    reason: str | None = None
    """With a failed exchange: a stable word (docs/keys.md)."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> KeyEvent:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            happened=KeyHappening(body["happened"]),
            usage=KeyUsage(body["usage"]),
            owner=body["owner"],
            at_ms=body["at_ms"],
            text=body["text"],
            device=body.get("device"),
            key_id=body.get("key_id"),
            expires_at_ms=body.get("expires_at_ms"),
            days_left=body.get("days_left"),
            automatic=body.get("automatic", False),
            reason=body.get("reason"),
        )


@dataclass(frozen=True, slots=True)
class LogsEvent(Reply):
    """A bundle has come further."""

    bundle: Bundle

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> LogsEvent:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            bundle=Bundle.from_wire(body["bundle"]),
        )


@dataclass(frozen=True, slots=True)
class PoolEvent(Reply):
    """Something has changed in the pools; told once a second at most."""

    pools: tuple[PoolStanding, ...]
    at_ms: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> PoolEvent:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            pools=many(body["pools"], PoolStanding.from_wire),
            at_ms=body["at_ms"],
        )


@dataclass(frozen=True, slots=True)
class UpdateEvent(Reply):
    """The updater's state has changed."""

    status: UpdateStatus

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> UpdateEvent:
        """Read a decoded map; raises KeyError, TypeError or ValueError where it does not fit."""
        return cls(
            status=UpdateStatus.from_wire(body["status"]),
        )


REPLIES: dict[str, type[Reply] | None] = {
    "ability.card": Slots,
    "ability.code": ScannedCode,
    "ability.eject": Slots,
    "ability.number": KeyedNumber,
    "ability.show": None,
    "business.close": CloseReport,
    "business.report": CloseReport,
    "business.totals": DayTotals,
    "cash_ic.balance": PaymentResult,
    "cash_ic.refund": PaymentResult,
    "cash_ic.sale": PaymentResult,
    "cash_receipt.issue": PaymentResult,
    "cash_receipt.void": PaymentResult,
    "device.assign": AssignedDevices,
    "device.card": CardState,
    "device.list": DeviceList,
    "device.maintenance": Device,
    "device.remove": AssignedDevices,
    "device.scan": ScanResult,
    "device.show": DeviceReport,
    "device.test": SelfTest,
    "events.subscribe": Subscribed,
    "firmware.check": FirmwareReport,
    "firmware.history": FirmwareHistory,
    "firmware.mode": FirmwareStanding,
    "firmware.update": FirmwareResult,
    "health.get": Health,
    "host.status": LineStatus,
    "integrity.check": IntegrityReport,
    "integrity.status": IntegrityReport,
    "key.exchange_reader": KeyInfo,
    "key.exchange_terminal": KeyInfo,
    "key.list": KeyList,
    "logs.ship": Bundle,
    "logs.status": LogsStatus,
    "membership.read": MembershipCard,
    "merchant.download": DownloadedMerchant,
    "merchant.list": MerchantList,
    "password.set": None,
    "payment.abort": PaymentResult,
    "payment.acknowledge": PaymentResult,
    "payment.confirm": PaymentResult,
    "payment.explain": Story,
    "payment.key": PaymentResult,
    "payment.last": PaymentResult,
    "payment.pending": Pending,
    "payment.receipt": ReceiptSheet,
    "payment.sale": PaymentResult,
    "payment.status": PaymentResult,
    "payment.unacknowledged": UnacknowledgedPayments,
    "payment.void": PaymentResult,
    "pool.status": PoolStatus,
    "prevention.set": TerminalList,
    "reversal.list": OwedReversals,
    "reversal.settle": PaymentResult,
    "screen.number": None,
    "screen.sign": None,
    "screen.watch": ScreenState,
    "settings.change": ChangedSettings,
    "settings.history": SettingsHistory,
    "settings.preset": ChangedSettings,
    "settings.restore": ChangedSettings,
    "settings.show": SettingsPage,
    "simple_pay.sale": PaymentResult,
    "standalone.cash_receipt": PaymentResult,
    "standalone.sale": PaymentResult,
    "standalone.show": StandaloneTerminal,
    "store.status": StoreStatus,
    "terminal.commit": TerminalList,
    "terminal.discard": TerminalList,
    "terminal.list": TerminalList,
    "terminal.open": OpenedTerminals,
    "terminal.stage_delete": TerminalList,
    "update.answer": UpdateStatus,
    "update.apply": UpdateStatus,
    "update.check": UpdateStatus,
    "update.download": UpdateStatus,
    "update.history": UpdateHistory,
    "update.status": UpdateStatus,
}
"""Operation → what answers it."""

EVENTS: dict[str, type[Reply]] = {
    "device.state": DeviceEvent,
    "firmware.state": FirmwareEvent,
    "host.line": LineEvent,
    "integrity.result": IntegrityEvent,
    "key.event": KeyEvent,
    "logs.shipped": LogsEvent,
    "pool.state": PoolEvent,
    "update.notice": UpdateNotice,
    "update.state": UpdateEvent,
}
"""Topic → what its events carry."""
