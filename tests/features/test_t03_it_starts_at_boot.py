"""T3: one command installs, one starts, with root or normal rights; a systemd unit starts the store at boot."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.harness.command_line import tpayd
from tests.harness.installation import InstalledStore
from tests.harness.readable import ReadableInstallation, readable_environment
from tests.harness.waiting import eventually
from tpayd.cli.exits import Exit
from tpayd.gateway.clients import ClientRegistry
from tpayd.kit.instance import OWNER_CLIENT
from tpayd.supervision.boot import systemd_runs
from tpayd.supervision.separation import give_to

_AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root installs a unit of the machine's")
_ACCOUNT = "daemon"
"""An account that every Linux has, and that is not root."""
_START_S = 120.0
"""It makes all its bytecode first, and the machine may be busy."""
_FORBID = """
import ctypes, os, sys
PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 38, 65
libc = ctypes.CDLL(None)
libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
libc.prctl(PR_SET_MDWE, 1, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""As the unit's NoNewPrivileges and MemoryDenyWriteExecute; a kernel before 6.3 does not know the second."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance that nobody has started."""
    place = tmp_path_factory.mktemp("boot") / "store"
    made = tpayd("init", "--sandbox", "--lanes", "1", "--readers", "1", home=place)
    assert Exit.OK == made.status, made
    return place


def test_status_says_that_nothing_starts_at_boot(home: Path) -> None:
    """And which command changes that."""
    shown, told = tpayd("status", home=home), tpayd("status", "--json", home=home).json

    assert Exit.NOT_RUNNING == shown.status
    assert "nothing runs until `tpayd up`; `tpayd install-service` changes that" in shown.out
    assert (False, None) == (told["starts_at_boot"], told["boot_unit"])


@pytest.mark.skipif(systemd_runs(), reason="this machine runs systemd, and a test installs nothing on it")
@pytest.mark.parametrize("options", [("--user",), ("--user", "--now")])
def test_without_systemd_it_says_so(home: Path, options: tuple[str, ...]) -> None:
    """Nothing is installed then, and it says what starts the store instead."""
    said = tpayd("install-service", *options, home=home)
    told = tpayd("install-service", *options, "--json", home=home)

    assert (Exit.FAILED, "no_systemd") == (said.status, told.json["error"]["code"])
    assert "nothing was installed" in said.err
    assert "tpayd up --foreground" in said.err


def test_print_shows_the_unit_and_changes_nothing(home: Path) -> None:
    """For another init system, and for whoever wants to read it first."""
    before = sorted(home.rglob("*"))
    said = tpayd("install-service", "--user", "--print", home=home)
    told = tpayd("install-service", "--user", "--print", "--json", home=home).json

    assert said.out.strip() == told["unit"].strip()
    assert f"Environment=TPAYD_HOME={home}" in said.out.splitlines()
    assert told["file"].endswith("/systemd/user/tpayd.service")
    assert before == sorted(home.rglob("*"))


@_AS_ROOT
@pytest.mark.skipif(shutil.which("systemctl") is None, reason="systemctl (Debian: systemd) is not installed")
def test_it_is_installed_and_enabled_and_taken_away_again(home: Path, tmp_path: Path) -> None:
    """With the real systemctl, into an image of a system."""
    unit = tmp_path / "etc/systemd/system/tpayd.service"
    link = unit.parent / "multi-user.target.wants" / unit.name
    image = ("--root", str(tmp_path))
    installed = tpayd("install-service", "--as", "shop", *image, home=home)
    again = tpayd("install-service", "--as", "shop", *image, "--json", home=home)
    text, enabled = unit.read_text(), link.is_symlink()
    removed = tpayd("uninstall-service", *image, home=home)
    once_more = tpayd("uninstall-service", *image, home=home)

    assert [Exit.OK, Exit.OK, Exit.OK, Exit.REFUSED] == [
        each.status for each in (installed, again, removed, once_more)
    ], (installed, again, removed, once_more)
    assert ("shop", "system", False) == tuple(again.json[name] for name in ("account", "scope", "started"))
    assert "User=shop" in text
    assert (True, False, False) == (enabled, link.is_symlink(), unit.exists())


@_AS_ROOT
@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--as", "root", "--print"), "payments run without root's rights"),
        (("--user", "--as", "shop", "--print"), "--as is for root"),
        (("--name", "../tpayd", "--print"), "--name"),
        (("--name", "", "--print"), "--name"),
    ],
)
def test_what_cannot_be_installed_is_refused(home: Path, options: tuple[str, ...], why: str) -> None:
    """With the reason, before anything is written."""
    said = tpayd("install-service", *options, home=home)

    assert said.status in (Exit.USAGE, Exit.REFUSED)
    assert why in said.err


@_AS_ROOT
def test_what_the_unit_starts_sells_without_any_privilege() -> None:
    """Its command, as systemd would run it: another user than root, no new privileges, no memory that is made
    executable. Root's command line works as ever, and leaves nothing of root's; SIGTERM ends all in order."""
    with _given_store() as (store, environment):
        said = store.tpayd("install-service", "--print").out
        lines = said.splitlines()
        user = next(line.partition("=")[2] for line in lines if line.startswith("User="))
        command = shlex.split(next(line.partition("=")[2] for line in lines if line.startswith("ExecStart=")))
        account = pwd.getpwnam(user)
        with subprocess.Popen(
            [str(store.installation.python), "-I", "-c", _FORBID, *command], umask=0o027,
            env={"TPAYD_HOME": str(store.instance.home), "LD_LIBRARY_PATH": str(environment.libraries)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        ) as launcher:  # fmt: skip
            try:
                store.wait_ready(degraded=True, timeout_s=_START_S)
                store.tpayd("keys", "exchange", "--all")
                store.wait_ready(timeout_s=_START_S)
                store.tpayd("sandbox", "reader", "reader-1", "--auto", "visa-ic")
                sold = store.tpayd("sale", "11000").out
                second = store.tpayd("up", "--foreground", status=Exit.REFUSED).err
                changed = store.tpayd("settings", "set", "gateway.log_keep_days=5").status
                owners = {Path(f"/proc/{pid}/status").read_text().split("Uid:\t")[1].split()[0]
                          for pid in store.left_behind()}  # fmt: skip
                files = {path.lstat().st_uid for path in store.instance.home.rglob("*")}
            finally:
                launcher.send_signal(signal.SIGTERM)
            ended = launcher.wait(_START_S)

        assert _ACCOUNT == user
        assert "PAID" in sold
        assert ({str(account.pw_uid)}, {account.pw_uid}) == (owners, files)
        assert (Exit.OK, 0) == (changed, ended)
        assert "runs already" in second
        eventually(lambda: not store.left_behind(), timeout_s=30, what="no process left")


@contextmanager
def _given_store() -> Iterator[tuple[InstalledStore, ReadableInstallation]]:
    """A sandbox of root's that was given to an account, as `install-service` does it, in a Python that it can run."""
    # Not below pytest's own directory, which is root's alone.
    place = Path(tempfile.mkdtemp(prefix="tpayd-test-", dir="/tmp"))
    place.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, place)
        environment = readable_environment(place)
        settings = {"key_manager": {"integrity": "off"}}
        store = InstalledStore(place, environment, lanes=1, readers=1, settings=settings)
        account = pwd.getpwnam(_ACCOUNT)
        ClientRegistry.open(store.instance).move(OWNER_CLIENT, account.pw_uid)
        give_to(store.instance, account.pw_uid, account.pw_gid)
        stack.callback(store.tpayd, "down", "--limit", "20")
        yield store, environment
