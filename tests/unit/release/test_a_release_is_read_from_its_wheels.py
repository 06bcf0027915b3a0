"""What a release says is what its wheels say, and what cannot be released is named."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.release.errors import ReleaseToolError
from ops.release.next_version import rewritten_wheel
from ops.release.releasing import describe_release
from tests.unit.release.conftest import MakeWheel, small_wheel
from tpayd.integrity.wheels import release_manifest
from tpayd.key_manager.store_header import SCHEMA_VERSION
from tpayd.updater.release import Release
from tpayd_contracts.version import CONTRACT_VERSION

ROOT = Path(__file__).resolve().parents[3]


def described(*wheels: Path) -> Release:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    return describe_release(wheels, min_from="0.1.0", changelog={"en": "* new"}, published_at=now)


def test_the_description_says_what_the_wheel_says(make_wheel: MakeWheel) -> None:
    """Version, Python, the newest revision, the key store's schema and the contract."""
    release = described(make_wheel("0.2.0"))

    assert ("0.2.0", (3, 11), "0002", 2, "1.0") == (
        str(release.version), release.python, release.journal_revision, release.keystore_version, release.contract,
    )  # fmt: skip


def test_the_real_tree_can_be_released(tmp_path: Path) -> None:
    """The files that are read lie where the tool looks, with what the running code says."""
    services, contracts = ROOT / "services", ROOT / "contracts"
    sources = [*services.glob("tpayd/**/*.py"), contracts / "tpayd_contracts/version.py"]
    real = {
        str(path.relative_to(services if path.is_relative_to(services) else contracts)): path.read_bytes()
        for path in sources
        if path.name in {"store.py", "version.py"} or "versions" in path.parts
    }
    release = described(small_wheel(tmp_path, "0.2.0", **real))

    revisions = sorted((services / "tpayd/transaction/journal/migrations/versions").glob("0*.py"))
    assert revisions[-1].name.split("_")[0] == release.journal_revision
    assert (SCHEMA_VERSION, str(CONTRACT_VERSION)) == (release.keystore_version, release.contract)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"tpayd_contracts__version.py": b"X = 1\n"}, "has no CONTRACT_VERSION"),
        ({"tpayd_contracts__version.py": b"CONTRACT_VERSION = 1\n"}, "is no version"),
        ({"tpayd__key_manager__store_header.py": b"SCHEMA_VERSION = (\n"}, "that can be released: .* never closed"),
    ],
)
def test_a_wheel_that_cannot_be_released(tmp_path: Path, broken: dict[str, bytes], told: str) -> None:
    """The file, and what is missing from it."""
    with pytest.raises(ReleaseToolError, match=told):
        described(small_wheel(tmp_path, "0.2.0", **broken))


def test_what_is_no_release(tmp_path: Path, make_wheel: MakeWheel) -> None:
    """Without tpayd, with two of them, or with a file that is no wheel."""
    other = tmp_path / "tomlkit-0.13-py3-none-any.whl"
    other.write_bytes(b"x")
    broken = tmp_path / "tpayd-0.2.0-py3-none-any.whl"
    broken.write_bytes(b"no archive")

    for wheels in ([], [other], [make_wheel("0.2.0"), make_wheel("0.3.0")], [broken]):
        with pytest.raises(ReleaseToolError):
            described(*wheels)


def test_a_version_that_stores_cannot_order(make_wheel: MakeWheel) -> None:
    """It is refused before it is published."""
    with pytest.raises(ReleaseToolError, match=r"major\.minor\.patch"):
        described(make_wheel("0.2.0rc1"))


def test_a_rewritten_wheel_is_a_wheel(tmp_path: Path, make_wheel: MakeWheel) -> None:
    """Its RECORD is right, Python imports it, and the same input gives the same bytes."""
    first = rewritten_wheel(make_wheel("0.2.0"), "0.3.0", tmp_path, {"tpayd/new.py": b"NEW = True\n"})
    content = first.read_bytes()
    again = rewritten_wheel(make_wheel("0.2.0"), "0.3.0", tmp_path, {"tpayd/new.py": b"NEW = True\n"})
    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(first)!r}); import tpayd.new, tpayd; "
         "print(tpayd.__version__, tpayd.new.NEW)"],
        check=True, capture_output=True, text=True, timeout=30,
    ).stdout  # fmt: skip

    assert "0.3.0 True" == said.strip()
    assert content == again.read_bytes()
    assert any(path.endswith("tpayd/new.py") for path in release_manifest([first], "0.3.0", 0).files)
    with zipfile.ZipFile(first) as archive:
        assert b"Version: 0.3.0" in archive.read("tpayd-0.3.0.dist-info/METADATA")
