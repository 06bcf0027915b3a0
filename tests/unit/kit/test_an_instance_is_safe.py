"""An instance's directories are made safe, and refused when they are not."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tpayd.kit.instance import HOME_VARIABLE, Instance, InstanceError


@pytest.fixture
def directory() -> Iterator[Path]:
    """A path so short that an instance's sockets lie in its own `run`; pytest's grows with each run of a user."""
    with tempfile.TemporaryDirectory(prefix="tpayd-test-") as name:
        yield Path(name)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_directories_are_made_with_their_modes_whatever_the_umask(directory: Path) -> None:
    """Secrets are for the owner alone; the rest may be read by the house's group."""
    before = os.umask(0o777)
    try:
        instance = Instance.open(directory / "store")
    finally:
        os.umask(before)

    assert mode_of(instance.secrets) == 0o700
    assert {0o750} == {mode_of(path) for path in (instance.home, instance.config, instance.data, instance.log)}
    assert instance.run / "public" == instance.home / "run" / "public"
    assert not instance.sandbox.exists()


def test_opening_twice_finds_the_same(directory: Path) -> None:
    """Every process of an instance computes the same places."""
    assert Instance.open(directory / "store") == Instance.open(directory / "store")


def test_a_link_to_the_home_is_the_same_instance(directory: Path) -> None:
    """The sockets of an instance don't depend on how its directory was spelt."""
    real = Instance.open(directory / "store")
    (directory / "link").symlink_to(directory / "store")

    assert real == Instance.open(directory / "link")


@pytest.mark.parametrize("name", ["", "config", "data", "log", "run", "secrets"])
def test_what_others_can_write_is_refused(directory: Path, name: str) -> None:
    """Whoever can write there could swap a key or a socket."""
    Instance.open(directory / "store")
    loose = directory / "store" / name
    loose.chmod(0o770)

    with pytest.raises(InstanceError, match="can be written by others") as caught:
        Instance.open(directory / "store")
    assert f"chmod go-w {loose}" in str(caught.value)


def test_secrets_that_others_can_read_are_refused(directory: Path) -> None:
    """A key file is no longer secret once its directory was open."""
    Instance.open(directory / "store").secrets.chmod(0o750)

    with pytest.raises(InstanceError, match="can be read by others"):
        Instance.open(directory / "store")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_somebody_elses_directory_is_refused(directory: Path) -> None:
    """A process under the wrong user would leave files that the right one cannot use."""
    Instance.open(directory / "store")
    os.chown(directory / "store", 12345, 12345)

    with pytest.raises(InstanceError, match="belongs to uid 12345"):
        Instance.open(directory / "store")


def test_a_missing_instance_is_not_made_by_who_only_looks(directory: Path) -> None:
    """A status query on a mistyped directory says so."""
    with pytest.raises(InstanceError, match="tpayd init"):
        Instance.open(directory / "nowhere", create=False)
    assert not (directory / "nowhere").exists()


def test_a_file_in_the_way_is_named(directory: Path) -> None:
    """The error names the path that is in the way."""
    (directory / "store").write_text("")

    with pytest.raises(InstanceError, match=f"{directory}/store"):
        Instance.open(directory / "store")


def test_the_environment_names_the_home(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TPAYD_HOME is the instance unless one is given."""
    monkeypatch.setenv(HOME_VARIABLE, str(directory / "from-environment"))

    assert directory / "from-environment" == Instance.open().home


@pytest.mark.parametrize("length", [40, 74, 75, 90, 200])
def test_every_socket_path_fits_the_kernels_limit(length: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """However deep the home lies, the longest socket's path has at most 107 bytes, and is private."""
    base = tmp_path_factory.mktemp("s")
    home = base / ("h" * (length - len(str(base)) - 1)) if length > len(str(base)) + 1 else base / "h"
    instance = Instance.open(home)
    try:
        endpoints = [instance.rpc("sandbox_readers"), instance.evt("device_broker"), instance.public()]
        assert all(len(endpoint.removeprefix("ipc://").encode()) <= 107 for endpoint in endpoints)
        assert instance.run == home / "run" or mode_of(instance.run) == 0o700
    finally:
        if not instance.run.is_relative_to(home):
            (instance.run / "public").rmdir()
            instance.run.rmdir()


def test_a_planted_run_directory_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Somebody may have made the predictable directory in /tmp before us, as a link to his own."""
    home = tmp_path_factory.mktemp("s") / ("deep" * 30)
    run = Instance.open(home).run
    try:
        (run / "public").rmdir()
        run.rmdir()
        run.symlink_to(home)

        with pytest.raises(InstanceError, match="not a directory"):
            Instance.open(home)
    finally:
        run.unlink()
