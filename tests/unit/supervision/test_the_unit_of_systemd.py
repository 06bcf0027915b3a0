"""The systemd unit that `tpayd install-service` writes: systemd takes it, and it allows little."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from tpayd.supervision.boot import BootUnit, Scope, enabled_unit, systemd_runs, unit_text

HOME = Path("/srv/store")
PYTHON = Path("/usr/bin/env")
"""Any program that is there: systemd looks whether it is."""
UNITS = {
    "one user": BootUnit("tpayd", HOME, PYTHON, Scope.SYSTEM, "daemon", ("dialout",), (Path("/srv/signatures"),)),
    "a user for each process": BootUnit("tpayd", HOME, PYTHON, Scope.SYSTEM),
    "an ordinary user's": BootUnit("tpayd", HOME, PYTHON, Scope.USER),
    "an awkward path": BootUnit("tpayd-2", Path("/srv/a store 100%"), PYTHON, Scope.SYSTEM, "daemon"),
}
EXPOSURE_MAX = {"one user": 25, "a user for each process": 35, "an awkward path": 25}
"""Tenths, of systemd's 0 (nothing is exposed) to 10. A user's unit cannot forbid what needs privileges to forbid."""
_ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(_ANALYZE is None, reason="systemd-analyze (Debian: systemd) is not installed")


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(_ANALYZE), *arguments], check=False, capture_output=True, text=True, timeout=60)


@needs_systemd
@pytest.mark.parametrize("kind", UNITS)
def test_systemd_takes_every_line_of_it(kind: str, tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say. A user's unit is looked at as the system's: its lines are the same,
    and without a session there is no user's systemd to ask."""
    unit = UNITS[kind]
    file = tmp_path / unit.file_name
    file.write_text(unit_text(unit))
    done = _analyze("verify", "--man=no", "--recursive-errors=no", str(file))
    about_it = [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line]

    assert (0, []) == (done.returncode, about_it)


@needs_systemd
@pytest.mark.parametrize("kind", EXPOSURE_MAX)
def test_it_exposes_little(kind: str, tmp_path: Path) -> None:
    """`systemd-analyze security` stays below a threshold."""
    file = tmp_path / UNITS[kind].file_name
    file.write_text(unit_text(UNITS[kind]))
    done = _analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MAX[kind]}", str(file))

    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize("kind", UNITS)
def test_what_every_unit_says(kind: str) -> None:
    """No core file, no privilege to gain, and the death of the launcher kills no payment."""
    lines = set(unit_text(UNITS[kind]).splitlines())

    assert {"LimitCORE=0", "NoNewPrivileges=yes", "KillMode=process", "Restart=on-failure", "UMask=0027"} <= lines
    assert not [line for line in lines if "$" in line and "ExecStart" in line]


def test_whose_process_it_is() -> None:
    """An account without any capability; or root with those that give users and end processes, and no other."""
    one, each, own = (set(unit_text(UNITS[kind]).splitlines()) for kind in list(UNITS)[:3])

    assert {"User=daemon", "SupplementaryGroups=dialout", "CapabilityBoundingSet="} <= one
    assert "ReadWritePaths=/srv/store -/srv/signatures" in one
    assert {
        "CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL CAP_CHOWN CAP_FOWNER CAP_FSETID CAP_DAC_OVERRIDE"
    } <= each
    assert not [line for line in each | own if line.startswith("User=")]
    assert {"WantedBy=default.target"} <= own
    assert not [line for line in own if line.startswith("CapabilityBoundingSet")]


def test_an_awkward_path_is_quoted() -> None:
    """Blanks and per cent signs mean something to systemd."""
    lines = unit_text(UNITS["an awkward path"]).splitlines()

    assert 'Environment="TPAYD_HOME=/srv/a store 100%%"' in lines
    assert 'ReadWritePaths="/srv/a store 100%%"' in lines


def test_a_python_in_a_home_is_within_reach() -> None:
    """ProtectHome hides homes, but not from a daemon that lies in one."""
    inside = BootUnit("tpayd", HOME, Path("/home/shop/venv/bin/python"), Scope.SYSTEM, "shop")

    assert ("ProtectHome=no" in unit_text(inside), "ProtectHome=yes" in unit_text(UNITS["one user"])) == (True, True)


def test_sockets_in_tmp_stay_where_the_command_line_finds_them() -> None:
    """An instance whose path is too long has its sockets there; a private /tmp would hide them."""
    long = BootUnit("tpayd", Path("/srv") / ("x" * 100), PYTHON, Scope.SYSTEM, "shop")

    assert ("PrivateTmp=no" in unit_text(long), "PrivateTmp=yes" in unit_text(UNITS["one user"])) == (True, True)


def _install(place: Path, unit: BootUnit, *, enabled: bool) -> None:
    place.mkdir(exist_ok=True)
    file = place / unit.file_name
    file.write_text(unit_text(unit))
    if enabled:
        wants = place / "multi-user.target.wants"
        wants.mkdir()
        (wants / unit.file_name).symlink_to(file)


@pytest.mark.parametrize("kind", UNITS)
def test_an_enabled_unit_of_this_instance_counts(kind: str, tmp_path: Path) -> None:
    """Then status says which it is."""
    unit = UNITS[kind]
    _install(tmp_path, unit, enabled=True)

    assert unit.file_name == enabled_unit(unit.home, [tmp_path / "missing", tmp_path], tmp_path / "none")
    assert unit.file_name == enabled_unit(unit.home, [], tmp_path)


def test_other_units_do_not_count(tmp_path: Path) -> None:
    """One that nobody enabled, one of another instance whose path begins alike, and a link to a unit that is gone."""
    _install(tmp_path / "a", UNITS["one user"], enabled=False)
    _install(tmp_path / "b", BootUnit("tpayd", Path("/srv/store2"), PYTHON, Scope.SYSTEM, "daemon"), enabled=True)
    _install(tmp_path / "c", UNITS["one user"], enabled=True)
    (tmp_path / "c" / "tpayd.service").unlink()

    assert enabled_unit(HOME, [tmp_path / name for name in "abc"], tmp_path / "none") is None


def test_a_users_own_unit_counts_only_where_the_user_lingers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it starts when the user logs in, which nobody does at a till that has lost its power."""
    monkeypatch.setenv("HOME", str(tmp_path))
    place = tmp_path / ".config" / "systemd" / "user"
    place.mkdir(parents=True)
    _install(place, UNITS["an ordinary user's"], enabled=True)
    lingers = (Path("/var/lib/systemd/linger") / pwd.getpwuid(os.geteuid()).pw_name).exists()

    assert (enabled_unit(HOME, []) is not None) == lingers


def test_whether_systemd_runs_is_what_it_says_itself(tmp_path: Path) -> None:
    assert [True, False] == [systemd_runs(tmp_path), systemd_runs(tmp_path / "missing")]
