"""A download that breaks off, is slowed, or is lied to: a clear word, nothing lost, and the next try goes on."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.updater.conftest import QUICK, Scene
from tpayd.updater.errors import (
    BusyError,
    EndlessError,
    InterruptedDownloadError,
    NoSpaceError,
    StoppedError,
    TooSlowError,
    UnreachableError,
    UpdateError,
    WrongContentError,
    WrongSizeError,
)
from tpayd.updater.fetched import held
from tpayd.updater.release import Release, Version
from tpayd.updater.targets import Progress
from tpayd_contracts.sandbox_updates import UpdatesFault

DATA = os.urandom(400_000)
NAME = "wheels/tpayd-0.2.0-py3-none-any.whl"
WHEELS = "targets/wheels/*"
IMPATIENT = replace(QUICK, speed_window_s=0.5)


@pytest.fixture
def release(scene: Scene) -> Release:
    """One that was published, of one large wheel."""
    return scene.publisher.release("0.2.0", own=DATA)


def part_of(scene: Scene) -> Path:
    (part,) = (scene.directory / "files").glob("*/.part")
    return part


@pytest.mark.usefixtures("release")
def test_a_server_that_is_gone_at_half(scene: Scene) -> None:
    """What came is kept; the next try asks for the rest alone."""
    scene.fail(UpdatesFault.CUT, WHEELS, at_bytes=200_000)

    with pytest.raises(InterruptedDownloadError, match="200000 of 400000 bytes; they are kept"):
        scene.client().fetch(NAME)

    assert 200_000 == part_of(scene).stat().st_size
    scene.heal()
    assert DATA == scene.client().fetch(NAME).read_bytes()
    assert "bytes=200000-" == scene.asked_for("wheels/")[-1][1]


@pytest.mark.usefixtures("release")
def test_a_cut_is_mended_by_itself(scene: Scene) -> None:
    """A connection that breaks once costs nobody a second command."""
    scene.fail(UpdatesFault.CUT, WHEELS, at_bytes=123_456, times=1)

    assert DATA == scene.client().fetch(NAME).read_bytes()
    assert ["", "bytes=123456-"] == [asked for _, asked in scene.asked_for("wheels/")]


@pytest.mark.usefixtures("release")
def test_a_server_that_cannot_resume(scene: Scene) -> None:
    """The file comes from its start, and is right."""
    scene.fail(UpdatesFault.CUT, WHEELS, at_bytes=5000)
    with pytest.raises(InterruptedDownloadError):
        scene.client().fetch(NAME)
    scene.fail(UpdatesFault.NO_RESUME)

    assert DATA == scene.client().fetch(NAME).read_bytes()


@pytest.mark.usefixtures("release")
def test_a_bit_flipped_in_a_wheel(scene: Scene) -> None:
    """It is thrown away, whatever the size says; a good server is believed again."""
    scene.fail(UpdatesFault.FLIPPED, WHEELS, at_bytes=333_333)

    with pytest.raises(WrongContentError, match="not what was signed"):
        scene.client().fetch(NAME)

    assert NAME.rpartition("/")[2] not in scene.fetched()
    scene.heal()
    assert DATA == scene.client().fetch(NAME).read_bytes()


@pytest.mark.usefixtures("release")
def test_a_bit_flipped_on_the_disk(scene: Scene) -> None:
    """A fetched file is looked at each time it is handed out, and fetched anew where it has changed."""
    place = scene.client().fetch(NAME)
    place.write_bytes(DATA[:-1] + bytes([DATA[-1] ^ 1]))

    assert DATA == scene.client().fetch(NAME).read_bytes()


@pytest.mark.usefixtures("release")
def test_a_part_that_a_power_cut_spoilt(scene: Scene) -> None:
    """The file is fetched once more from its start."""
    scene.fail(UpdatesFault.CUT, WHEELS, at_bytes=100_000)
    with pytest.raises(InterruptedDownloadError):
        scene.client().fetch(NAME)
    part_of(scene).write_bytes(bytes(100_000))
    scene.heal()

    assert DATA == scene.client().fetch(NAME).read_bytes()


@pytest.mark.usefixtures("release")
def test_a_part_longer_than_the_file(scene: Scene) -> None:
    """As that: it is no part of this file."""
    scene.fail(UpdatesFault.CUT, WHEELS, at_bytes=1)
    with pytest.raises(InterruptedDownloadError):
        scene.client().fetch(NAME)
    part_of(scene).write_bytes(bytes(len(DATA) + 5))
    scene.heal()

    assert DATA == scene.client().fetch(NAME).read_bytes()


@pytest.mark.parametrize("have", [0, 200_000])
@pytest.mark.usefixtures("release")
def test_a_server_that_lies_about_the_size(scene: Scene, have: int) -> None:
    """What was signed counts; what an honest server gave before is kept."""
    if have:
        scene.fail(UpdatesFault.CUT, WHEELS, at_bytes=have)
        with pytest.raises(InterruptedDownloadError):
            scene.client().fetch(NAME)
    scene.fail(UpdatesFault.WRONG_SIZE, WHEELS)

    with pytest.raises(WrongSizeError, match="says 401024 bytes, signed are 400000"):
        scene.client().fetch(NAME)

    assert have == part_of(scene).stat().st_size
    scene.heal()
    assert DATA == scene.client().fetch(NAME).read_bytes()


@pytest.mark.usefixtures("release")
def test_a_file_without_end(scene: Scene) -> None:
    """Not a byte more than was signed is kept."""
    scene.fail(UpdatesFault.ENDLESS, WHEELS)

    with pytest.raises(EndlessError, match="more than the 400000 bytes"):
        scene.client().fetch(NAME)

    assert 0 == part_of(scene).stat().st_size


@pytest.mark.parametrize("fault", [UpdatesFault.DRIP, UpdatesFault.SILENT])
@pytest.mark.parametrize("only", ["metadata/timestamp.json", WHEELS])
@pytest.mark.usefixtures("release")
def test_a_server_that_is_too_slow(scene: Scene, fault: UpdatesFault, only: str) -> None:
    """Twenty bytes a second, or none, are not waited for."""
    scene.fail(fault, only)

    with pytest.raises(TooSlowError, match="less than the 1024 asked of it"):
        scene.client(IMPATIENT).fetch(NAME)


def test_headers_that_drip(scene: Scene) -> None:
    """The limits hold before the first byte of a file, too."""
    with dripping_headers() as url:
        scene.server.close()
        client = scene.client(IMPATIENT)
        client._url = url

        with pytest.raises(TooSlowError):
            client.refresh()


@pytest.mark.usefixtures("release")
def test_all_of_a_download_has_an_end(scene: Scene) -> None:
    """However fast a server is, and however often it breaks off: the time for one file is bounded."""
    scene.fail(UpdatesFault.SILENT, WHEELS)

    with pytest.raises(TooSlowError, match=r"not done within the 0\.5 s granted"):
        scene.client(replace(QUICK, file_s=0.5)).fetch(NAME)


@pytest.mark.usefixtures("release")
def test_it_can_be_stopped(scene: Scene) -> None:
    """Within the moment, even while nothing comes; what came is kept."""
    stop = threading.Event()

    def told(progress: Progress) -> None:
        if progress.done_bytes > 0:
            stop.set()

    with pytest.raises(StoppedError, match="kept"):
        scene.client().fetch(NAME, told, stop)

    assert 0 < part_of(scene).stat().st_size < len(DATA)
    assert DATA == scene.client().fetch(NAME).read_bytes()


@pytest.mark.parametrize("fault", [UpdatesFault.MISSING, UpdatesFault.REFUSED])
@pytest.mark.parametrize("only", ["metadata/timestamp.json", WHEELS])
@pytest.mark.usefixtures("release")
def test_a_server_without_the_file(scene: Scene, fault: UpdatesFault, only: str) -> None:
    """It is told which, and worth another try later."""
    scene.fail(fault, only)

    with pytest.raises(UnreachableError, match="404" if fault is UpdatesFault.MISSING else "503") as told:
        scene.client().fetch(NAME)

    assert told.value.retryable


def test_nobody_there(scene: Scene) -> None:
    """No server: the network is named, and nothing else changes."""
    client = scene.client()
    scene.server.close()

    with pytest.raises(UnreachableError, match="check the network"):
        client.refresh()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://user:xyzzy@127.0.0.1/", "nonsense", "http://"])
def test_an_address_that_is_none(scene: Scene, url: str) -> None:
    """It is told before anything is sent, and no password is repeated."""
    client = scene.client()
    client._url = url

    with pytest.raises(UnreachableError, match="must be http") as told:
        client.refresh()

    assert "xyzzy" not in str(told.value)


def test_unchanged_wheels_are_not_fetched_again(scene: Scene) -> None:
    """Two releases that share a wheel cost its bytes once."""
    shared = {"msgspec-0.22.0-cp311-cp311-manylinux_2_28_x86_64.whl": os.urandom(50_000)}
    first, second = (scene.publisher.release(version, shared) for version in ("0.2.0", "0.3.0"))
    client = scene.client()
    client.fetch_wheels(first.wheels)
    told: list[Progress] = []

    own = next(wheel for wheel in second.wheels if wheel.distribution == "tpayd")
    assert own.length_bytes == client.missing_bytes(second.wheels)
    client.fetch_wheels(second.wheels, told.append)

    assert 1 == len(scene.asked_for("msgspec"))
    assert 0 == client.missing_bytes(second.wheels)
    total = sum(wheel.length_bytes for wheel in second.wheels)
    assert (total, total) == (told[-1].done_bytes, told[-1].total_bytes)
    assert sorted(each.done_bytes for each in told) == [each.done_bytes for each in told]


def test_what_is_not_needed_is_forgotten(scene: Scene) -> None:
    """The disk keeps what a store may still go to, and no more."""
    first, second = (scene.publisher.release(version) for version in ("0.2.0", "0.3.0"))
    client = scene.client()
    for release in (first, second):
        client.fetch_wheels(release.wheels)

    freed = client.forget(second.wheels)

    assert first.wheels[0].length_bytes == freed
    assert [second.wheels[0].filename] == scene.fetched()


@pytest.mark.usefixtures("release")
def test_a_full_disk(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told how much room is needed, before a byte is asked for."""
    client = scene.client()
    client.refresh()
    few = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: few)

    with pytest.raises(NoSpaceError, match="there are 1000: make room"):
        client.fetch(NAME)

    assert [] == scene.asked_for("wheels/")


