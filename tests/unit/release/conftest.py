"""Wheels of a tpayd that is small, and says of itself what a release has to know."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.release.next_version import rewritten_wheel

MakeWheel = Callable[[str], Path]

SMALL = {
    "tpayd/__init__.py": b'__version__ = "0.0.0"\n',
    "tpayd/key_manager/store_header.py": b"SCHEMA_VERSION = 2\n",
    "tpayd/transaction/journal/migrations/versions/0001_first.py": b'revision = "0001"\n',
    "tpayd/transaction/journal/migrations/versions/0002_second.py": b'revision = "0002"\n',
    "tpayd_contracts/version.py": b"CONTRACT_VERSION = ContractVersion(1, 0)\n",
    "tpayd-0.0.0.dist-info/METADATA": b"Metadata-Version: 2.4\nName: tpayd\nVersion: 0.0.0\nRequires-Python: >=3.11\n",
    "tpayd-0.0.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tpayd-0.0.0.dist-info/RECORD": b"",
}


def small_wheel(directory: Path, version: str, **changed: bytes) -> Path:
    """A wheel that pip installs; `changed` are files' new contents, by their path with `__` for `/`."""
    base = directory / "tpayd-0.0.0-py3-none-any.whl"
    with zipfile.ZipFile(base, "w") as archive:
        for name, content in SMALL.items():
            archive.writestr(name, content)
    made = rewritten_wheel(base, version, directory, {name.replace("__", "/"): data for name, data in changed.items()})
    base.unlink()
    return made


@pytest.fixture
def make_wheel(tmp_path: Path) -> MakeWheel:
    directory = tmp_path / "built"
    directory.mkdir()
    return lambda version: small_wheel(directory, version)
