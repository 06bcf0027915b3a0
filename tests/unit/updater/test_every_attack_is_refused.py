"""The attacks that The Update Framework names (specification, section 1.5.2): each is refused, told, and forgotten."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Snapshot, Timestamp

from tests.harness.releases import Publisher
from tests.unit.updater.conftest import Scene
from tpayd.updater.errors import (
    EndlessError,
    ExpiredError,
    MixedUpError,
    NotOfferedError,
    RefusedError,
    RolledBackError,
    RootError,
    UpdateError,
    WrongSignatureError,
)
from tpayd.updater.release import Version
from tpayd_contracts.sandbox_updates import UpdatesFault

V1, V2 = Version(0, 2, 0), Version(0, 3, 0)


def metadata(scene: Scene, name: str) -> Path:
    return scene.publisher.directory / "metadata" / name


def test_rollback_of_the_timestamp(scene: Scene) -> None:
    """A server that shows an older state than before is refused; the newer one stays known."""
    scene.publisher.release(str(V1))
    old = metadata(scene, "timestamp.json").read_bytes()
    scene.publisher.release(str(V2))
    client = scene.client()
    client.refresh()
    before = scene.trusted()
    metadata(scene, "timestamp.json").write_bytes(old)

    with pytest.raises(RolledBackError, match="older"):
        client.refresh()

    assert before == scene.trusted()
    assert (V2, V1) == client.versions()


def test_rollback_survives_a_restart(scene: Scene) -> None:
    """What was seen is remembered on the disk."""
    old = metadata(scene, "timestamp.json").read_bytes()
    scene.publisher.release(str(V1))
    scene.client().refresh()
    metadata(scene, "timestamp.json").write_bytes(old)

    with pytest.raises(RolledBackError):
        scene.client().refresh()


def test_rollback_of_one_role_under_a_new_snapshot(scene: Scene) -> None:
    """Whoever has the online key cannot bring an older list of releases back."""
    scene.publisher.release(str(V1))
    old = metadata(scene, "2.releases.json").read_bytes()
    scene.publisher.release(str(V2))
    scene.client().refresh()
    scene.client().versions()
    vouch(scene, {"releases.json": (2, old)})

    with pytest.raises(RolledBackError):
        scene.client().refresh()


def test_freeze(tmp_path: Path) -> None:
    """A server that shows nothing newer is refused once its last word is too old."""
    frozen = Publisher(tmp_path / "publisher", now=datetime.now(UTC) - timedelta(days=3))
    with served(frozen) as server:
        client = Scene(frozen, server, tmp_path / "updates").client()

        with pytest.raises(ExpiredError, match="Check the clock") as told:
            client.refresh()

    assert told.value.retryable


def test_the_end_of_a_freeze(tmp_path: Path) -> None:
    """A renewed timestamp is taken, without anybody doing anything in the store."""
    publisher = Publisher(tmp_path / "publisher", now=datetime.now(UTC) - timedelta(days=3))
    publisher.release(str(V1))
    with served(publisher) as server:
        scene = Scene(publisher, server, tmp_path / "updates")
        with pytest.raises(ExpiredError):
            scene.client().refresh()
        publisher.now = None
        publisher.renew()

        assert (V1,) == scene.client().versions()


def test_fast_forward_is_recovered_from(scene: Scene) -> None:
    """A thief of the online key ran ahead with version numbers: a new key, signed by root, makes stores forget them."""
    scene.publisher.release(str(V1))
    vouch(scene, {}, version=2**31 - 1)
    client = scene.client()
    client.refresh()
    stolen = scene.publisher.keys["online"].public_key.keyid
    for role in ("snapshot", "timestamp"):
        scene.publisher.workshop.rotate(role, stolen, scene.publisher.public("online-2"))
    # The publisher's own files are as they were before the theft.
    for name in (f"{2**31 - 1}.snapshot.json", "timestamp.json"):
        metadata(scene, name).unlink()
    for role in ("snapshot", "timestamp"):
        (scene.publisher.workshop.staged / f"{role}.json").unlink(missing_ok=True)
    scene.publisher.keys["online"] = scene.publisher.keys["online-2"]
    scene.publisher.publish("a", "c")
    scene.publisher.release(str(V2))

    standing = client.refresh()

    assert 2 == standing.root_version
    assert standing.timestamp_version < 10
    assert (V2, V1) == client.versions()


def test_mix_and_match(scene: Scene) -> None:
    """Genuine pieces of two states do not go together."""
    scene.publisher.release(str(V1))
    scene.publisher.release(str(V2))
    newest = metadata(scene, "3.releases.json")
    newest.write_bytes(metadata(scene, "2.releases.json").read_bytes())

    with pytest.raises(MixedUpError, match="does not belong together"):
        scene.client().versions()


def test_metadata_without_end(scene: Scene) -> None:
    """It is cut off at what metadata may have."""
    scene.fail(UpdatesFault.ENDLESS, "metadata/timestamp.json")

    with pytest.raises(EndlessError, match="more metadata than it may"):
        scene.client().refresh()


@pytest.mark.parametrize("role", ["timestamp", "releases"])
def test_a_wrong_key(scene: Scene, role: str) -> None:
    """A signature counts only if the key is one of the role's."""
    scene.publisher.release(str(V1))
    stranger = CryptoSigner.generate_ed25519()
    if role == "timestamp":
        signed_by(metadata(scene, "timestamp.json"), stranger)
    else:
        content = signed_by(metadata(scene, "2.releases.json"), stranger)
        vouch(scene, {"releases.json": (2, content)})

    with pytest.raises(WrongSignatureError, match="not signed by the keys"):
        scene.client().versions()


