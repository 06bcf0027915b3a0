"""users.toml: which uid each process of the house has, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tpayd.kit.instance import Instance, InstanceError, sockets_fit
from tpayd.kit.users import BLOCK, DEFAULT_FIRST_UID, NUMBERS, HouseUsers, UsersError, users_file
from tpayd.supervision.programs import programs
from tpayd.supervision.separation import unreachable

_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="the file must be root's")


def _written(home: Path, text: str, mode: int = 0o644) -> Path:
    users_file(home).write_text(text)
    users_file(home).chmod(mode)
    return home


def test_each_process_has_a_number_of_its_own_within_the_block() -> None:
    """Also those of a sandbox; the first number of the block is the group's."""
    names = {program.name for program in programs(sandbox=True)}
    assert set() == names - NUMBERS.keys()
    assert len(NUMBERS) == len(set(NUMBERS.values()))
    assert set(range(1, BLOCK)) >= set(NUMBERS.values())


def test_the_default_block_is_given_to_nobody_else() -> None:
    """Above useradd's users (UID_MAX 60000) and systemd's homes and names (60001-60577), below its dynamic users."""
    assert range(60578, 61184)[0] <= DEFAULT_FIRST_UID < DEFAULT_FIRST_UID + BLOCK <= 61184


def test_without_the_file_all_share_one_user(tmp_path: Path) -> None:
    assert HouseUsers.read(tmp_path) is None


@_ROOT
def test_the_file_names_the_first(tmp_path: Path) -> None:
    """Command line and watchdog are root's; a stranger's name has no uid."""
    users = HouseUsers.read(_written(tmp_path, "# ours\nfirst_uid = 61000\n"))
    assert users is not None
    assert (61000, 61002, 0, 0) == (users.gid, users.uid("transaction"), users.uid("cli"), users.uid("watchdog"))
    assert [True, True, False, False] == [users.owns(uid) for uid in (0, 61031, 61032, 1000)]
    with pytest.raises(UsersError, match="no number"):
        users.uid("till")


@_ROOT
@pytest.mark.parametrize(
    ("text", "mode", "problem"),
    [
        ("first_uid = 999\n", 0o644, "expected first_uid"),
        ("first_uid = 0\n", 0o644, "expected first_uid"),
        ("first_uid = -1\n", 0o644, "expected first_uid"),
        ("first_uid = 4294967295\n", 0o644, "expected first_uid"),
        ("first_uid = true\n", 0o644, "expected first_uid"),
        ('first_uid = "60800"\n', 0o644, "expected first_uid"),
        ("", 0o644, "expected first_uid"),
        ("first_uid = 60800\ngateway = 0\n", 0o644, "nothing else"),
        ("first_uid = \n", 0o644, "cannot be read"),
        ("first_uid = 60800\n", 0o664, "chmod go-w"),
        ("first_uid = 60800\n", 0o646, "chmod go-w"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, mode: int, problem: str) -> None:
    """Nothing starts under a uid that was not meant: an instance with such a file is not opened."""
    with pytest.raises(UsersError, match=problem):
        HouseUsers.read(_written(tmp_path, text, mode))
    with pytest.raises(InstanceError, match=problem):
        Instance.open(tmp_path)


@_ROOT
def test_a_file_of_somebody_elses_is_refused(tmp_path: Path) -> None:
    _written(tmp_path, "first_uid = 60800\n")
    os.chown(users_file(tmp_path), 60801, 60800)
    with pytest.raises(UsersError, match="must belong to root"):
        HouseUsers.read(tmp_path)


def test_what_others_may_not_pass_is_named(tmp_path: Path) -> None:
    """An instance in somebody's home is of no use to processes with users of their own."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    found = unreachable(closed / "store")
    assert found is not None
    assert closed.is_relative_to(found)


def test_a_path_too_long_for_sockets_does_not_fit(tmp_path: Path) -> None:
    """The short directory that is taken instead belongs to one user."""
    assert [True, False] == [sockets_fit(Path("/var/lib/tpayd")), sockets_fit(tmp_path / ("x" * 90))]
