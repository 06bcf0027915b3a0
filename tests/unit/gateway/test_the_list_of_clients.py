"""clients.toml and the key files: who may come, written whole or not at all, and secrets in their own files only."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from tpayd.gateway.clients import Client, ClientRegistry
from tpayd.gateway.errors import ClientExistsError, NoSuchClientError, RegistryError
from tpayd.kit.bus.curve import public_key_of
from tpayd.kit.instance import Instance
from tpayd_client.key_file import read_key_file
from tpayd_contracts.operation import Right

SETTINGS = 'tcp_address = "*"\ntcp_port = 7711\nadvertised_endpoint = "tcp://10.0.0.5:7711"\n'


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    instance = Instance.open(tmp_path / "store")
    instance.settings_file("gateway").write_text(SETTINGS)
    return instance


@pytest.fixture
def registry(instance: Instance) -> ClientRegistry:
    return ClientRegistry.open(instance)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_added_client_is_known_by_its_key(registry: ClientRegistry) -> None:
    """And its key file is one that the client library takes."""
    key = read_key_file(registry.add("till-1", ("1", "kiosk-2"), Right.POS))
    assert ("till-1", "tcp://10.0.0.5:7711") == (key.client, key.endpoint)
    assert "till-1" == registry.name_of_key(key.client_public_key)
    assert key.client_public_key == public_key_of(key.client_secret_key)
    client = registry.get("till-1")
    assert client == Client(lanes=("1", "kiosk-2"), right=Right.POS, public_key=key.client_public_key)
    assert [True, False] == [client.may_act_for(lane) for lane in ("kiosk-2", "3")]


def test_the_server_key_is_made_once_and_is_the_key_files(instance: Instance, registry: ClientRegistry) -> None:
    """Whoever asks first makes it."""
    key = read_key_file(registry.add("till-1", ("1",), Right.POS))
    assert key.server_public_key == public_key_of(ClientRegistry.open(instance).server_secret())


def test_secrets_stand_in_their_own_files_only(instance: Instance, registry: ClientRegistry) -> None:
    """0600 for them, 0640 for the list, which holds public keys."""
    key_file = registry.add("till-1", ("1",), Right.POS)
    secret = json.loads(key_file.read_text())["client_secret_key"]
    holders = [path for path in instance.home.rglob("*") if path.is_file() and secret in path.read_text()]
    assert [key_file] == holders
    assert [0o600, 0o600, 0o640] == [
        mode(path) for path in (key_file, instance.secrets / "gateway_curve", instance.home / "clients.toml")
    ]
    assert secret not in repr(read_key_file(key_file))


def test_a_name_is_given_once(registry: ClientRegistry) -> None:
    """Nothing is changed by the second one."""
    registry.add("till-1", ("1",), Right.POS)
    before = registry.list()
    with pytest.raises(ClientExistsError, match="till-1 is registered"):
        registry.add("till-1", ("2",), Right.ADMIN)
    assert before == registry.list()


def test_a_removed_client_is_gone_with_its_key_file(registry: ClientRegistry) -> None:
    """And only that one."""
    key_file = registry.add("till-1", ("1",), Right.POS)
    registry.add("till.2", ("2",), Right.POS)
    registry.remove("till-1")
    assert (["till.2"], False) == (list(registry.list()), key_file.exists())
    with pytest.raises(NoSuchClientError, match="till-1"):
        registry.remove("till-1")


@pytest.mark.parametrize(
    ("name", "lanes", "right", "told"),
    [
        ("till 1", ("1",), Right.POS, "matching regex"),
        ("../till", ("1",), Right.POS, "matching regex"),
        ("till-1", ("a b",), Right.POS, "lanes"),
        ("till-1", ("*",), Right.POS, "admin"),
    ],
)
def test_what_cannot_be_is_not_written(
    instance: Instance, registry: ClientRegistry, name: str, lanes: tuple[str, ...], right: Right, told: str
) -> None:
    """No list, no key file."""
    with pytest.raises(RegistryError, match=told):
        registry.add(name, lanes, right)
    assert [] == [path.name for path in instance.home.rglob("*") if path.name in {"clients.toml", f"{name}.key"}]


def test_comments_of_the_owner_stay(instance: Instance, registry: ClientRegistry) -> None:
    """A file that people edit keeps what they wrote."""
    registry.add("till-1", ("1",), Right.POS)
    path = instance.home / "clients.toml"
    path.write_text(path.read_text().replace("[clients.till-1]", "# the one at the door\n[clients.till-1]"))
    registry.add("till-2", ("2",), Right.POS)
    assert "# the one at the door\n[clients.till-1]" in path.read_text()


def test_a_change_is_seen_once(instance: Instance, registry: ClientRegistry) -> None:
    """By whoever looks; another look finds nothing new."""
    watcher = ClientRegistry.open(instance)
    assert not watcher.refresh()
    registry.add("till-1", ("1",), Right.POS)
    assert watcher.refresh()
    assert not watcher.refresh()
    assert watcher.get("till-1") is not None


@pytest.mark.parametrize(
    "broken",
    [
        "lanes = [",
        "[clients.x]\nlanes = []",
        '[clients.x]\nlanes = ["1"]\nright = "owner"\npublic_key = "k"',
        "[x]\ny = 1",
    ],
)
def test_a_broken_list_is_told_and_the_last_good_one_stands(
    instance: Instance, registry: ClientRegistry, broken: str
) -> None:
    """By file and place."""
    registry.add("till-1", ("1",), Right.POS)
    path = instance.home / "clients.toml"
    path.write_text(broken)
    with pytest.raises(RegistryError, match=r"clients\.toml"):
        registry.refresh()
    assert registry.get("till-1") is not None


def test_two_clients_cannot_have_one_key(instance: Instance, registry: ClientRegistry) -> None:
    """Or the key would prove nothing."""
    registry.add("till-1", ("1",), Right.POS)
    path = instance.home / "clients.toml"
    text = path.read_text()
    path.write_text(text + text[text.index("[clients.") :].replace("till-1", "till-2"))
    with pytest.raises(RegistryError, match="same public_key"):
        registry.refresh()


def test_commands_at_once_lose_nothing(instance: Instance) -> None:
    """Each has the file for itself."""
    threads = [
        threading.Thread(target=ClientRegistry(instance).add, args=(f"till-{number}", (str(number),), Right.POS))
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10.0)
    assert {f"till-{number}" for number in range(12)} == set(ClientRegistry.open(instance).list())


def test_a_server_key_that_others_can_read_is_refused(instance: Instance, registry: ClientRegistry) -> None:
    """With the way out."""
    registry.server_secret()
    (instance.secrets / "gateway_curve").chmod(0o644)
    with pytest.raises(RegistryError, match="can be read by others"):
        registry.server_secret()
