"""Tables of the journal. Portable SQL: the same on SQLite and PostgreSQL.

`events` is append-only, in the order of writing. A row's payload may be purged later: the chain is over the payloads'
hashes, so it still verifies. `previous` is empty since schema 0005: it is the hash of the lane's event before.
`payments` holds the last value of each payment beside it, and `chains` the end of each lane's chain with the payment
that it began last, written in the same transaction.

A sync costs by the page, and each index is one more page for every lane in a commit. So events have none: a payment's
are found between its `first_position` and its `last_position`. Only payments that a starting process has to look at
are indexed, as `open`: those without an end, and those whose end the POS has not acknowledged (`indexes`).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
)

__all__ = [
    "SCHEMA_VERSION",
    "VERSION_TABLE",
    "about",
    "chains",
    "closes",
    "events",
    "may_have_key",
    "metadata",
    "payments",
    "stan_blocks",
]

SCHEMA_VERSION = "0005"
"""The newest migration in `migrations/versions`."""
VERSION_TABLE = "journal_version"
"""Holds the journal's schema. Not by Alembic's usual name: the database may hold other things."""

metadata = MetaData()

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""SQLite keeps rows in the order of a key of exactly this type."""

about = Table(
    "about",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", String(128), nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("position", _NUMBER, primary_key=True, autoincrement=False),
    Column("lane", String(16), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("payment_id", String(36), nullable=False),
    Column("event", String(24), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=True),
    Column("payload_hash", LargeBinary(32), nullable=False),
    Column("previous", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)

chains = Table(
    "chains",
    metadata,
    Column("lane", String(16), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("newest", String(36), nullable=True),
)

payments = Table(
    "payments",
    metadata,
    Column("lane", String(16), nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("payment_id", String(36), nullable=False),
    Column("first_position", BigInteger, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("open", Boolean, nullable=False),
    Column("profile", String(16), nullable=False),
    Column("terminal_id", String(8), nullable=False),
    Column("business_day", String(8), nullable=True),
    Column("stan", String(6), nullable=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("record", LargeBinary, nullable=False),
    # Ids that carry their time are appended at one end, whatever their lane: with the lane first, each lane has an end
    # of its own, and a commit of many lanes touches as many pages (docs/adr/0035).
    PrimaryKeyConstraint("request_id", "lane"),
)

stan_blocks = Table(
    "stan_blocks",
    metadata,
    Column("profile", String(16), primary_key=True),
    Column("terminal_id", String(8), primary_key=True),
    Column("reserved_to", Integer, nullable=False),
)

closes = Table(
    "closes",
    metadata,
    Column("profile", String(16), primary_key=True),
    Column("business_day", String(8), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("report", LargeBinary, nullable=False),
)


def may_have_key(keys: Collection[tuple[str, str]]) -> ColumnElement[bool]:
    """Whether a row of `payments` may be one of these, by lane and request id.

    True of too many where lanes share request ids: the caller takes out his own. Asked for pairs, SQLite would look at
    all payments that ever were; asked for lanes as well, for each request id in each of them.
    """
    return payments.c.request_id.in_([request_id for _, request_id in keys])
