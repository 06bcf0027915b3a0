"""Questions to the ledger: what a request names, what is on an account, what a terminal did on a day."""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from tpayd.hosts import HostTotals, Kind, Original
from tpayd.sandbox.host.codes import Code
from tpayd_contracts.sandbox import HostRequest, LedgerEntry

__all__ = ["OPENING_BALANCE_MINOR", "Found", "Lookups", "approval_code"]

OPENING_BALANCE_MINOR = 1_000_000_000
"""What is on every account of the sandbox before its first cash-IC sale."""

_CODES = 1_000_000
_SALES = (Kind.SALE, Kind.SIMPLE_PAY, Kind.CASH_IC_SALE)
_VOIDS = (Kind.VOID, Kind.SIMPLE_PAY_VOID, Kind.CASH_IC_REFUND)
_FOUND = (
    "SELECT number, kind, merchant_id, business_day, sent, amount_minor, response_code, masked_pan, token, reversed,"
    " voided_minor FROM entry WHERE "
)
_BY_NUMBER = _FOUND + "number = ?"
_BY_STAN = _FOUND + "terminal_id = ? AND stan = ? AND sent = ?"


class Found(Struct, frozen=True, kw_only=True):
    """A booking that another request names."""

    number: int
    kind: Kind
    merchant_id: str
    business_day: str
    sent: str
    amount_minor: int
    response_code: str
    masked_pan: str
    token: str
    reversed: bool
    voided_minor: int

    @property
    def stands(self) -> bool:
        """Approved, and not reversed since."""
        return self.response_code == Code.APPROVED and not self.reversed


class Lookups:
    """Reads; it never writes."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def find(self, original: Original, terminal_id: str) -> Found | None:
        """What a request of this terminal names: by STAN and time, or as its receipt shows it."""
        if original.stan is not None and original.local is not None:
            rows = self._rows(
                _BY_STAN,
                (original.terminal_id or terminal_id, original.stan, original.local[4:]),
            )
        else:
            rows = self._numbered(original.approval_code or "")
        return next((found for found in rows if _fits(original, found)), None)

    def balance_minor(self, token: str) -> int:
        """What is left on an account."""
        (spent,) = self._database.execute(
            "SELECT coalesce(sum(net_minor), 0) FROM entry WHERE token = ? AND kind LIKE 'cash_ic%'", (token,)
        ).fetchone()
        return OPENING_BALANCE_MINOR - int(spent)

    def totals(self, terminal_id: str, business_day: str) -> HostTotals:
        """The host's own totals of a terminal and a business day."""
        done = {
            Kind(kind): (count, minor)
            for kind, count, minor in self._database.execute(
                "SELECT kind, count(*), sum(amount_minor) FROM entry"
                " WHERE terminal_id = ? AND business_day = ? AND response_code = '00' AND NOT reversed GROUP BY kind",
                (terminal_id, business_day),
            )
        }
        sales, voids = _sum(done, _SALES), _sum(done, _VOIDS)
        receipts, receipt_voids = _sum(done, (Kind.CASH_RECEIPT,)), _sum(done, (Kind.CASH_RECEIPT_VOID,))
        reversals = self._database.execute(
            "SELECT count(*), coalesce(sum(amount_minor), 0) FROM entry WHERE terminal_id = ? AND reversed_day = ?",
            (terminal_id, business_day),
        ).fetchone()
        return HostTotals(
            sales_count=sales[0], sales_minor=sales[1], voids_count=voids[0], voids_minor=voids[1],
            reversals_count=reversals[0], reversals_minor=reversals[1], cash_receipts_count=receipts[0],
            cash_receipts_minor=receipts[1], cash_receipt_voids_count=receipt_voids[0],
            cash_receipt_voids_minor=receipt_voids[1],
        )  # fmt: skip

    def entries(self, after: int, limit: int) -> tuple[LedgerEntry, ...]:
        """Entries with numbers above `after`, in order."""
        rows = self._database.execute(
            "SELECT number, terminal_id, stan, business_day, amount_minor, net_minor, response_code, masked_pan,"
            " reversed, kind, original, voided_minor, detail FROM entry WHERE number > ? ORDER BY number LIMIT ?",
            (after, limit),
        )
        return tuple(
            LedgerEntry(
                number=row[0], terminal_id=row[1], stan=row[2], business_day=row[3], amount_minor=row[4],
                net_minor=row[5], response_code=row[6], masked_pan=row[7], reversed=bool(row[8]),
                kind=HostRequest(row[9]), original=row[10], voided_minor=row[11], detail=row[12],
                approval_code=approval_code(row[0]) if row[6] == Code.APPROVED else None,
            )
            for row in rows
        )  # fmt: skip

    def opened_terminals(self) -> int:
        """How many terminals have been opened."""
        (count,) = self._database.execute("SELECT count(*) FROM opened_terminal").fetchone()
        return int(count)

    def _numbered(self, code: str) -> list[Found]:
        """All bookings that have this approval code: each number that ends with its digits."""
        if not (code.isascii() and code.isdigit()):
            return []
        (last,) = self._database.execute("SELECT coalesce(max(number), 0) FROM entry").fetchone()
        numbers = range(int(code) or _CODES, last + 1, _CODES)
        return [found for number in numbers for found in self._rows(_BY_NUMBER, (number,))]

    def _rows(self, query: str, values: tuple[object, ...]) -> list[Found]:
        rows = self._database.execute(query, values)
        return [
            Found(
                number=row[0], kind=Kind(row[1]), merchant_id=row[2], business_day=row[3], sent=row[4],
                amount_minor=row[5], response_code=row[6], masked_pan=row[7], token=row[8], reversed=bool(row[9]),
                voided_minor=row[10],
            )
            for row in rows
        ]  # fmt: skip


def approval_code(number: int) -> str:
    """DE 38: six digits, from the number of the booking."""
    return f"{number % _CODES:06d}"


def _sum(done: dict[Kind, tuple[int, int]], kinds: tuple[Kind, ...]) -> tuple[int, int]:
    """Number and amount of all bookings of these kinds."""
    of_kinds = [done[kind] for kind in kinds if kind in done]
    return sum(count for count, _ in of_kinds), sum(minor for _, minor in of_kinds)


def _fits(original: Original, found: Found) -> bool:
    """Whether code and date are the booking's, as far as they are given. The date may be its business or local day."""
    if original.approval_code not in (None, approval_code(found.number)):
        return False
    day = original.business_day
    return day is None or day == found.business_day or day[4:] == found.sent[:4]