@pytest.mark.usefixtures("release")
def test_a_directory_that_cannot_be_made(scene: Scene) -> None:
    """An error of the disk is one of ours."""
    scene.directory.write_bytes(b"a file in the way")

    with pytest.raises(NoSpaceError, match="make room"):
        scene.client().refresh()


@pytest.mark.usefixtures("release")
def test_two_at_once(scene: Scene) -> None:
    """A second process at the same files is told so, instead of spoiling them."""
    client = scene.client()
    place = client.fetch(NAME)
    place.unlink()

    with held(place.parent), pytest.raises(BusyError, match="another process"):
        client.fetch(NAME)
    with held(scene.directory / "metadata"), pytest.raises(BusyError):
        scene.client().refresh()


def test_two_looks_at_once_take_turns(scene: Scene) -> None:
    """The updater's and the firmware's: neither is refused for the other's moment."""
    client = scene.client(replace(QUICK, busy_wait_s=30.0))
    with held(scene.directory / "metadata"):
        looking = threading.Thread(target=client.refresh)
        looking.start()
    looking.join(60)

    assert not looking.is_alive()
    assert (scene.directory / "metadata" / "timestamp.json").exists()


@pytest.mark.usefixtures("release")
def test_versions_are_newest_first(scene: Scene) -> None:
    """By number, not as text; and each description is read as it was published."""
    for version in ("0.10.0", "0.9.0"):
        scene.publisher.release(version)

    client = scene.client()

    assert ["0.10.0", "0.9.0", "0.2.0"] == [str(version) for version in client.versions()]
    assert ["0.10.0", "0.9.0", "0.2.0"] == [str(release.version) for release in client.releases()]
    assert "What is new in 0.9.0" == client.release(Version(0, 9, 0)).changelog["en"]


def test_errors_say_what_to_do_next() -> None:
    """Each has a code of its own, for events and other languages."""

    def below(kind: type[UpdateError]) -> Iterator[type[UpdateError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from below(each)

    kinds = [kind for kind in below(UpdateError) if kind.__module__.endswith("errors")]
    assert len(kinds) == len({kind.code for kind in kinds})


@contextmanager
def dripping_headers() -> Iterator[str]:
    """A server whose status line never ends."""
    ending = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            peer, _ = listening.accept()
            with peer:
                while not ending.wait(0.05):
                    try:
                        peer.send(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ending.set()
            thread.join()
