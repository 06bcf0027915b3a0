"""The launcher's directory for bytecode lies in memory where there is room, is private, and does not stay behind."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tpayd.supervision.private_bytecode import PrivateBytecode

UNSIGNED = Path("/nonexistent")
"""An environment without an archive: there is nothing to unpack, and no interpreter that compiles."""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    place = tmp_path / "run"
    place.mkdir(mode=0o750)
    return place


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    place = tmp_path / "memory"
    place.mkdir()
    return place


def of(run: Path, memory: Path) -> PrivateBytecode:
    return PrivateBytecode(run, lambda event, **fields: None, 0, memory)


def made(run: Path, memory: Path) -> Path:
    bytecode = of(run, memory)
    bytecode.make(UNSIGNED)
    return bytecode.path


def test_it_lies_in_memory_and_only_its_owner_writes_there(run: Path, memory: Path) -> None:
    """The group may read: processes with users of their own are in it."""
    path = made(run, memory)

    assert memory == path.parent
    assert 0o750 == stat.S_IMODE(path.stat().st_mode)
    assert (os.geteuid(), run.stat().st_gid) == (path.stat().st_uid, path.stat().st_gid)


def test_what_is_made_in_it_belongs_to_the_houses_group(run: Path, memory: Path) -> None:
    """Where processes have users of their own, `run` says so by its set-group-id bit."""
    run.chmod(0o2750)
    path = made(run, memory)
    (path / "inner").mkdir()

    assert 0o2750 == stat.S_IMODE(path.stat().st_mode)
    assert run.stat().st_gid == (path / "inner").stat().st_gid
    assert (path / "inner").stat().st_mode & stat.S_ISGID


def test_without_such_memory_it_lies_beside_the_sockets(run: Path, tmp_path: Path) -> None:
    assert run == made(run, tmp_path / "missing").parent


def test_with_too_little_of_it_too(run: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tpayd.supervision.private_bytecode._ROOM_BYTES", 1 << 62)

    assert run == made(run, memory).parent


def test_those_of_an_earlier_launcher_go_and_other_instances_keep_theirs(run: Path, memory: Path) -> None:
    """A launcher that was killed has removed nothing."""
    other = run.with_name("other")
    other.mkdir()
    killed, others = made(run, memory), made(other, memory)

    of(run, memory).remove()

    assert not killed.exists()
    assert others.exists()
