"""Started by root with separate users, each process is its own user, and can be nobody else. Real uids, as root."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyrage
import pytest

from tests.harness.installation import InstalledStore
from tests.harness.readable import ReadableInstallation, readable_environment
from tests.harness.waiting import eventually
from tpayd.integrity.trust import make_signing_key, own_key_file
from tpayd.kit.instance import Instance, InstanceError
from tpayd.kit.users import HouseUsers
from tpayd.supervision.conf import socket_file
from tpayd.supervision.control import Supervisor
from tpayd.supervision.programs import programs
from tpayd.supervision.separation import misplaced

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give processes users of their own")

_ALL = tuple(program.name for program in programs(sandbox=True))
_STRANGER = 60_890
_ASK = """
import sys
from tpayd.kit.bus import CallError, ask
from tpayd_contracts.health import HEALTH
from tpayd_contracts.operation import Empty
try:
    print(ask(sys.argv[1], HEALTH, Empty(), name=sys.argv[2], timeout_s=float(sys.argv[3])).service)
except CallError as error:
    print(error.code.value)
"""
_OPEN = """
import sys
for path in sys.argv[1:]:
    try:
        open(path, "rb").close()
        print("read")
    except OSError as error:
        print(type(error).__name__)
"""
_BIND = """
import socket, sys
try:
    socket.socket(socket.AF_UNIX).bind(sys.argv[1])
    print("bound")
except OSError as error:
    print(type(error).__name__)
"""

_PREPARE = """
import sys
from tpayd.supervision.prepare import main
sys.argv[1:] = ["--home", sys.argv[1]]
sys.exit(main())
"""


class SeparateStore(InstalledStore):
    """A sandbox whose processes have users of their own."""

    installation: ReadableInstallation

    @property
    def users(self) -> HouseUsers:
        assert self.instance.users is not None
        return self.instance.users

    def separate(self) -> None:
        self.tpayd("users", "separate")
        self.instance = Instance.open(self.instance.home, create=False)

    def run_as(self, name: str, code: str, *arguments: str) -> str:
        return self.installation.run_as(self.users.uid(name), self.users.gid, code, *arguments)

    def says(self, uid: int, service: str, name: str, wait_s: float = 10.0) -> str:
        """What `service` answers a process of this uid that says it is `name`."""
        return self.installation.run_as(uid, self.users.gid, _ASK, self.instance.rpc(service), name, str(wait_s))


def _privileges(pid: int) -> tuple[set[int], set[int], bool] | None:
    """Real, effective, saved and file system's uids and gids of a process, and whether it has any capability."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    told = dict(line.split(":\t", 1) for line in lines)
    capable = int(told["CapEff"], 16) | int(told["CapPrm"], 16)
    return set(map(int, told["Uid"].split())), set(map(int, told["Gid"].split())), bool(capable)


@pytest.fixture(scope="module")
def store() -> Iterator[SeparateStore]:
    # Not below pytest's own directory, which is root's alone.
    place = Path(tempfile.mkdtemp(prefix="tpayd-test-", dir="/tmp"))
    place.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, place)
        made = SeparateStore(place, readable_environment(place), settings={"key_manager": {"integrity": "off"}})
        made.separate()
        with made:
            # It makes all its bytecode first, and the machine may be busy.
            made.wait_ready(degraded=True, timeout_s=120)
            made.open_shop(card="visa-ic")
            yield made


def test_each_process_runs_under_its_own_uid_without_any_privilege(store: SeparateStore) -> None:
    """Root are the launcher, supervisord and the watchdog, which start and kill; nobody else has a capability."""
    users = store.users
    expected = {name: ({users.uid(name)}, {users.gid}, False) for name in _ALL}
    seen: dict[str, object] = {}

    def as_expected() -> bool:
        # A process that has only just been started is still root's.
        seen.update({each.name: _privileges(each.pid) for each in Supervisor(socket_file(store.instance)).processes()})
        return expected == {name: told for name, told in seen.items() if name != "watchdog"}

    eventually(as_expected, timeout_s=30, what=lambda: f"{expected}; found {seen}")
    assert len(_ALL) == len({users.uid(name) for name in _ALL})


def test_such_a_store_sells(store: SeparateStore) -> None:
    """Readers, keys, host and journal are reached by whoever needs them; no card number is left in a file."""
    assert "PAID" in store.tpayd("sale", "11000").out
    assert [] == store.card_number_leaks()


def test_a_name_counts_from_its_own_uid_alone(store: SeparateStore) -> None:
    """Not even a process of the house, and not even root, can say that it is transaction."""
    users = store.users
    heard = {
        (caller, name): store.says(users.uid(caller), "device_broker", name)
        for caller, name in (
            ("transaction", "transaction"),
            ("gateway", "transaction"),
            ("gateway", "gateway"),
            ("cli", "cli"),
            ("cli", "transaction"),
            ("gateway", "cli"),
        )
    }
    assert {
        ("transaction", "transaction"): "device_broker",
        ("gateway", "transaction"): "not_permitted",
        ("gateway", "gateway"): "device_broker",
        ("cli", "cli"): "device_broker",
        ("cli", "transaction"): "not_permitted",
        ("gateway", "cli"): "not_permitted",
    } == heard


