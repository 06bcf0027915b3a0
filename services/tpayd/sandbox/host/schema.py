"""The ledger's file: its tables, and how it is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

__all__ = ["open_database"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    number        INTEGER PRIMARY KEY,         -- entries are never deleted: no number comes twice
    terminal_id   TEXT NOT NULL,
    business_day  TEXT NOT NULL,
    stan          TEXT NOT NULL,
    sent          TEXT NOT NULL,               -- DE 7, MMDDhhmmss: names the request in DE 90
    amount_minor  INTEGER NOT NULL,
    net_minor     INTEGER NOT NULL,
    response_code TEXT NOT NULL,
    masked_pan    TEXT NOT NULL,
    token         TEXT NOT NULL,
    reversed      INTEGER NOT NULL DEFAULT 0,
    kind          TEXT NOT NULL DEFAULT 'sale',
    merchant_id   TEXT NOT NULL DEFAULT '',
    original      INTEGER,                     -- of a void or refund: the number of what it takes back
    voided_minor  INTEGER NOT NULL DEFAULT 0,  -- by voids and refunds that stand
    reversed_day  TEXT,                        -- business day of the reversal that was answered 00
    detail        TEXT,
    -- The one index finds a reversal's original too; with the STAN first, requests of one moment share a page to sync.
    UNIQUE (stan, terminal_id, business_day)
);
CREATE TABLE IF NOT EXISTS orphan (            -- what a reversal or an inquiry named before it came
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
CREATE TABLE IF NOT EXISTS opened_terminal (
    terminal_id     TEXT NOT NULL PRIMARY KEY,
    business_number TEXT NOT NULL,
    local           TEXT NOT NULL              -- when it was opened last, YYYYMMDDhhmmss
) WITHOUT ROWID;
"""

_SINCE_THE_FIRST = {
    "kind": "TEXT NOT NULL DEFAULT 'sale'",
    "merchant_id": "TEXT NOT NULL DEFAULT ''",
    "original": "INTEGER",
    "voided_minor": "INTEGER NOT NULL DEFAULT 0",
    "reversed_day": "TEXT",
    "detail": "TEXT",
}
"""Columns that a ledger made by an earlier version does not have."""


def open_database(path: Path) -> sqlite3.Connection:
    """Open or make the ledger's file. Raises sqlite3.Error."""
    database = sqlite3.connect(path, isolation_level="DEFERRED")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.executescript(_SCHEMA)
    present = {row[1] for row in database.execute("PRAGMA table_info(entry)")}
    for column, definition in _SINCE_THE_FIRST.items():
        if column not in present:
            database.execute(f"ALTER TABLE entry ADD COLUMN {column} {definition}")
    # After the columns: an index of a column that is not there yet would fail.
    database.execute("CREATE INDEX IF NOT EXISTS account ON entry (token) WHERE kind LIKE 'cash_ic%'")
    database.commit()
    return database
