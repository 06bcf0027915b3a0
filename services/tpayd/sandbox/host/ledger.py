"""The host's ledger: every financial request as it was booked, durable before it is answered.

Bookings of one loop turn share one commit: while the disk works, the next requests pile up in the socket, so that
under load a sync serves many. Nothing is answered before `commit` has returned.

Rules:
1. A request is booked once per terminal, business day and STAN. The same again is answered from the ledger; another
   one under the same number is refused (94).
2. An approved void or refund lowers the net of its original; its own net is 0.
3. A reversal finds its original by DE 90 (STAN, date and time) and makes its net 0, however often it comes. The
   reversal of a void makes its original stand again.
4. What a reversal or an inquiry named in vain is remembered: a request that comes after it is refused (12).
No card number is kept: mask and token only.
"""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from tpayd.hosts import Financial, Kind, Original, Reversal
from tpayd.sandbox.host.cards import Card
from tpayd.sandbox.host.codes import Code
from tpayd.sandbox.host.lookups import Lookups, approval_code
from tpayd.sandbox.host.schema import open_database
from tpayd_contracts.orders import CardNetwork
from tpayd_contracts.sandbox import LedgerEntry

__all__ = ["Booked", "Ledger", "approval_code", "open_database"]

# To ask a member for its value takes five times as long, and each booking asks.
_KIND_NAMES = {kind: kind.value for kind in Kind}
_CREDIT = CardNetwork.CREDIT


class Booked(Struct, frozen=True):
    """What the ledger says of a request."""

    number: int
    response_code: str
    fresh: bool
    """False: it was booked before, and is answered again."""


class Ledger:
    """Bookings in the open transaction; `commit` makes them durable."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.lookups = Lookups(database)
        self.approvals, self.reversals = database.execute(
            "SELECT count(*) FILTER (WHERE response_code = '00'), count(reversed_day) FROM entry"
        ).fetchone()
        self._has_orphans = bool(database.execute("SELECT EXISTS (SELECT 1 FROM orphan)").fetchone()[0])

    def book(self, request: Financial, card: Card, code: str, original: int | None = None) -> Booked:
        """Book a request that the host answers with `code`, or find it booked. `original`: what it takes back."""
        sent, amount_minor = request.local[4:], request.total_minor
        too_late = self._orphaned(request.terminal_id, request.stan, sent)
        if too_late:
            code = Code.INVALID
        approved = code == Code.APPROVED
        inserted = self._database.execute(
            "INSERT INTO entry (terminal_id, business_day, stan, sent, amount_minor, net_minor, response_code,"
            " masked_pan, token, reversed, kind, merchant_id, original, detail)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                request.terminal_id, request.business_day, request.stan, sent, amount_minor,
                amount_minor if approved and original is None else 0,
                str(code), card.masked_pan, card.token, int(too_late),  # for others sqlite3 looks for an adapter first
                _KIND_NAMES[request.kind], request.merchant_id, original, _detail(request),
            ),
        )  # fmt: skip
        if not inserted.rowcount:
            return self._booked_before(request, card)
        assert inserted.lastrowid is not None  # noqa: S101 - an INSERT has a row id
        self.approvals += approved
        if approved and original is not None:
            self._void(original, amount_minor)
        return Booked(inserted.lastrowid, code, fresh=True)

    def reverse(self, reversal: Reversal) -> Code:
        """Take a request back, or remember that it must not count when it comes."""
        original = reversal.original
        found = self._database.execute(
            "SELECT number, kind, amount_minor, reversed_day, reversed, response_code, original FROM entry"
            " WHERE terminal_id = ? AND stan = ? AND sent = ?",
            _key(original, reversal.terminal_id),
        ).fetchone()
        if found is None:
            self.remember(original, reversal.terminal_id)
            return Code.ORIGINAL_NOT_FOUND
        number, kind, amount_minor, reversed_day, is_reversed, code, voided = found
        if kind != reversal.kind:
            return Code.INVALID
        if amount_minor != reversal.amount_minor:
            return Code.INVALID_AMOUNT
        if reversed_day is None:
            self._database.execute(
                "UPDATE entry SET net_minor = 0, reversed = 1, reversed_day = ? WHERE number = ?",
                (reversal.business_day, number),
            )
            self.reversals += 1
            if voided is not None and code == Code.APPROVED and not is_reversed:
                self._void(voided, -amount_minor)
        return Code.APPROVED

    def remember(self, original: Original, terminal_id: str) -> None:
        """Somebody was told that this request is not known: refuse it when it comes."""
        if original.stan is None:
            return
        self._database.execute("INSERT OR IGNORE INTO orphan VALUES (?, ?, ?)", _key(original, terminal_id))
        self._has_orphans = True

    def commit(self) -> None:
        """Make everything booked so far durable. Raises sqlite3.Error: then nothing of it happened."""
        try:
            self._database.commit()
        except sqlite3.Error:
            self._database.rollback()
            raise

    def entries(self, after: int, limit: int) -> tuple[LedgerEntry, ...]:
        """Entries with numbers above `after`, in order."""
        return self.lookups.entries(after, limit)

    def _void(self, number: int, amount_minor: int) -> None:
        """Less is left of this booking; with a negative amount more."""
        self._database.execute(
            "UPDATE entry SET voided_minor = voided_minor + :amount,"
            " net_minor = CASE WHEN reversed THEN 0 ELSE amount_minor - voided_minor - :amount END"
            " WHERE number = :number",
            {"amount": amount_minor, "number": number},
        )

    def _booked_before(self, request: Financial, card: Card) -> Booked:
        number, code, *booked, is_reversed = self._database.execute(
            "SELECT number, response_code, sent, amount_minor, token, kind, reversed FROM entry"
            " WHERE terminal_id = ? AND stan = ? AND business_day = ?",
            (request.terminal_id, request.stan, request.business_day),
        ).fetchone()
        if booked != [request.local[4:], request.total_minor, card.token, request.kind]:
            return Booked(number, Code.DUPLICATE, fresh=False)
        return Booked(number, Code.INVALID if is_reversed else code, fresh=False)

    def _orphaned(self, terminal_id: str, stan: str, sent: str) -> bool:
        if not self._has_orphans:
            return False
        found = self._database.execute(
            "SELECT 1 FROM orphan WHERE terminal_id = ? AND stan = ? AND sent = ?", (terminal_id, stan, sent)
        ).fetchone()
        return found is not None


def _key(original: Original, terminal_id: str) -> tuple[str, str, str]:
    return original.terminal_id or terminal_id, original.stan or "", (original.local or "")[4:]


def _detail(request: Financial) -> str | None:
    """What else tells one request of its kind from another."""
    if request.network is not _CREDIT:
        return request.network.value
    return request.provider or request.purpose or request.void_reason