def test_who_is_not_of_the_house_reaches_no_socket(store: SeparateStore) -> None:
    """Neither the house's nor supervisor's; a process of the house reaches no supervisor."""
    instance = store.instance
    answer = store.installation.run_as(_STRANGER, _STRANGER, _ASK, instance.rpc("device_broker"), "transaction", "1")
    assert "unavailable" == answer
    found = socket_file(instance).stat()
    assert (0o700, 0) == (found.st_mode & 0o777, found.st_uid)


def test_nobody_can_answer_in_anothers_place(store: SeparateStore) -> None:
    """A process of the house makes sockets in its own directory alone."""
    run = store.instance.run
    places = ("transaction/rpc2", "transaction.rpc", "public/gateway2", "gateway/other")
    assert ["PermissionError", "PermissionError", "bound", "bound"] == [
        store.run_as("gateway", _BIND, str(run / place)) for place in places
    ]


def test_the_journal_and_the_keys_are_for_their_processes_alone(store: SeparateStore) -> None:
    """And the logs are for log_shipper to read."""
    instance = store.instance
    journal = [str(instance.data / f"journal.sqlite3{suffix}") for suffix in ("", "-wal", "-shm")]
    keys = [str(instance.data / "keys" / "keys.sqlite3"), str(instance.secrets / "key_manager.passphrase")]
    logs = [str(instance.log / f"{name}.jsonl") for name in _ALL]
    eventually(lambda: all(Path(path).exists() for path in logs), timeout_s=30, what="a log of each process")
    settings = [str(instance.settings_file("store")), str(instance.home / "clients.toml")]

    def reads(name: str, paths: list[str]) -> set[str]:
        return set(store.run_as(name, _OPEN, *paths).splitlines())

    readers = {name: (reads(name, journal), reads(name, keys)) for name in _ALL}
    refused = {"PermissionError"}
    expected = dict.fromkeys(_ALL, (refused, refused))
    expected["transaction"] = ({"read"}, refused)
    expected["key_manager"] = (refused, {"read"})
    assert expected == readers
    assert ({"read"}, {"read"}) == (reads("log_shipper", logs), reads("gateway", settings))


def test_a_release_that_is_gone_over_to_settles_whose_is_what(store: SeparateStore) -> None:
    """As the launcher has it prepared: what root has put there since the start belongs to its process then."""
    key = own_key_file(store.instance.secrets)
    make_signing_key(key)
    before = store.run_as("updater", _OPEN, str(key))
    store.installation.run_as(0, 0, _PREPARE, str(store.instance.home))
    after = [store.run_as(name, _OPEN, str(key)) for name in ("updater", "gateway")]
    assert ("PermissionError", ["read", "PermissionError"]) == (before, after)
    assert "PAID" in store.tpayd("sale", "12000").out


def test_logs_of_all_processes_are_shipped(store: SeparateStore) -> None:
    """By a process that reads every log and has an outbox that nobody else reads."""
    shipped = json.loads(store.tpayd("logs", "ship", "--wait", "60", "--json").out)

    assert ("shipped", True) == (shipped["state"], shipped["files"] >= len(_ALL))


def test_roots_command_line_works_as_ever(store: SeparateStore) -> None:
    """Settings, clients, journal and audit chain: what root writes is read by those whom it concerns."""
    store.tpayd("settings", "set", "gateway.log_keep_days=5")
    store.tpayd("client", "add", "till-9", "--lane", "1")
    store.tpayd("journal", "verify")
    store.tpayd("keys", "audit", "verify")
    added = store.instance.secrets / "clients" / "till-9.key"
    with store.client("till-9", key_file=added) as till:
        assert ("1",) == tuple(till.connect().lanes)
    owner = store.instance.settings_file("gateway").stat().st_uid
    assert store.users.uid("gateway") == owner


def test_a_backup_is_restored_for_whoever_restores_it(store: SeparateStore) -> None:
    """Root's backup has all processes' files; what is restored has one user, and finds each where it looks."""
    key, identity = store.instance.home / "age.key", pyrage.x25519.Identity.generate()
    key.write_text(f"{identity}\n")
    into = store.instance.home.parent / "restored"
    made = json.loads(store.tpayd("backup", "create", "--recipient", str(identity.to_public()), "--json").out)
    store.tpayd("backup", "restore", made["file"], "--into", str(into), "--yes", "--identity", str(key))
    restored = Instance.open(into, create=False)
    expected = ["data/settings/gateway.jsonl", "data/keys/keys.sqlite3", "secrets/sandbox_readers.key"]

    assert (None, expected) == (restored.users, [path for path in expected if (into / path).exists()])


def test_a_directory_that_strangers_can_write_to_is_refused(store: SeparateStore) -> None:
    """And named by `tpayd doctor`; nothing else in a store that has sold is out of its place."""
    config = store.instance.config
    config.chmod(0o777)
    try:
        with pytest.raises(InstanceError, match="tpayd users separate"):
            Instance.open(store.instance.home, create=False)
        seen = misplaced(store.instance)
    finally:
        config.chmod(0o3770)

    assert ([config], []) == (seen, misplaced(store.instance))


def test_all_can_share_one_user_again(store: SeparateStore) -> None:
    """Once the daemon is down: `users join` gives everything back to root, and nothing is lost."""
    said = store.tpayd("users", "join", status=5)
    assert "tpayd down" in said.err
    store.tpayd("down")
    store.tpayd("users", "join")
    store.instance = Instance.open(store.instance.home, create=False)
    owners = {path.lstat().st_uid for path in store.instance.home.rglob("*")}
    assert (None, {0}) == (store.instance.users, owners)
    assert "intact" in store.tpayd("journal", "verify").out
