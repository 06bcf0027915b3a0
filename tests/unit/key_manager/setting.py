"""What the tests of the key manager share: a store in a directory, keys, and a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tpayd.crypto.check_value import check_value
from tpayd.key_manager.providers.passphrase import PassphraseProvider
from tpayd.key_manager.records import KeyRecord, key_id_of
from tpayd.key_manager.store import KeyStore, Step
from tpayd_contracts.keys import KeyState, KeyUsage

PASSPHRASE = b"a passphrase of many letters"
PROVIDER = PassphraseProvider(PASSPHRASE)
TERMINAL = "TPAY0001"
READER = "SANDBOX-READER-0000000000000001"
PROFILE = "test"
IK = bytes.fromhex("1273671EA26AC29AFA4D1084127652A1")
IKID = bytes.fromhex("1234567890123456")
NOW_MS = 1_800_000_000_000
LIFE_MS = 1095 * 86_400_000


def key(**changes: Any) -> KeyRecord:
    """An active terminal key, changed as told."""
    fields: dict[str, Any] = {
        "usage": KeyUsage.TERMINAL_MAC, "owner": TERMINAL, "profile": PROFILE, "state": KeyState.ACTIVE, "version": 1,
        "ikid": IKID, "check_value": check_value(IK), "initial_key": IK, "injected_at_ms": NOW_MS,
        "expires_at_ms": NOW_MS + LIFE_MS,
    } | changes  # fmt: skip
    return KeyRecord(key_id=key_id_of(fields["profile"], fields["owner"], fields["ikid"]), **fields)


def reader_key(**changes: Any) -> KeyRecord:
    """An active reader key, changed as told."""
    return key(**{"usage": KeyUsage.READER_DATA, "owner": READER, "initial_key": b"", "device": "reader-1"} | changes)


def make_store(path: Path, *records: KeyRecord) -> None:
    """A store with these keys, closed again."""
    store = KeyStore.open(path, PROVIDER)
    store.load()
    for record in records:
        store.change(NOW_MS, Step("stage", record.key_id, record))
    store.close()


def tamper(path: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    """Change the store's file behind its back."""
    connection = sqlite3.connect(path)
    change(connection)
    connection.commit()
    connection.close()