def test_one_root_key_is_not_enough(scene: Scene) -> None:
    """A thief of one of the three root keys changes nothing."""
    old = scene.publisher.keys["online"].public_key.keyid
    scene.publisher.workshop.rotate("timestamp", old, scene.publisher.public("thief"))
    scene.publisher.sign("a")
    shutil.copy(scene.publisher.workshop.staged / "root.json", metadata(scene, "2.root.json"))

    with pytest.raises(WrongSignatureError):
        scene.client().refresh()


def test_another_repository(scene: Scene, tmp_path: Path) -> None:
    """Genuine for somebody else: the pinned root decides."""
    other = Publisher(tmp_path / "other")

    with pytest.raises(WrongSignatureError):
        scene.client(root=other.root).refresh()


def test_a_pinned_root_that_is_none(scene: Scene) -> None:
    """It is told as that, not as the server's fault."""
    with pytest.raises(RootError, match="pinned root"):
        scene.client(root=b"{}").refresh()


def test_a_vendor_out_of_its_path(scene: Scene) -> None:
    """A stolen vendor key signs firmware of that vendor's readers, and nothing else."""
    scene.publisher.release(str(V1))
    scene.publisher.firmware("acme", {"good.bin": b"good"})
    scene.publisher.firmware("other", {"fine.bin": b"fine"})
    evil = b"tpayd that steals"
    key = scene.publisher.keys["firmware-acme"]
    content = signed_by(
        metadata(scene, "1.firmware-acme.json"), key, lists=["releases/9.9.9.json", "firmware/other/x.bin"], data=evil
    )
    vouch(scene, {"firmware-acme.json": (1, content)})
    client = scene.client()

    assert (V1,) == client.versions()
    assert ["firmware/other/fine.bin"] == [target.path for target in client.firmware("other")]
    assert ["firmware/acme/good.bin"] == [target.path for target in client.firmware("acme")]
    for path in ("releases/9.9.9.json", "firmware/other/x.bin"):
        with pytest.raises(NotOfferedError, match="nobody who may sign it"):
            client.fetch(path)
    assert [] == scene.fetched()


