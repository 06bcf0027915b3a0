"""ops/release/manifest.py: from wheels to a signed list, the key on a machine of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.integrity.conftest import MakeWheel, Place
from tpayd.integrity.checking import check
from tpayd.integrity.manifest import MANIFEST_NAMES, Kind

TOOL = Path(__file__).parents[3] / "ops" / "release" / "manifest.py"
CODE = {"shop/__init__.py": b"", "shop/till.py": b"OPEN = True\n"}


def run(*arguments: object, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)], check=False, capture_output=True, text=True, timeout=60
    )
    assert status == done.returncode, done.stderr
    return done.stdout + done.stderr


def test_from_wheels_to_a_store(place: Place, make_wheel: MakeWheel, tmp_path: Path) -> None:
    """Key, list, signature; the instance that pins the key takes the installation."""
    (tmp_path / "words").write_text("correct horse\n")
    pinned = run("key", tmp_path / "vendor.pem", "--comment", "Acme", "--passphrase-file", tmp_path / "words")
    run("list", make_wheel("shop", CODE), "--version", "1.0", "--out", tmp_path / "list.json")
    manifest = place.root / MANIFEST_NAMES[Kind.RELEASE]
    signing = ("sign", tmp_path / "list.json", "--key", tmp_path / "vendor.pem", "--out", manifest)
    assert "passphrase" in run(*signing, status=1)
    run(*signing, "--passphrase-file", tmp_path / "words")
    place.trust.write_text(place.trust.read_text() + pinned)
    (place.site / "shop-1.0.dist-info").mkdir()
    (place.site / "shop-1.0.dist-info/METADATA").write_bytes(b"Name: x\n")
    place.sign()

    assert pinned.startswith("release ed25519:")
    assert "tpayd 1.0, 3 files" in run("verify", manifest, "--trust", place.trust)
    assert check(place.environment, place.trust, limit_s=30.0).passed


@pytest.mark.parametrize("poison", [b"", b'{"kind": "installation"}', b"[]"])
def test_what_is_no_list_is_not_signed(tmp_path: Path, poison: bytes) -> None:
    """The file is named."""
    run("key", tmp_path / "vendor.pem")
    (tmp_path / "list.json").write_bytes(poison)

    said = run("sign", tmp_path / "list.json", "--key", tmp_path / "vendor.pem", "--out", tmp_path / "out", status=1)

    assert "list.json is no list of files" in said
    assert not (tmp_path / "out").exists()


def test_a_signature_of_somebody_else(tmp_path: Path, make_wheel: MakeWheel) -> None:
    """`verify` says so, as an instance would."""
    for name in ("vendor", "other"):
        (tmp_path / f"{name}.keys").write_text(run("key", tmp_path / f"{name}.pem"))
    run("list", make_wheel("shop", CODE), "--version", "1.0", "--out", tmp_path / "list.json")
    run("sign", tmp_path / "list.json", "--key", tmp_path / "other.pem", "--out", tmp_path / "signed")

    assert "does not trust" in run("verify", tmp_path / "signed", "--trust", tmp_path / "vendor.keys", status=1)
