"""With a vendor's key pinned, code counts only if the vendor listed it: the list of the machine adds no code."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.unit.integrity.conftest import MakeWheel, Place
from tpayd.integrity.checking import check
from tpayd.integrity.errors import WheelError
from tpayd.integrity.manifest import FileEntry, Kind
from tpayd.integrity.wheels import release_manifest

CODE = {"shop/__init__.py": b"", "shop/till.py": b"OPEN = True\n"}


def look(place: Place) -> list[tuple[str, str]]:
    checked = check(place.environment, place.trust, limit_s=30.0)
    return [(fault.kind.value, fault.path) for fault in checked.faults]


@pytest.fixture
def vendor(place: Place, make_wheel: MakeWheel) -> Place:
    """A place with a release: what its wheel holds, installed."""
    (place.site / "shop-1.0.dist-info").mkdir()
    (place.site / "shop-1.0.dist-info/METADATA").write_bytes(b"Name: x\n")
    (place.site / "shop-1.0.dist-info/RECORD").write_bytes(b"by the installer\n")
    (place.site / "shop/__pycache__").mkdir()
    (place.site / "shop/__pycache__/till.cpython-311.pyc").write_bytes(b"made here")
    place.put(release_manifest([make_wheel("shop", CODE)], "1.0", 1))
    place.sign()
    place.pin(Kind.INSTALLATION, Kind.RELEASE)
    return place


def test_a_release_and_what_its_installer_made(vendor: Place) -> None:
    """Bytecode, RECORD and `pyvenv.cfg` stand in the list of the machine, all else in the vendor's."""
    checked = check(vendor.environment, vendor.trust, limit_s=30.0)

    assert (True, 2) == (checked.passed, len(checked.signers))


def test_the_machine_vouches_for_no_code(vendor: Place) -> None:
    """A module that was signed on the machine alone is unlisted, and a link to code is refused."""
    (vendor.site / "evil.py").write_bytes(b"pass\n")
    (vendor.site / "evil.pth").write_bytes(b"import os\n")
    (vendor.site / "linked.py").symlink_to("shop/till.py")
    vendor.sign()
    site = vendor.environment.site

    found = look(vendor)

    assert {("unlisted", f"{site}/evil.py"), ("unlisted", f"{site}/evil.pth"), ("link", f"{site}/linked.py")} <= {
        *found
    }


def test_the_machine_changes_no_code(vendor: Place) -> None:
    """Also where the list of the machine agrees with what lies there."""
    (vendor.site / "shop/till.py").write_bytes(b"OPEN = None\n")
    vendor.sign()

    assert ("changed", f"{vendor.environment.site}/shop/till.py") in look(vendor)


def test_a_wheel_becomes_a_list(make_wheel: MakeWheel) -> None:
    """Files for site-packages by their place there; scripts are the installer's."""
    wheel = make_wheel(
        "shop", {**CODE, "shop-1.0.data/purelib/more.py": b"1\n", "shop-1.0.data/scripts/run": b"#!python\n"}
    )

    manifest = release_manifest([wheel], "1.0", 7)

    expected = {"site/shop/__init__.py", "site/shop/till.py", "site/more.py", "site/shop-1.0.dist-info/METADATA"}
    assert (Kind.RELEASE, "1.0", 7, expected) == (
        manifest.kind, manifest.version, manifest.made_at_ms, set(manifest.files)
    )  # fmt: skip
    till = CODE["shop/till.py"]
    assert FileEntry(len(till), hashlib.sha256(till).hexdigest()) == manifest.files["site/shop/till.py"]


def test_a_wheel_that_is_not_its_record(make_wheel: MakeWheel, tmp_path: Path) -> None:
    """A file changed in the wheel, bytecode in it, two wheels that disagree, and what is no wheel: refused by name."""
    good = make_wheel("shop", CODE)
    altered = tmp_path / "altered.whl"
    altered.write_bytes(good.read_bytes().replace(b"OPEN = True", b"OPEN = Tru3"))
    with pytest.raises(WheelError, match=r"cannot be read|not what its RECORD says"):
        release_manifest([altered], "1.0", 1)
    with pytest.raises(WheelError, match="an installer's to make"):
        release_manifest([make_wheel("bytes", {"shop/__pycache__/till.pyc": b""})], "1.0", 1)
    with pytest.raises(WheelError, match=r"both hold site/shop/till\.py"):
        release_manifest([good, make_wheel("other", {"shop/till.py": b"OPEN = 1\n"})], "1.0", 1)
    with pytest.raises(WheelError, match="leaves the wheel"):
        release_manifest([make_wheel("out", {"../out.py": b""})], "1.0", 1)
    (tmp_path / "text.whl").write_text("no wheel")
    with pytest.raises(WheelError, match=r"text\.whl cannot be read"):
        release_manifest([tmp_path / "text.whl"], "1.0", 1)
    with pytest.raises(WheelError, match="no wheel to list"):
        release_manifest([], "1.0", 1)
