"""ops/release/repository.py: what would confuse stores, or sign by mistake, is refused with a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.release import repository
from ops.release.errors import ReleaseToolError
from ops.release.publishing import publish
from ops.release.roles import firmware_role, policy
from ops.release.workshop import Workshop
from tests.harness.releases import Publisher


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path)


def published(publisher: Publisher) -> set[str]:
    return {path.name for path in publisher.workshop.metadata.iterdir()}


def test_a_signature_that_is_missing(publisher: Publisher) -> None:
    """Nothing at all is published."""
    before = published(publisher)
    publisher.workshop.stage("targets", publisher.workshop.change("targets"))

    with pytest.raises(ReleaseToolError, match="lacks 1 signature"):
        publisher.publish("a", "b", "releases")

    assert before == published(publisher)


def test_a_vendor_who_is_late_keeps_nobody_waiting(publisher: Publisher) -> None:
    """What lacks its signatures stays staged; stores get the rest, and then that too."""
    publisher.firmware("acme", {"a.bin": b"a"})
    publisher.put("firmware-acme", {"firmware/acme/b.bin": b"b"})
    publisher.release("0.2.0")
    assert {"2.releases.json", "1.firmware-acme.json"} <= published(publisher)
    assert "2.firmware-acme.json" not in published(publisher)

    publisher.publish("firmware-acme")
    assert "2.firmware-acme.json" in published(publisher)


def test_a_root_that_the_old_root_did_not_sign(publisher: Publisher) -> None:
    """New keys alone cannot follow the old ones."""
    for old in ("a", "b"):
        publisher.workshop.rotate("root", publisher.public(old).keyid, publisher.public(f"{old}-2"))
    publisher.sign("a-2", "b-2")

    with pytest.raises(ReleaseToolError, match="lacks"):
        publisher.publish()
    publisher.publish("a", "c")


def test_a_key_that_may_not_publish(publisher: Publisher) -> None:
    """It is told before anything is written."""
    before = published(publisher)

    with pytest.raises(ReleaseToolError, match="may not sign snapshot"):
        publish(publisher.workshop, publisher.keys["releases"])

    assert before == published(publisher)


def test_a_file_that_is_out_already(publisher: Publisher) -> None:
    """Stores may have it: another content needs another name."""
    publisher.release("0.2.0")

    with pytest.raises(ReleaseToolError, match="another content"):
        publisher.release("0.2.0", own=b"something else")


def test_a_path_that_is_not_the_vendors(publisher: Publisher) -> None:
    """The tool refuses what stores would."""
    publisher.firmware("acme", {"a.bin": b"a"})

    with pytest.raises(ReleaseToolError, match="none of firmware-acme's paths"):
        publisher.put("firmware-acme", {"firmware/other/a.bin": b"a"})
    with pytest.raises(ReleaseToolError, match="none of firmware-acme's paths"):
        publisher.put("firmware-acme", {"firmware/acme/deeper/a.bin": b"a"})


def test_signatures_over_something_else(publisher: Publisher, tmp_path: Path) -> None:
    """What was changed here since it was carried away is not signed by that."""
    publisher.put("releases", {"wheels/a-1-py3-none-any.whl": b"a"})
    publisher.workshop.carry(tmp_path / "stick")
    carried = Workshop(tmp_path / "stick")
    carried.sign("releases", publisher.keys["releases"])
    publisher.put("releases", {"wheels/b-1-py3-none-any.whl": b"b"})

    with pytest.raises(ReleaseToolError, match="changed here since"):
        publisher.workshop.collect(carried)


def test_two_sticks(publisher: Publisher, tmp_path: Path) -> None:
    """Signers need not wait for each other."""
    publisher.workshop.rotate("timestamp", publisher.public("online").keyid, publisher.public("online-2"))
    publisher.workshop.rotate("snapshot", publisher.public("online").keyid, publisher.public("online-2"))
    for holder in ("a", "c"):
        publisher.workshop.carry(tmp_path / holder)
        Workshop(tmp_path / holder).sign("root", publisher.keys[holder])

    assert 2 == publisher.workshop.missing("root")
    assert [{"root": 1}, {"root": 1}] == [publisher.workshop.collect(Workshop(tmp_path / name)) for name in ("a", "c")]
    assert 0 == publisher.workshop.missing("root")


@pytest.mark.parametrize(
    "words",
    [
        ["status", "nowhere", "extra"],
        ["init"],
        ["rotate", "repository", "root"],
    ],
)
def test_wrong_use(words: list[str]) -> None:
    """It ends with status 2."""
    with pytest.raises(SystemExit) as ended:
        repository.main(words)
    assert 2 == ended.value.code


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["add-vendor", "{}", "Acme!", "--key", "{}/x.pub"], "a vendor's name has"),
        (["add-vendor", "{}", "acme", "--key", "{}/x.pub"], "name the .pub file"),
        (["sign", "{}", "--yes", "--key", "{}/x.pem"], "cannot be read"),
        (["withdraw", "{}", "releases/9.9.9.json"], "does not list"),
        (["extend", "{}", "nonsense"], "is no role"),
        (["rotate", "{}", "root", "--old", "ff", "--new", "{}/x.pub"], "no public key"),
        (["carry", "{}", "{}"], "is not empty"),
        (["add-release", "{}", "{}/none.whl"], "No such file"),
    ],
)
def test_what_is_refused_is_told(
    publisher: Publisher, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    """In one line, with status 1, and without a traceback."""
    assert 1 == repository.main([word.format(publisher.directory) for word in words])

    said = capsys.readouterr().err
    assert told in said
    assert 1 == said.count("\n")


def test_nothing_is_signed_unseen(publisher: Publisher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever does not type yes has signed nothing."""
    repository.main(["key", str(tmp_path / "acme.pem")])
    repository.main(["add-vendor", str(publisher.directory), "acme", "--key", str(tmp_path / "acme.pem.pub")])
    monkeypatch.setattr("builtins.input", lambda _: "no")

    assert 1 == repository.main(["sign", str(publisher.directory), "--key", str(tmp_path / "acme.pem")])
    assert 1 == publisher.workshop.missing("firmware-acme")


def test_a_vendors_path_is_its_own() -> None:
    """Terminating: nobody else is asked for it."""
    for vendor in ("acme", "scspro"):
        terms = policy(firmware_role(vendor))
        assert ((f"firmware/{vendor}/*",), True) == (terms.paths, terms.terminating)
