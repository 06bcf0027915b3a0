"""The vendor's end: the key fits or it is said, and every file is what the manifest says."""

from __future__ import annotations

import stat
from pathlib import Path

import pyrage
import pytest

from tests.unit.log_shipper.bundles import IDENTITY, line, pack
from tpayd.log_shipper.opening import OpenError, make_identity, open_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "gateway.jsonl").write_bytes(line(1) * 100)
    pack(tmp_path / "log", tmp_path / "shop.tar.zst.age")
    return tmp_path / "shop.tar.zst.age"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "vendor.key"
    path.write_text(f"# a comment\n{IDENTITY}\n")
    return path


def test_it_opens_into_a_new_directory(tmp_path: Path, bundle: Path, key: Path) -> None:
    """Files and manifest, for the owner alone."""
    manifest = open_bundle(bundle, key, tmp_path / "opened")

    assert line(1) * 100 == (tmp_path / "opened" / "log" / "gateway.jsonl").read_bytes()
    assert ["gateway.jsonl"] == [one.name for one in manifest.files]
    assert {"log", "manifest.json"} == {path.name for path in (tmp_path / "opened").iterdir()}
    assert 0o700 == stat.S_IMODE((tmp_path / "opened").stat().st_mode)


def test_another_key_opens_nothing(tmp_path: Path, bundle: Path) -> None:
    """It is said, and nothing is left."""
    make_identity(tmp_path / "other.key")

    with pytest.raises(OpenError, match="not for this key"):
        open_bundle(bundle, tmp_path / "other.key", tmp_path / "opened")
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize("at", [10, 400, -20])
def test_a_changed_bit_is_found(tmp_path: Path, bundle: Path, key: Path, at: int) -> None:
    """Wherever it is."""
    content = bytearray(bundle.read_bytes())
    content[at] ^= 1
    bundle.write_bytes(content)

    with pytest.raises(OpenError):
        open_bundle(bundle, key, tmp_path / "opened")


def test_what_is_no_key_is_named(tmp_path: Path, bundle: Path) -> None:
    """By its file."""
    (tmp_path / "no.key").write_text("hello\n")

    with pytest.raises(OpenError, match=r"no.key is no private key"):
        open_bundle(bundle, tmp_path / "no.key", tmp_path / "opened")


def test_a_new_key_is_private_and_never_replaces_one(tmp_path: Path) -> None:
    """Its public half is what it says."""
    public = make_identity(tmp_path / "vendor.key")
    told = (tmp_path / "vendor.key").read_text().splitlines()

    assert public == str(pyrage.x25519.Identity.from_str(told[1]).to_public())
    assert 0o600 == stat.S_IMODE((tmp_path / "vendor.key").stat().st_mode)
    with pytest.raises(FileExistsError):
        make_identity(tmp_path / "vendor.key")
