"""After an update the disk keeps what the next one shares with it, and what a reader may still need."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.updater.conftest import Scene
from tpayd.updater.errors import UpdateError
from tpayd.updater.fetched import held
from tpayd.updater.settings import UpdaterSettings
from tpayd.updater.source import Source
from tpayd_contracts.sandbox_updates import UpdatesFault

SHARED = {"msgspec-0.22.0-cp311-cp311-manylinux_2_28_x86_64.whl": b"what all of them need"}
IMAGE = {"DUALI-usb-1.2.json": b"{}", "DUALI-usb-1.2.bin": b"an image"}
OWN = "tpayd-{}-py3-none-any.whl"


@pytest.fixture
def source(scene: Scene) -> Source:
    """The updater's, below the same directory."""
    home = scene.directory.parent
    (home / "root.json").write_bytes(scene.publisher.root)
    settings = UpdaterSettings(repository_url=scene.server.url, root_file="root.json")
    return Source(cast("Any", SimpleNamespace(home=home)), settings)


@pytest.fixture
def fetched(scene: Scene) -> Scene:
    """Four releases and a reader's firmware, all fetched."""
    releases = [scene.publisher.release(version, SHARED) for version in ("0.2.0", "0.3.0", "0.4.0", "0.5.0")]
    scene.publisher.firmware("duali", IMAGE)
    client = scene.client()
    for release in releases:
        client.release(release.version)
        client.fetch_wheels(release.wheels)
    for target in client.firmware("duali"):
        client.fetch(target.path)
    return scene


def files(*versions: str) -> list[str]:
    """Of these releases and the readers, by name."""
    own = [name for version in versions for name in (f"{version}.json", OWN.format(version))]
    return sorted([*own, *SHARED, *IMAGE])


def test_what_is_kept_and_what_is_newest_stays(fetched: Scene, source: Source) -> None:
    """What is installed, the newest, and firmware that is offered; a version that nobody offers does no harm."""
    freed = source.tidy({"0.3.0", "0.1.0", ""})
    assert (True, files("0.3.0", "0.5.0")) == (freed > 0, fetched.fetched())
    assert 0 == source.tidy({"0.3.0"})


def test_nothing_goes_where_nobody_answers(fetched: Scene, source: Source) -> None:
    """What is needed is not known then; the next time will do."""
    fetched.fail(UpdatesFault.MISSING)
    with pytest.raises(UpdateError):
        source.tidy(set())
    assert files("0.2.0", "0.3.0", "0.4.0", "0.5.0") == fetched.fetched()


def test_what_is_being_fetched_stays(fetched: Scene, source: Source) -> None:
    """Another process of this machine is at work with it."""
    (place,) = (path for path in (fetched.directory / "files").glob("*/*") if path.name == OWN.format("0.2.0"))
    with held(place.parent):
        source.tidy(set())
    assert sorted([*files("0.5.0"), OWN.format("0.2.0")]) == fetched.fetched()
