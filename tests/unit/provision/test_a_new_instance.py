"""What `tpayd init` makes: settings that every process accepts, secrets for one pair of eyes, and nothing twice."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tpayd.gateway.clients import ClientRegistry
from tpayd.gateway.settings import GatewaySettings
from tpayd.kit.settings import load
from tpayd.kit.store_settings import load_store
from tpayd.provision import AlreadyFoundError, Plan, found
from tpayd.provision.model import NoSuchSettingError


def test_the_store_is_as_planned(tmp_path: Path) -> None:
    """Lanes with their terminals, the profile of a sandbox, and ports from the base."""
    instance = found(Plan(sandbox=True, lanes=3, port_base=18_000), tmp_path / "store")

    store = load_store(instance.settings_file("store"))
    assert [("1", "TPAY0001"), ("2", "TPAY0002"), ("3", "TPAY0003")] == [
        (lane.name, lane.terminal_id) for lane in store.lanes
    ]
    assert (True, "test") == (store.sandbox, store.host_profile)
    gateway = load(instance.settings_file("gateway"), GatewaySettings)
    assert (18_000, 18_011) == (gateway.tcp_port, gateway.metrics_port)


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Every file below secrets/ is 0600, and two instances have different ones."""
    first, second = (found(Plan(sandbox=True), tmp_path / name) for name in ("a", "b"))

    files = [path for path in first.secrets.rglob("*") if path.is_file()]
    assert {0o600} == {path.stat().st_mode & 0o777 for path in files}
    assert "key_manager.passphrase" in {path.name for path in files}
    for path in files:
        assert path.read_bytes() != (second.secrets / path.relative_to(first.secrets)).read_bytes()


def test_an_instance_is_never_overwritten(tmp_path: Path) -> None:
    """A second `init` in the same place is refused and changes no byte."""
    home = tmp_path / "store"
    found(Plan(sandbox=True), home)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}

    with pytest.raises(AlreadyFoundError, match="nothing was changed"):
        found(Plan(sandbox=False), home)

    assert before == {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_an_interrupted_init_can_be_repeated(tmp_path: Path) -> None:
    """What a first try has left behind, without the file that is written last, is no instance yet."""
    home = tmp_path / "store"
    instance = found(Plan(sandbox=True), home)
    passphrase = (instance.secrets / "key_manager.passphrase").read_bytes()
    instance.settings_file("store").unlink()

    found(Plan(sandbox=True, lanes=5), home)

    assert 5 == len(load_store(instance.settings_file("store")).lanes)
    assert passphrase == (instance.secrets / "key_manager.passphrase").read_bytes()


def test_its_owner_is_an_administrator_without_a_key(tmp_path: Path) -> None:
    """The command line of whoever made the instance may do everything, by uid; no key file is left of it."""
    instance = found(Plan(sandbox=True), tmp_path / "store")

    clients = ClientRegistry.open(instance).list()
    assert {"cli": (("*",), "admin", tmp_path.stat().st_uid)} == {
        name: (client.lanes, client.right, client.local_uid) for name, client in clients.items()
    }
    assert [] == list((instance.secrets / "clients").iterdir())


def test_a_live_instance_has_no_test_cards_and_no_virtual_readers(tmp_path: Path) -> None:
    """Nothing of the sandbox gets into a live store."""
    instance = found(Plan(sandbox=False), tmp_path / "store")

    assert not instance.sandbox.exists()
    broker = tomllib.loads(instance.settings_file("device_broker").read_text(encoding="utf-8"))
    assert [] == broker["devices"]
    assert "live" == load_store(instance.settings_file("store")).host_profile


def test_a_wish_for_an_unknown_file_is_refused(tmp_path: Path) -> None:
    """A test (or a tool) that names a settings file that does not exist is told so."""
    with pytest.raises(NoSuchSettingError, match="no_such_service"):
        found(Plan(sandbox=True), tmp_path / "store", {"no_such_service": {"x": 1}})
