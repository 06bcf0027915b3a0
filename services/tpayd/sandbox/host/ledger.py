"""The host's ledger: every financial request as it was booked, durable before it is answered.

Bookings of one loop turn share one commit: while the disk works, the next requests pile up in the socket, so that
under load a sync serves many. Nothing is answered before `commit` has returned.

Rules:
1. A sale is booked once per terminal, business day and STAN. The same again is answered from the ledger; another
   sale under the same number is refused (94).
2. A reversal finds its sale by DE 90 (STAN, date and time) and makes the net 0, however often it comes.
3. A reversal without its sale is remembered: a sale that comes after it is refused (12).
No card number is kept: mask and token only.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from msgspec import Struct

from tpayd.hosts import Financial, Reversal
from tpayd.sandbox.host.cards import Card
from tpayd.sandbox.host.codes import Code
from tpayd_contracts.sandbox import LedgerEntry

__all__ = ["Booked", "Ledger", "approval_code", "open_database"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    number        INTEGER PRIMARY KEY,         -- entries are never deleted: no number comes twice
    terminal_id   TEXT NOT NULL,
    business_day  TEXT NOT NULL,
    stan          TEXT NOT NULL,
    sent          TEXT NOT NULL,               -- DE 7, MMDDhhmmss: names the sale in DE 90
    amount_minor  INTEGER NOT NULL,
    net_minor     INTEGER NOT NULL,
    response_code TEXT NOT NULL,
    masked_pan    TEXT NOT NULL,
    token         TEXT NOT NULL,
    reversed      INTEGER NOT NULL DEFAULT 0,
    -- The one index finds a reversal's sale too; with the STAN first, sales of one moment share a page to sync.
    UNIQUE (stan, terminal_id, business_day)
);
CREATE TABLE IF NOT EXISTS orphan (            -- reversals that came before their sale
    terminal_id   TEXT NOT NULL,
    stan          TEXT NOT NULL,
    sent          TEXT NOT NULL,
    PRIMARY KEY (terminal_id, stan, sent)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS issued_key (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    ikid          BLOB NOT NULL UNIQUE,
    role          TEXT NOT NULL,
    owner         TEXT NOT NULL,
    sequence      INTEGER NOT NULL
);
"""


class Booked(Struct, frozen=True):
    """What the ledger says of a sale."""

    number: int
    response_code: str
    fresh: bool
    """False: it was booked before, and is answered again."""


class Ledger:
    """Bookings in the open transaction; `commit` makes them durable."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.approvals, self.reversals = database.execute(
            "SELECT count(*) FILTER (WHERE response_code = '00'), count(*) FILTER (WHERE reversed) FROM entry"
        ).fetchone()
        self._has_orphans = bool(database.execute("SELECT EXISTS (SELECT 1 FROM orphan)").fetchone()[0])

    def book(self, sale: Financial, card: Card, code: str) -> Booked:
        """Book a sale that the host answers with `code`, or find it booked."""
        sent = sale.local[4:]
        too_late = self._orphaned(sale.terminal_id, sale.stan, sent)
        if too_late:
            code = Code.INVALID
        approved = code == Code.APPROVED
        inserted = self._database.execute(
            "INSERT INTO entry (terminal_id, business_day, stan, sent, amount_minor, net_minor, response_code,"
            " masked_pan, token, reversed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (
                sale.terminal_id, sale.business_day, sale.stan, sent, sale.total_minor,
                sale.total_minor if approved else 0, code, card.masked_pan, card.token, too_late,
            ),
        )  # fmt: skip
        if not inserted.rowcount:
            return self._booked_before(sale, card)
        assert inserted.lastrowid is not None  # noqa: S101 - an INSERT has a row id
        self.approvals += approved
        return Booked(inserted.lastrowid, code, fresh=True)

    def reverse(self, reversal: Reversal) -> Code:
        """Take a sale back, or remember that it must not count when it comes."""
        original = reversal.original
        key = (reversal.terminal_id, original.stan, (original.local or "")[4:])
        found = self._database.execute(
            "SELECT number, amount_minor, reversed FROM entry WHERE terminal_id = ? AND stan = ? AND sent = ?", key
        ).fetchone()
        if found is None:
            self._database.execute("INSERT OR IGNORE INTO orphan VALUES (?, ?, ?)", key)
            self._has_orphans = True
            return Code.ORIGINAL_NOT_FOUND
        number, amount_minor, is_reversed = found
        if amount_minor != reversal.amount_minor:
            return Code.INVALID_AMOUNT
        if not is_reversed:
            self._database.execute("UPDATE entry SET net_minor = 0, reversed = 1 WHERE number = ?", (number,))
            self.reversals += 1
        return Code.APPROVED

    def commit(self) -> None:
        """Make everything booked so far durable. Raises sqlite3.Error: then nothing of it happened."""
        try:
            self._database.commit()
        except sqlite3.Error:
            self._database.rollback()
            raise

    def entries(self, after: int, limit: int) -> tuple[LedgerEntry, ...]:
        """Entries with numbers above `after`, in order."""
        rows = self._database.execute(
            "SELECT number, terminal_id, stan, business_day, amount_minor, net_minor, response_code, masked_pan,"
            " reversed FROM entry WHERE number > ? ORDER BY number LIMIT ?",
            (after, limit),
        )
        return tuple(
            LedgerEntry(
                number=row[0], terminal_id=row[1], stan=row[2], business_day=row[3], amount_minor=row[4],
                net_minor=row[5], response_code=row[6], masked_pan=row[7], reversed=bool(row[8]),
                approval_code=approval_code(row[0]) if row[6] == Code.APPROVED else None,
            )
            for row in rows
        )  # fmt: skip

    def _booked_before(self, sale: Financial, card: Card) -> Booked:
        number, code, sent, amount_minor, token, is_reversed = self._database.execute(
            "SELECT number, response_code, sent, amount_minor, token, reversed FROM entry"
            " WHERE terminal_id = ? AND stan = ? AND business_day = ?",
            (sale.terminal_id, sale.stan, sale.business_day),
        ).fetchone()
        if (sent, amount_minor, token) != (sale.local[4:], sale.total_minor, card.token):
            return Booked(number, Code.DUPLICATE, fresh=False)
        return Booked(number, Code.INVALID if is_reversed else code, fresh=False)

    def _orphaned(self, terminal_id: str, stan: str, sent: str) -> bool:
        if not self._has_orphans:
            return False
        found = self._database.execute(
            "SELECT 1 FROM orphan WHERE terminal_id = ? AND stan = ? AND sent = ?", (terminal_id, stan, sent)
        ).fetchone()
        return found is not None


def approval_code(number: int) -> str:
    """DE 38: six digits, from the number of the booking."""
    return f"{number % 1_000_000:06d}"


def open_database(path: Path) -> sqlite3.Connection:
    """Open or make the ledger's file. Raises sqlite3.Error."""
    database = sqlite3.connect(path, isolation_level="DEFERRED")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.executescript(_SCHEMA)
    return database
