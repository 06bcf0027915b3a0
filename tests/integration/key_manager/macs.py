"""A key store with a key in it, and a caller that asks for MACs as fast as it may."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import structlog
import zmq

from tests.harness import Store
from tpayd.crypto.check_value import check_value
from tpayd.key_manager.places import provider_of, store_file
from tpayd.key_manager.records import KeyRecord, key_id_of
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.key_manager.store import KeyStore, Step
from tpayd.kit.bus import Caller, CallError
from tpayd.kit.clock import SystemClock
from tpayd_contracts.keys import MAC_GENERATE, GeneratedMac, GenerateMac, KeyState, KeyUsage, Purpose

TERMINAL = "TPAY0001"
PROFILE = "test"
IKID = bytes.fromhex("1234567890123456")
IK = bytes.fromhex("1273671EA26AC29AFA4D1084127652A1")
REQUEST = GenerateMac(PROFILE, TERMINAL, Purpose.NEW_PAYMENT, b"head" * 40, b"tail" * 20)


def plant_key(store: Store, life_ms: int = 86_400_000) -> None:
    """Put an active terminal key into the store of an instance whose key manager does not run."""
    key_id = key_id_of(PROFILE, TERMINAL, IKID)
    now_ms = time.time_ns() // 1_000_000
    record = KeyRecord(
        key_id=key_id, usage=KeyUsage.TERMINAL_MAC, owner=TERMINAL, profile=PROFILE, state=KeyState.ACTIVE, version=1,
        ikid=IKID, check_value=check_value(IK), initial_key=IK, injected_at_ms=now_ms, expires_at_ms=now_ms + life_ms,
    )  # fmt: skip
    keys = KeyStore.open(store_file(store.instance.data), provider_of(store.instance, KeyManagerSettings()))
    keys.load()
    keys.change(now_ms, Step("stage", key_id, record))
    keys.close()


@contextlib.asynccontextmanager
async def caller(store: Store) -> AsyncIterator[Caller]:
    """A connection to the key manager, as the transaction service has it."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    made = Caller(
        "transaction", "key_manager", store.instance.rpc("key_manager"), context=context, clock=SystemClock(),
        log=structlog.get_logger(), software="test", incarnation="test",
    )  # fmt: skip
    made.start()
    try:
        yield made
    finally:
        await made.close()
        context.destroy(linger=0)


async def take_until(stop: asyncio.Event, connection: Caller, taken: list[GeneratedMac]) -> None:
    """Ask for one MAC after the other until told to stop; a key manager that is down is asked again."""
    while not stop.is_set():
        try:
            taken.append(await connection.call(MAC_GENERATE, REQUEST, ttl_s=2.0))
        except CallError:
            await asyncio.sleep(0.01)
