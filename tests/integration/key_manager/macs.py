"""A key store with a key in it, and a caller that uses counters of that key as fast as it may."""

from __future__ import annotations

import asyncio
import time

from tests.harness import Store
from tpayd.crypto.check_value import check_value
from tpayd.key_manager.places import provider_of, store_file
from tpayd.key_manager.records import KeyRecord, key_id_of
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.key_manager.store import KeyStore, Step
from tpayd.kit.bus import Caller, CallError
from tpayd_contracts.keys import DATA_ENCRYPT, EncryptData, EncryptedData, ExchangeMaced, KeyState, KeyUsage, Purpose

TERMINAL = "TPAY0001"
PROFILE = "test"
IKID = bytes.fromhex("1234567890123456")
IK = bytes.fromhex("1273671EA26AC29AFA4D1084127652A1")
KEY_ID = key_id_of(PROFILE, TERMINAL, IKID)
NEW_PAYMENT = ExchangeMaced(PROFILE, TERMINAL, Purpose.NEW_PAYMENT, b"head", b"tail", 1.0, KEY_ID)
REVERSAL = ExchangeMaced(PROFILE, TERMINAL, Purpose.SETTLE, b"head", b"tail", 1.0, KEY_ID)
_NUMBER = EncryptData(PROFILE, TERMINAL, Purpose.NEW_PAYMENT, b"01098765432")


def key_of(
    terminal_id: str, *, ikid: bytes = IKID, life_ms: int = 86_400_000, state: KeyState = KeyState.ACTIVE
) -> KeyRecord:
    """A terminal's key as an exchange would have left it just now."""
    now_ms = time.time_ns() // 1_000_000
    return KeyRecord(
        key_id=key_id_of(PROFILE, terminal_id, ikid), usage=KeyUsage.TERMINAL_MAC, owner=terminal_id, profile=PROFILE,
        state=state, version=1, ikid=ikid, check_value=check_value(IK), initial_key=IK, injected_at_ms=now_ms,
        expires_at_ms=now_ms + life_ms,
    )  # fmt: skip


def plant_keys(store: Store, *records: KeyRecord) -> None:
    """Put keys into the store of an instance whose key manager does not run."""
    keys = KeyStore.open(store_file(store.instance.data), provider_of(store.instance, KeyManagerSettings()))
    keys.load()
    keys.change(time.time_ns() // 1_000_000, *(Step("stage", record.key_id, record) for record in records))
    keys.close()


def plant_key(store: Store, life_ms: int = 86_400_000) -> None:
    """The key of `TERMINAL`."""
    plant_keys(store, key_of(TERMINAL, life_ms=life_ms))


async def take_until(stop: asyncio.Event, connection: Caller, taken: list[EncryptedData]) -> None:
    """Take one KSN after the other until told to stop; a key manager that is down is asked again.

    Numbers take their counters where MACs take theirs, and need no host to show them.
    """
    while not stop.is_set():
        try:
            taken.append(await connection.call(DATA_ENCRYPT, _NUMBER, ttl_s=2.0))
        except CallError:
            await asyncio.sleep(0.01)
