"""Signing on a machine: only what installed packages claim, byte for byte, and with bytecode made anew."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import stat
from pathlib import Path

import pytest

from tests.unit.integrity.conftest import Place
from tpayd.integrity.errors import NotSignableError, TrustFileError
from tpayd.integrity.manifest import Kind
from tpayd.integrity.signing import installation_manifest
from tpayd.integrity.trust import load_signing_key, make_signing_key, public_line, read_trust


@pytest.fixture
def installed(place: Place) -> Place:
    """The package `shop`, with its RECORD."""
    lines = []
    for name in ("shop/__init__.py", "shop/till.py"):
        digest = base64.urlsafe_b64encode(hashlib.sha256((place.site / name).read_bytes()).digest()).rstrip(b"=")
        lines.append(f"{name},sha256={digest.decode()},0")
    info = place.site / "shop-1.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("\n".join([*lines, "shop-1.0.dist-info/RECORD,,"]))
    return place


def test_bytecode_is_made_anew(installed: Place) -> None:
    """What lay there before is not signed; what is signed is not checked against dates, so it is never made again."""
    source = installed.site / "shop/till.py"
    bytecode = Path(importlib.util.cache_from_source(str(source)))
    bytecode.parent.mkdir()
    bytecode.write_bytes(b"poison")
    (bytecode.parent / "other.pyc").write_bytes(b"poison")

    manifest = installation_manifest(installed.environment, "1.0", 1)

    site = installed.environment.site
    names = {name.removeprefix(f"{site}/") for name in manifest.files if "__pycache__" in name}
    assert {
        f"shop/__pycache__/{bytecode.name}",
        f"shop/__pycache__/__init__.{bytecode.name.partition('.')[2]}",
    } == names
    assert importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") == bytecode.read_bytes()[:8]
    assert {"bin/python": "/usr/bin/python3", "lib64": "lib"} == manifest.links


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("shop/till.py", "differ from what their package installed"),
        ("shop/extra.py", "belong to no installed package"),
        ("evil.pth", "belong to no installed package"),
        ("sitecustomize.py", "belong to no installed package"),
        ("../../../bin/extra", "belong to no installed package"),
    ],
)
def test_a_file_that_nobody_claims(installed: Place, path: str, fault: str) -> None:
    """It is named, and nothing is signed."""
    (installed.site / path).write_bytes(b"pass\n")

    with pytest.raises(NotSignableError, match=fault) as caught:
        installation_manifest(installed.environment, "1.0", 1)

    assert 1 == len(caught.value.paths)


def test_a_claimed_file_that_is_gone(installed: Place) -> None:
    """Half an installation is not signed."""
    (installed.site / "shop/till.py").unlink()

    with pytest.raises(NotSignableError, match="are missing"):
        installation_manifest(installed.environment, "1.0", 1)


def test_a_link_into_the_packages(installed: Place) -> None:
    """No package installs links."""
    (installed.site / "more").symlink_to("shop")

    with pytest.raises(NotSignableError, match="belong to no installed package"):
        installation_manifest(installed.environment, "1.0", 1)


def test_a_signing_key_is_its_owners(tmp_path: Path) -> None:
    """Mode 0600, never overwritten, refused where others can read it, protected by a passphrase where one is given."""
    path = tmp_path / "key.pem"
    key = make_signing_key(path, b"a passphrase")

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert key.public_key() == load_signing_key(path, b"a passphrase").public_key()
    with pytest.raises(TrustFileError, match="passphrase"):
        load_signing_key(path)
    with pytest.raises(TrustFileError, match="cannot be made"):
        make_signing_key(path)
    path.chmod(0o640)
    with pytest.raises(TrustFileError, match="others can reach it"):
        load_signing_key(path, b"a passphrase")


def test_pinned_keys_read_as_they_were_written(tmp_path: Path) -> None:
    """By role; two of a role while one replaces the other."""
    keys = [make_signing_key(tmp_path / name).public_key() for name in ("a", "b", "c")]
    path = tmp_path / "integrity.keys"
    kinds = (Kind.INSTALLATION, Kind.INSTALLATION, Kind.RELEASE)
    path.write_text("# pinned\n\n" + "".join(map(public_line, kinds, keys, ("one", "", "vendor"))))

    trust = read_trust(path)

    assert keys[:2] == list(trust.of(Kind.INSTALLATION).values())
    assert keys[2:] == list(trust.of(Kind.RELEASE).values())


@pytest.mark.parametrize(
    "line", ["installation", "vendor ed25519:AAAA", "release rsa:AAAA", "release ed25519:*", "a b c"]
)
def test_a_slip_in_the_pinned_keys(tmp_path: Path, line: str) -> None:
    """The line is named, and no key counts."""
    path = tmp_path / "integrity.keys"
    path.write_text(f"# keys\n{line}\n")

    with pytest.raises(TrustFileError, match="line 2"):
        read_trust(path)
