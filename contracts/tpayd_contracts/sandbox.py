"""Operations of the sandbox: virtual readers on ptys and a virtual card host. Never part of a live instance."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.operation import Empty, Op
from tpayd_contracts.shapes import END, Arc, Count, Name

__all__ = [
    "HOST_LEDGER",
    "HOST_SET",
    "HOST_STATUS",
    "READER_PRESENT",
    "READER_SET",
    "READER_STATUS",
    "HostBehaviour",
    "HostMode",
    "HostRequest",
    "HostStatus",
    "Keying",
    "Ledger",
    "LedgerEntry",
    "LedgerQuery",
    "LineFault",
    "Plug",
    "PresentCard",
    "ReaderList",
    "SetHost",
    "SetReader",
    "Signing",
    "VirtualReaderStatus",
]


class HostRequest(enum.StrEnum):
    """What the virtual host is asked: a kind of payment, or what else a behaviour can be ordered for."""

    SALE = "sale"
    VOID = "void"
    CASH_RECEIPT = "cash_receipt"
    CASH_RECEIPT_VOID = "cash_receipt_void"
    CASH_IC_SALE = "cash_ic_sale"
    CASH_IC_REFUND = "cash_ic_refund"
    CASH_IC_BALANCE = "cash_ic_balance"
    SIMPLE_PAY = "simple_pay"
    SIMPLE_PAY_VOID = "simple_pay_void"
    REVERSAL = "reversal"
    INQUIRY = "inquiry"
    RECONCILIATION = "reconciliation"
    OPEN_TERMINAL = "open_terminal"
    MERCHANT_DOWNLOAD = "merchant_download"
    TERMINAL_KEY = "terminal_key"
    READER_KEY = "reader_key"


class HostMode(enum.StrEnum):
    """What the virtual host does with a request."""

    APPROVE = "approve"
    DECLINE = "decline"
    SILENT = "silent"
    """Books it and says nothing."""
    DEAF = "deaf"
    """Neither books nor answers."""
    LATE = "late"
    TWICE = "twice"
    GARBLED = "garbled"
    SPLIT = "split"
    """The answer comes byte by byte."""
    HANG_UP = "hang_up"
    """Books it and closes the connection."""
    BAD_MAC = "bad_mac"


class HostBehaviour(Struct, frozen=True, omit_defaults=True):
    mode: HostMode = HostMode.APPROVE
    code: Arc = "51"
    """DE 39 of a decline."""
    delay_ms: Annotated[int, Meta(ge=0, le=120_000)] = 0
    times: Annotated[int, Meta(ge=0)] = 0
    """Return to `approve` after so many requests; 0: until changed."""
    only: HostRequest | None = None
    """For these requests alone; others are answered as they should be. Unless it is named here, an opening or a
    merchant download is answered as it should be, and only payments are declined."""


class SetHost(Struct, frozen=True, forbid_unknown_fields=True):
    behaviour: HostBehaviour


class HostStatus(Struct, frozen=True):
    behaviour: HostBehaviour
    address: str
    connections: int
    approvals: int
    """Requests of every kind that were approved; what was reversed since is among them."""
    reversals: int
    opened_terminals: int = 0


class LedgerQuery(Struct, frozen=True, forbid_unknown_fields=True):
    after: int = 0
    limit: Annotated[int, Meta(ge=1, le=200)] = 100


class LedgerEntry(Struct, frozen=True, omit_defaults=True):
    """One request as the host booked it."""

    number: int
    terminal_id: str
    stan: str
    business_day: str
    amount_minor: int
    net_minor: int
    """What the customer has paid in the end, or what a cash receipt still says: 0 if it was declined, reversed or
    wholly voided. A void's own is 0."""
    response_code: str
    masked_pan: str
    approval_code: str | None = None
    reversed: bool = False
    kind: HostRequest = HostRequest.SALE
    original: int | None = None
    """With a void or refund: the number of what it takes back."""
    voided_minor: int = 0
    """How much of it voids and refunds that stand have given back."""
    detail: str | None = None
    """UnionPay, the wallet's provider, a cash receipt's purpose, or the reason of its void."""


class Ledger(Struct, frozen=True):
    entries: tuple[LedgerEntry, ...]


class Plug(enum.StrEnum):
    IN = "in"
    OUT = "out"


class Signing(enum.StrEnum):
    """What the customer does when he is to sign."""

    SIGNS = "signs"
    REFUSES = "refuses"
    PULLS_CARD = "pulls_card"
    """Takes his card out instead."""
    WALKS_AWAY = "walks_away"


class Keying(enum.StrEnum):
    """What the customer does when he is to key a PIN or a number, or to choose."""

    RIGHT = "right"
    WRONG = "wrong"
    """Keys another PIN than his card's."""
    REFUSES = "refuses"
    WALKS_AWAY = "walks_away"


class LineFault(enum.StrEnum):
    """What becomes of the answers on a virtual reader's line."""

    NONE = "none"
    GARBAGE = "garbage"
    """As many bytes come, and they mean nothing."""
    DRIP = "drip"
    """They come byte by byte, and no frame is whole in time."""
    ENDLESS = "endless"
    """Instead of them a frame is begun that never ends: the line is never quiet again."""


class PresentCard(Struct, frozen=True, forbid_unknown_fields=True):
    """Put a card or wallet of the sandbox's list to a reader; it is taken at the next (or current) wait for one."""

    reader: Name
    card: Name


class SetReader(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    reader: Name
    plug: Plug | None = None
    auto_card: str | None = None
    """Cards and wallets, separated by commas: at each wait the first that fits is presented. Empty: none."""
    auto_delay_ms: Annotated[int, Meta(ge=0, le=60_000)] | None = None
    """How long the customer takes for each thing that is asked of him."""
    signing: Signing | None = None
    keying: Keying | None = None
    number: Annotated[str, Meta(pattern=rf"^[0-9]{{1,20}}{END}")] | None = None
    """What he keys where a number is wanted."""
    mute: bool | None = None
    """The reader hears everything and says nothing."""
    faulty: bool | None = None
    """Its self-test fails."""
    line: LineFault | None = None
    power_fails_at: Count | None = None
    """Once: the power goes, and the plug with it, when so many bytes of a firmware image would be there."""


class VirtualReaderStatus(Struct, frozen=True, omit_defaults=True):
    name: str
    port: str
    plugged: bool
    state: str
    key_loaded: bool
    auto_card: str | None = None
    signing: Signing = Signing.SIGNS
    keying: Keying = Keying.RIGHT
    mute: bool = False
    faulty: bool = False
    line: LineFault = LineFault.NONE
    firmware: str = ""
    """The version that it has; BOOT: an update was cut off."""


class ReaderList(Struct, frozen=True):
    readers: tuple[VirtualReaderStatus, ...]
    cards: tuple[str, ...]


HOST_SET = Op("sandbox.host_set", SetHost, HostStatus)
HOST_STATUS = Op("sandbox.host_status", Empty, HostStatus)
HOST_LEDGER = Op("sandbox.host_ledger", LedgerQuery, Ledger)
READER_PRESENT = Op("sandbox.present", PresentCard, ReaderList)
READER_SET = Op("sandbox.reader_set", SetReader, ReaderList)
READER_STATUS = Op("sandbox.reader_status", Empty, ReaderList)
