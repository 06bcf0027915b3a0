"""The check is switched off in a sandbox alone, and a source tree, which nobody has signed, gets no MAC."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import Store, eventually, tpayd
from tests.integration.key_manager.macs import NEW_PAYMENT, REVERSAL, plant_key
from tpayd.cli.exits import Exit
from tpayd.kit.bus import CallError
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.keys import MAC_EXCHANGE


def test_a_live_store_refuses_to_start_unchecked(tmp_path: Path) -> None:
    """By file, field and reason."""
    with Store(tmp_path, services=("key_manager",), settings={"store": {"sandbox": False}}) as store:
        status = store["key_manager"].exit_status()
        said = store["key_manager"].output.read_text()

    assert 78 == status
    assert 'key_manager.toml: integrity: "off" is for a sandbox alone' in said


def test_an_unsigned_tree_gets_no_mac(tmp_path: Path) -> None:
    """What is missing is said, with the way out, in the refusal and in health; what settles is not refused."""
    store = Store(tmp_path, services=("key_manager",), lanes=1, settings={"key_manager": {"integrity": "enforced"}})
    plant_key(store)
    with store:
        store.wait_ready(degraded=True)
        with pytest.raises(CallError) as caught:
            store.ask("key_manager", MAC_EXCHANGE, NEW_PAYMENT, name="transaction")
        with pytest.raises(CallError) as settled:
            store.ask("key_manager", MAC_EXCHANGE, REVERSAL, name="transaction")
        eventually(
            lambda: any(
                "tpayd integrity sign" in each.detail
                for each in getattr(store.health("key_manager"), "dependencies", ())
                if each.name == "integrity" and not each.ok
            ),
            timeout_s=30, what="the reason in health",
        )  # fmt: skip

    assert (ErrorCode.INTEGRITY_FAILED, Outcome.NOT_STARTED) == (caught.value.code, caught.value.outcome)
    assert "tpayd integrity show" in caught.value.message
    assert ErrorCode.HOST_UNAVAILABLE is settled.value.code


def test_a_source_tree_is_not_signed(tmp_path: Path) -> None:
    """An editable installation imports from elsewhere: whoever tries is told what to do instead."""
    assert Exit.OK == tpayd("init", "--sandbox", home=tmp_path / "store").status
    said = tpayd("integrity", "sign", home=tmp_path / "store")

    assert Exit.REFUSED == said.status
    assert "--unsigned" in said.err


def test_an_unsigned_store_is_a_sandbox(tmp_path: Path) -> None:
    """`init --unsigned` writes the setting; without --sandbox it is refused."""
    assert Exit.USAGE == tpayd("init", "--unsigned", home=tmp_path / "live").status
    assert Exit.OK == tpayd("init", "--sandbox", "--unsigned", home=tmp_path / "store").status
    assert 'integrity = "off"' in (tmp_path / "store/config/key_manager.toml").read_text(encoding="utf-8")


def test_a_key_is_pinned(tmp_path: Path) -> None:
    """Once, by role; what is no key is refused."""
    home = tmp_path / "store"
    tpayd("init", "--sandbox", home=home)
    key = "ed25519:" + "A" * 43 + "="
    for _ in range(2):
        assert Exit.OK == tpayd("integrity", "trust", "release", key, "--comment", "Acme", home=home).status
    refused = tpayd("integrity", "trust", "release", "ed25519:AAAA", home=home)

    assert 1 == (home / "config/integrity.keys").read_text().count(f"release {key}  # Acme")
    assert Exit.USAGE == refused.status
