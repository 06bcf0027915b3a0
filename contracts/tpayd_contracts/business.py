"""The business day: its totals, and its close [마감], which compares the store's book with host and tills."""

from __future__ import annotations

import enum

from msgspec import Struct

from tpayd_contracts.money import Minor
from tpayd_contracts.operation import Op, Right
from tpayd_contracts.orders import Day
from tpayd_contracts.payment import PaymentKind, PaymentState
from tpayd_contracts.shapes import Count, Lane, Name, RequestId, TerminalId, UnixMs

__all__ = [
    "BUSINESS_OPS",
    "CLOSE",
    "LISTED_MAX",
    "REPORT",
    "TOTALS",
    "Balance",
    "CloseProgress",
    "CloseReport",
    "DayQuery",
    "DayTotals",
    "Difference",
    "LaneAcknowledgements",
    "ListedPayment",
    "ReportQuery",
    "TerminalBalance",
    "TotalLine",
]

LISTED_MAX = 100
"""Payments that one list of a report holds; how many more there are is said beside it."""


class DayQuery(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Asks about a business day."""

    business_day: Day | None = None
    """YYYYMMDD; left out: the present one."""


class ReportQuery(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Asks for the report of a former close."""

    business_day: Day | None = None
    """YYYYMMDD; left out: the day that was closed last."""
    number: Count | None = None
    """Which close of that day, counted from 1; left out: its last."""


class TotalLine(Struct, frozen=True):
    """What one lane did of one kind: only what stands, or what was reversed."""

    lane: Lane
    terminal_id: TerminalId
    kind: PaymentKind
    reversed: bool
    """The line counts what was taken back, on the business day of its reversal; such payments count nowhere else."""
    count: Count
    total_minor: Minor
    supply_minor: Minor
    vat_minor: Minor
    service_charge_minor: Minor
    tax_free_minor: Minor


class LaneAcknowledgements(Struct, frozen=True):
    """What a lane's POS has put on record, beside what the daemon has."""

    lane: Lane
    approved_count: Count
    approved_minor: Minor
    acknowledged_count: Count
    acknowledged_minor: Minor


class ListedPayment(Struct, frozen=True, omit_defaults=True):
    """A payment that somebody should look at."""

    lane: Lane
    request_id: RequestId
    payment_id: str
    terminal_id: TerminalId
    kind: PaymentKind
    state: PaymentState
    amount_minor: Minor
    created_ms: UnixMs
    business_day: str | None = None
    stan: str | None = None


class DayTotals(Struct, frozen=True, omit_defaults=True):
    """A business day as the store's book has it now."""

    business_day: str
    host_profile: Name
    at_ms: UnixMs
    lines: tuple[TotalLine, ...]
    acknowledgements: tuple[LaneAcknowledgements, ...]
    open: tuple[ListedPayment, ...] = ()
    """Without an end yet, of this day or earlier: they are carried over until they are settled."""
    open_left_out: Count = 0
    unacknowledged: tuple[ListedPayment, ...] = ()
    """Approved, and no POS has said that it knows."""
    unacknowledged_left_out: Count = 0
    settled_by_hand: tuple[ListedPayment, ...] = ()
    """A person has found that the host keeps the money: counted as sales, though the POS was told NOT PAID."""
    settled_by_hand_left_out: Count = 0


class Balance(enum.StrEnum):
    """How a terminal's book compares with the host's."""

    BALANCED = "balanced"
    DIFFERENT = "different"
    NOT_COMPARED = "not_compared"
    """The host did not answer, or not so that it could be believed: close again later."""


class Difference(Struct, frozen=True):
    """One figure on which the two books differ."""

    figure: str
    """As HostTotals names it, e.g. `sales_minor`."""
    ours: int
    hosts: int


class TerminalBalance(Struct, frozen=True, omit_defaults=True):
    """One terminal's day beside the host's book of it."""

    terminal_id: TerminalId
    balance: Balance
    detail: str | None = None
    """Why it could not be compared."""
    differences: tuple[Difference, ...] = ()
    suspects: tuple[RequestId, ...] = ()
    """Request ids of payments that may explain the difference: open ones, and those that were settled by hand."""


class StoreRestored(Struct, frozen=True):
    """The store was restored from a backup: what it did in between stands at the host and not in this journal."""

    backup_at_ms: UnixMs
    restored_at_ms: UnixMs


class CloseReport(Struct, frozen=True, omit_defaults=True):
    """What a close found. It is kept, and changes nothing about any payment."""

    number: Count
    """Of the closes of that day, from 1."""
    balance: Balance
    """Of the whole: different if any terminal is, else not compared if any is not."""
    totals: DayTotals
    terminals: tuple[TerminalBalance, ...]
    purged_stubs: Count = 0
    """Payments without a POS of which nothing but the verdict is kept now."""
    without_pos: tuple[TotalLine, ...] = ()
    """The part of the day's lines that such payments are: a later close of the day adds them from here."""
    restored: StoreRestored | None = None
    """The store was restored from a backup, and part of this business day lies in between."""


class CloseProgress(Struct, frozen=True):
    """One terminal has been compared."""

    text: str
    done: Count
    of: Count


TOTALS = Op("business.totals", DayQuery, DayTotals, right=Right.READ_ONLY)
CLOSE = Op("business.close", DayQuery, CloseReport, CloseProgress, Right.ADMIN)
"""Compares with the host, and keeps the report. May be repeated; open payments go on, and are carried over."""
REPORT = Op("business.report", ReportQuery, CloseReport, right=Right.READ_ONLY)
BUSINESS_OPS = (TOTALS, CLOSE, REPORT)
