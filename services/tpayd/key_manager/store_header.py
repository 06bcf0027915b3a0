"""What makes a file a key store: its tables, its number, and whether the provider's key is the one that made it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import msgspec

from tpayd.key_manager.audit import origin, sign_head
from tpayd.key_manager.database import transaction
from tpayd.key_manager.errors import PassphraseError, SealBrokenError, StoreError
from tpayd.key_manager.providers import KeyProvider, Sealing

__all__ = ["AUDIT_HEAD", "SCHEMA_VERSION", "founded", "opened", "put_header"]

SCHEMA_VERSION = 2
AUDIT_HEAD = "audit_head"
"""The one row of the header that changes."""

_TABLES = """
CREATE TABLE header (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE sealed (kind TEXT, id TEXT, version INTEGER NOT NULL, box BLOB NOT NULL, PRIMARY KEY (kind, id))
    WITHOUT ROWID;
CREATE TABLE audit (number INTEGER PRIMARY KEY, entry BLOB NOT NULL, mac BLOB NOT NULL);
"""
_CHECK = b"tpayd key store"


def founded(connection: sqlite3.Connection, provider: KeyProvider) -> tuple[Sealing, bytes]:
    """Make an empty file a new key store. Returns what it is sealed with, and its id. Raises StoreError."""
    kept, sealing = provider.create()
    store_id = os.urandom(16)
    with transaction(connection):
        # One by one: executescript would end the transaction.
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        put_header(connection, "schema", str(SCHEMA_VERSION).encode())
        put_header(connection, "store_id", store_id)
        put_header(connection, "provider", provider.name.encode())
        put_header(connection, "provider_kept", kept)
        put_header(connection, "check", sealing.seal(_CHECK, store_id))
        put_header(connection, AUDIT_HEAD, msgspec.msgpack.encode(sign_head(sealing, 0, origin(sealing, store_id))))
    return sealing, store_id


def opened(connection: sqlite3.Connection, provider: KeyProvider, path: Path) -> tuple[Sealing, bytes]:
    """What the store at `path` is sealed with, and its id.

    Raises:
        PassphraseError: the provider's key is not this store's, or cannot be had.
        StoreError: not a key store of this version.
    """
    header = dict(connection.execute("SELECT name, value FROM header").fetchall())
    try:
        schema = int(header["schema"])
        maker, kept = header["provider"].decode(), header["provider_kept"]
        store_id, check = header["store_id"], header["check"]
    except (KeyError, ValueError):
        raise StoreError(f"{path} is not a key store of this version, or its header was altered") from None
    if schema != SCHEMA_VERSION:
        raise StoreError(f"{path} has schema {schema}; this version of tpayd reads {SCHEMA_VERSION}")
    if maker != provider.name:
        text = f"{path} was made by the key provider {maker!r}; config/key_manager.toml names {provider.name!r}"
        raise PassphraseError(text)
    sealing = provider.unlock(kept)
    try:
        sealing.open(check, store_id)
    except SealBrokenError:
        text = f"the key of provider {maker!r} does not open {path}: it was made with another one"
        raise PassphraseError(text) from None
    return sealing, store_id


def put_header(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    """Write a row of the header, within a transaction."""
    connection.execute("INSERT OR REPLACE INTO header VALUES (?, ?)", (name, value))
