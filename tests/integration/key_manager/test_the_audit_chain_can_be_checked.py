"""Anyone who may read the secrets can check the audit chain, beside the running process."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import Store
from tests.integration.key_manager.macs import PROFILE, REQUEST, TERMINAL, plant_key
from tpayd.key_manager.places import store_file
from tpayd.kit.bus import CallError
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.keys import KEY_LIST, MAC_GENERATE, GenerateMac, Purpose
from tpayd_contracts.operation import Empty


def _check(store: Store, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tpayd.key_manager.verify_audit", "--home", str(store.instance.home), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_chain_of_a_running_process(tmp_path: Path) -> None:
    """The check passes while the process runs, and lists what happened; no key is shown."""
    store = Store(tmp_path, services=("key_manager",), lanes=1, readers=1)
    plant_key(store)
    with store:
        store.wait_ready()
        done = _check(store, "--list")
    assert (0, "") == (done.returncode, done.stderr)
    assert ["stage", "started"] == [line.split()[2] for line in done.stdout.splitlines()[:-1]]
    assert "the audit chain holds: 2 entries" == done.stdout.splitlines()[-1]


def test_cut_chain_stops_new_payments(tmp_path: Path) -> None:
    """With an entry cut off: the check fails, health says so, no new payment starts, an old one is settled."""
    store = Store(tmp_path, services=("key_manager",), lanes=1, readers=1)
    plant_key(store)
    with sqlite3.connect(store_file(store.instance.data)) as connection:
        connection.execute("DELETE FROM audit")
    connection.close()
    assert 1 == _check(store).returncode
    with store:
        store.wait_ready(degraded=True)
        health = store.health("key_manager")
        assert health is not None
        assert {"terminal_keys": False, "key_store": True, "audit": False, "integrity": True} == {
            dependency.name: dependency.ok for dependency in health.dependencies
        }
        with pytest.raises(CallError) as caught:
            store.ask("key_manager", MAC_GENERATE, REQUEST, name="transaction")
        refusal = (caught.value.code, caught.value.outcome, caught.value.detail)
        assert (ErrorCode.KEY_UNAVAILABLE, Outcome.NOT_STARTED, "audit") == refusal
        (key,) = store.ask("key_manager", KEY_LIST, Empty(), name="gateway").keys
        settle = GenerateMac(PROFILE, TERMINAL, Purpose.SETTLE, b"0420", b"", key_id=key.key_id)
        assert key.key_id == store.ask("key_manager", MAC_GENERATE, settle, name="transaction").key_id
    assert 1 == _check(store).returncode


def test_instance_that_cannot_be_checked(tmp_path: Path) -> None:
    """Without a store the check says that it did not check: status 2."""
    store = Store(tmp_path, services=(), lanes=1, readers=1)
    done = _check(store)
    assert (2, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("not checked: ")
