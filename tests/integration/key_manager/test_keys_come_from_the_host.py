"""Keys for terminals and readers come through the real processes: host, line, reader and store agree on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import Store
from tests.harness.inquiring import NEVER_WAS, inquire
from tests.harness.waiting import eventually
from tpayd.crypto.dukpt import derive_initial_key
from tpayd.crypto.exchange import Role
from tpayd.kit.bus import CallError
from tpayd.sandbox.secrets import BDK
from tpayd_contracts.device import DEVICE_LIST, DevicesQuery, DeviceState
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.health import Readiness
from tpayd_contracts.keys import (
    KEY_EXCHANGE_READER,
    KEY_EXCHANGE_TERMINAL,
    KEY_LIST,
    MAC_KEY,
    ExchangeReader,
    ExchangeTerminal,
    FindMacKey,
    KeyInfo,
    KeysQuery,
    KeyState,
    KeyUsage,
    Purpose,
)

TERMINAL = "TPAY0001"
READER = "reader-1"
DAY_MS = 86_400_000


def _exchange_terminal(store: Store) -> KeyInfo:
    return store.ask("key_manager", KEY_EXCHANGE_TERMINAL, ExchangeTerminal(TERMINAL), name="gateway", timeout_s=15.0)


def test_terminal_key(tmp_path: Path) -> None:
    """After the exchange host and store believe each other's MACs; a second key retires the first, which settles on."""
    with Store(tmp_path, services=("sandbox_host", "host_link", "key_manager"), lanes=1, readers=1) as store:
        store.wait_ready("host_link", degraded=False)
        store.wait_ready("key_manager", degraded=True)
        first = _exchange_terminal(store)
        assert (KeyUsage.TERMINAL_MAC, TERMINAL, KeyState.ACTIVE) == (first.usage, first.owner, first.state)
        assert first.injected_at_ms is not None
        assert first.injected_at_ms + 1095 * DAY_MS == first.expires_at_ms
        health = store.health("key_manager")
        assert health is not None
        assert Readiness.READY is health.readiness
        assert NEVER_WAS == inquire(store, TERMINAL, Purpose.NEW_PAYMENT, first.key_id).response_code
        second = _exchange_terminal(store)
        with pytest.raises(CallError) as caught:
            inquire(store, TERMINAL, Purpose.NEW_PAYMENT, first.key_id)
        assert (ErrorCode.KEY_UNAVAILABLE, Outcome.NOT_STARTED, "replaced") == (
            caught.value.code, caught.value.outcome, caught.value.detail,
        )  # fmt: skip
        settled = inquire(store, TERMINAL, Purpose.SETTLE, first.key_id)
        assert (NEVER_WAS, bytes.fromhex(first.key_id.rpartition(":")[2])) == (settled.response_code, settled.ksn[:8])
        states = {key.key_id: key.state for key in store.ask("key_manager", KEY_LIST, KeysQuery(), name="gateway").keys}
        assert {first.key_id: KeyState.RETIRED, second.key_id: KeyState.ACTIVE} == states


def test_no_line_to_the_host(tmp_path: Path) -> None:
    """Without a host the exchange fails with a code that says so; nothing is staged."""
    with Store(tmp_path, services=("host_link", "key_manager"), lanes=1, readers=1) as store:
        store.wait_ready(degraded=True)
        eventually(lambda: _code(store) is ErrorCode.HOST_UNAVAILABLE, timeout_s=10.0, what="host_unavailable")
        assert () == store.ask("key_manager", KEY_LIST, KeysQuery(), name="gateway").keys


def _code(store: Store) -> ErrorCode:
    with pytest.raises(CallError) as caught:
        _exchange_terminal(store)
    return caught.value.code


def test_unknown_terminal_names_the_field(tmp_path: Path) -> None:
    """A terminal of no lane is an error that names its field."""
    with Store(tmp_path, services=("key_manager",), lanes=1, readers=1) as store:
        store.wait_ready(degraded=True)
        with pytest.raises(CallError) as caught:
            store.ask("key_manager", KEY_EXCHANGE_TERMINAL, ExchangeTerminal("OTHER001"), name="gateway")
    assert (ErrorCode.NOT_FOUND, "$.terminal_id") == (caught.value.code, caught.value.field)


def test_reader_key(tmp_path: Path) -> None:
    """A reader takes its key from the host, through us and unread: new payments may begin at it from then on."""
    services = ("sandbox_host", "sandbox_readers", "host_link", "device_broker", "key_manager")
    with Store(tmp_path, services=services, lanes=1, readers=1) as store:
        store.wait_ready("host_link", degraded=False)
        store.wait_ready("key_manager", degraded=True)
        reader_id = eventually(lambda: _reader_id(store), timeout_s=15.0, what="a ready reader")
        _exchange_terminal(store)
        body = FindMacKey("test", TERMINAL, reader_id)
        with pytest.raises(CallError) as caught:
            store.ask("key_manager", MAC_KEY, body, name="transaction")
        assert ErrorCode.KEY_UNAVAILABLE is caught.value.code
        key = store.ask("key_manager", KEY_EXCHANGE_READER, ExchangeReader(READER), name="gateway", timeout_s=30.0)
        assert (KeyUsage.READER_DATA, reader_id, READER, KeyState.ACTIVE) == (
            key.usage, key.owner, key.device, key.state,
        )  # fmt: skip
        store.ask("key_manager", MAC_KEY, body, name="transaction")
        ikid = bytes.fromhex(key.key_id.rpartition(":")[2])
        initial_key = derive_initial_key(BDK[Role.READER], ikid)
        held = [path for path in store.instance.data.rglob("*") if path.is_file() and initial_key in path.read_bytes()]
        assert [] == held


def _reader_id(store: Store) -> str | None:
    devices = store.ask("device_broker", DEVICE_LIST, DevicesQuery(), name="gateway").devices
    return next((device.reader_id for device in devices if device.state is DeviceState.READY), None)