def test_a_vendor_that_breaks_its_own_metadata_stops_nobody_else(scene: Scene) -> None:
    """Releases and the other vendors' firmware go on."""
    scene.publisher.release(str(V1))
    scene.publisher.firmware("acme", {"good.bin": b"good"})
    scene.publisher.firmware("other", {"fine.bin": b"fine"})
    content = signed_by(metadata(scene, "1.firmware-acme.json"), CryptoSigner.generate_ed25519())
    vouch(scene, {"firmware-acme.json": (1, content)})
    client = scene.client()

    assert (V1,) == client.versions()
    assert 1 == len(client.firmware("other"))
    with pytest.raises(WrongSignatureError):
        client.firmware("acme")


def test_a_vendor_who_is_gone(scene: Scene) -> None:
    """What is delegated no more is offered no more, though its metadata still lies here."""
    scene.publisher.firmware("acme", {"good.bin": b"good"})
    assert 1 == len(scene.client().firmware("acme"))
    scene.publisher.workshop.end_delegation("firmware-acme")
    scene.publisher.publish("targets")

    assert () == scene.client().firmware("acme")


@pytest.mark.parametrize("poison", [b"", b"{", b"[]", b"\xff" * 100, b'{"signed": {}, "signatures": []}', b"[" * 9000])
def test_metadata_that_is_none(scene: Scene, poison: bytes) -> None:
    """Whatever stands there, it is one error with a way out."""
    metadata(scene, "timestamp.json").write_bytes(poison)

    with pytest.raises(RefusedError, match="Tell the vendor"):
        scene.client().refresh()


def test_after_each_attack_a_good_server_is_believed(scene: Scene) -> None:
    """Nothing that was refused is remembered."""
    scene.publisher.release(str(V1))
    client = scene.client()
    good = metadata(scene, "timestamp.json").read_bytes()
    for bad in (b"", signed_by(metadata(scene, "timestamp.json"), CryptoSigner.generate_ed25519())):
        metadata(scene, "timestamp.json").write_bytes(bad)
        with pytest.raises(UpdateError):
            client.refresh()
    metadata(scene, "timestamp.json").write_bytes(good)

    client.refresh()
    assert (V1,) == client.versions()


# What an attacker does


def signed_by(path: Path, key: CryptoSigner, lists: list[str] | None = None, data: bytes = b"") -> bytes:
    """Sign metadata anew with this key alone, after adding targets to it."""
    from tuf.api.metadata import TargetFile

    read: Metadata[Any] = Metadata.from_file(str(path))
    for target in lists or []:
        read.signed.targets[target] = TargetFile.from_data(target, data, ["sha256"])
    read.signatures.clear()
    read.sign(key)
    path.write_bytes(read.to_bytes())
    return read.to_bytes()


def vouch(scene: Scene, roles: dict[str, tuple[int, bytes]], version: int | None = None) -> None:
    """With the stolen online key: a snapshot that lists these roles as given, and a timestamp for it."""
    from tuf.api.metadata import MetaFile

    online = scene.publisher.keys["online"]
    published: Metadata[Any] = scene.publisher.workshop.published("snapshot")  # type: ignore[assignment]
    snapshot: Snapshot = published.signed
    snapshot.version = version or snapshot.version + 1
    for name, (number, content) in roles.items():
        snapshot.meta[name] = MetaFile.from_data(number, content, ["sha256"])
    made = Metadata(snapshot)
    made.sign(online)
    metadata(scene, f"{snapshot.version}.snapshot.json").write_bytes(made.to_bytes())
    timestamp: Metadata[Timestamp] = Metadata.from_file(str(metadata(scene, "timestamp.json")))
    timestamp.signed.version = version or timestamp.signed.version + 1
    timestamp.signed.snapshot_meta = MetaFile.from_data(snapshot.version, made.to_bytes(), ["sha256"])
    timestamp.signatures.clear()
    timestamp.sign(online)
    metadata(scene, "timestamp.json").write_bytes(timestamp.to_bytes())


def served(publisher: Publisher) -> Any:
    from tpayd.sandbox.updates.server import UpdateServer

    return UpdateServer(publisher.directory)
