"""Messages get their MACs however slow the key store's disk is: what is written, is written beside them."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tests.harness import Store
from tests.harness.calling import caller
from tests.integration.key_manager.macs import PROFILE, key_of, plant_keys
from tpayd.key_manager.counters import BLOCK
from tpayd.key_manager.places import store_file
from tpayd.kit.bus import Caller, CallError
from tpayd_contracts.keys import (
    DATA_ENCRYPT,
    KEY_EXCHANGE_TERMINAL,
    EncryptData,
    EncryptedData,
    ExchangeTerminal,
    KeyState,
    Purpose,
)

LANES = 64
EXCHANGES = 8
TERMINALS = [f"TPAY{lane:04d}" for lane in range(1, LANES + 1)]
TTL_S = 30.0


@contextlib.contextmanager
def _stuck_disk(store: Store) -> Iterator[None]:
    """Whoever writes to the key store waits; it gives up after five seconds."""
    with contextlib.closing(sqlite3.connect(store_file(store.instance.data), isolation_level=None)) as file:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("ROLLBACK")


async def _take(connection: Caller, terminal_id: str, key_id: str | None = None) -> EncryptedData:
    """A counter of the row that MACs have theirs from; it needs no host."""
    purpose = Purpose.SETTLE if key_id else Purpose.NEW_PAYMENT
    return await connection.call(DATA_ENCRYPT, EncryptData(PROFILE, terminal_id, purpose, b"0101", key_id), ttl_s=TTL_S)


async def _served(connection: Caller) -> None:
    """Wait until the key manager has opened its store, and give its first counter."""
    async with asyncio.timeout(TTL_S):
        while True:
            with contextlib.suppress(CallError):
                await _take(connection, TERMINALS[0])
                return
            await asyncio.sleep(0.02)


async def _connected(connection: Caller) -> None:
    async with asyncio.timeout(TTL_S):
        while not connection.connected:  # noqa: ASYNC110  nothing announces it
            await asyncio.sleep(0.02)


def test_first_messages_after_a_start_find_their_counters(tmp_path: Path) -> None:
    """Of all lanes at once, while the disk takes nothing."""
    store = Store(tmp_path, services=("key_manager",), lanes=LANES, readers=1)
    plant_keys(store, *(key_of(terminal, ikid=terminal.encode()) for terminal in TERMINALS))

    async def first_of_all() -> list[EncryptedData]:
        async with caller(store, "key_manager") as connection:
            await _served(connection)
            with _stuck_disk(store):
                return await asyncio.gather(*(_take(connection, terminal) for terminal in TERMINALS))

    with store:
        taken = asyncio.run(first_of_all())
    assert LANES == len({each.ksn for each in taken})


def test_exchanges_hold_up_no_message(tmp_path: Path) -> None:
    """Several are under way and wait for the disk, and a block of counters runs low: all lanes sell on."""
    store = Store(tmp_path, services=("key_manager",), lanes=LANES, readers=1)
    plant_keys(store, *(key_of(terminal, ikid=terminal.encode()) for terminal in TERMINALS))

    async def sell_beside_exchanges() -> int:
        async with caller(store, "key_manager", name="gateway") as desk, caller(store, "key_manager") as lanes:
            await _served(lanes)
            await _connected(desk)
            with _stuck_disk(store):
                exchanges = [
                    asyncio.ensure_future(desk.call(KEY_EXCHANGE_TERMINAL, ExchangeTerminal(terminal), ttl_s=TTL_S))
                    for terminal in TERMINALS[:EXCHANGES]
                ]
                sales = TERMINALS * 2 + TERMINALS[-1:] * (BLOCK * 3 // 4)
                taken = [await _take(lanes, terminal) for terminal in sales]
                waiting = sum(not exchange.done() for exchange in exchanges)
            await asyncio.gather(*exchanges, return_exceptions=True)
        assert len(sales) == len({each.ksn for each in taken})
        return waiting

    with store:
        assert EXCHANGES == asyncio.run(sell_beside_exchanges())


def test_who_has_no_counter_waits_alone(tmp_path: Path) -> None:
    """A payment that is settled under a key of before waits for its counters, and holds up nobody."""
    store = Store(tmp_path, services=("key_manager",), lanes=1, readers=1)
    terminal = TERMINALS[0]
    old = key_of(terminal, ikid=bytes(8), state=KeyState.RETIRED)
    plant_keys(store, old, key_of(terminal))

    async def settle_beside_sales() -> EncryptedData:
        async with caller(store, "key_manager") as connection:
            await _served(connection)
            with _stuck_disk(store):
                settling = asyncio.ensure_future(_take(connection, terminal, old.key_id))
                for _ in range(10):
                    await _take(connection, terminal)
                assert not settling.done()
            return await settling

    with store:
        settled = asyncio.run(settle_beside_sales())
    assert (old.ikid, old.key_id) == (settled.ksn[:8], settled.key_id)
