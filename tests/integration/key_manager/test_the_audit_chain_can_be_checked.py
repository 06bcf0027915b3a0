"""Anyone who may read the secrets can check the audit chain, beside the running process."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.harness import Store
from tests.harness.command_line import Said, tpayd
from tests.harness.waiting import eventually
from tests.integration.key_manager.macs import IK, NEW_PAYMENT, REVERSAL, plant_key
from tpayd.key_manager.places import store_file
from tpayd.kit.bus import CallError
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.keys import MAC_EXCHANGE


def _check(store: Store, *options: str) -> Said:
    return tpayd("keys", "audit", "verify", *options, home=store.instance.home)


def test_chain_of_a_running_process(tmp_path: Path) -> None:
    """The check passes while the process runs, and `show` lists what happened; no key is shown."""
    store = Store(tmp_path, services=("key_manager",), lanes=1, readers=1)
    plant_key(store)
    with store:
        store.wait_ready()
        shown = tpayd("keys", "audit", "show", "--json", home=store.instance.home)
        done = _check(store, "--json")
    assert ["stage", "started"] == [entry["event"] for entry in shown.json["entries"]]
    assert (0, True, 2, None) == (done.status, done.json["holds"], done.json["entries"], done.json["problem"])
    assert IK.hex() not in (shown.out + done.out).lower()


def test_a_store_that_was_put_back_is_found_by_its_log(tmp_path: Path) -> None:
    """Keys, chain and head together are those of an earlier day: the chain holds, and the log knows more."""
    store = Store(tmp_path, services=("key_manager",), lanes=1, readers=1)
    plant_key(store)
    file = store_file(store.instance.data)
    earlier = file.read_bytes()
    with store:
        store.wait_ready()
        eventually(lambda: _logged(store) == 1, timeout_s=30.0, what="the entry in the log")
    file.write_bytes(earlier)
    done = _check(store, "--json")
    assert (1, False) == (done.status, done.json["holds"])
    assert "put back" in done.json["problem"]


def _logged(store: Store) -> int:
    return sum(line["event"] == "audit.added" for line in store.logs("key_manager"))


def test_cut_chain_stops_new_payments(tmp_path: Path) -> None:
    """With an entry cut off: the check fails, health says so, no new payment starts, an old one may be settled."""
    store = Store(tmp_path, services=("key_manager",), lanes=1, readers=1)
    plant_key(store)
    with sqlite3.connect(store_file(store.instance.data)) as connection:
        connection.execute("DELETE FROM audit")
    connection.close()
    assert 1 == _check(store).status
    with store:
        store.wait_ready(degraded=True)
        health = store.health("key_manager")
        assert health is not None
        assert {"terminal_keys": False, "key_store": True, "audit": False, "host_link": False, "integrity": True} == {
            dependency.name: dependency.ok for dependency in health.dependencies
        }
        with pytest.raises(CallError) as caught:
            store.ask("key_manager", MAC_EXCHANGE, NEW_PAYMENT, name="transaction")
        refusal = (caught.value.code, caught.value.outcome, caught.value.detail)
        assert (ErrorCode.KEY_UNAVAILABLE, Outcome.NOT_STARTED, "audit") == refusal
        with pytest.raises(CallError) as settled:
            store.ask("key_manager", MAC_EXCHANGE, REVERSAL, name="transaction")
        assert ErrorCode.HOST_UNAVAILABLE is settled.value.code
    assert 1 == _check(store).status


def test_instance_that_cannot_be_checked(tmp_path: Path) -> None:
    """Without a store the check says that it did not check: status 8."""
    store = Store(tmp_path, services=(), lanes=1, readers=1)
    done = _check(store)
    assert (8, "") == (done.status, done.out)
    assert "not checked: " in done.err
