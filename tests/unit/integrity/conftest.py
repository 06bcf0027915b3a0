from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tpayd.integrity.environment import Environment
from tpayd.integrity.manifest import MANIFEST_NAMES, Kind, Manifest
from tpayd.integrity.signing import list_files
from tpayd.integrity.trust import make_signing_key, public_line

MakeWheel = Callable[[str, dict[str, bytes]], Path]


class Place:
    """A small environment, the keys that vouch for it, and what is pinned."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "env"
        self.site = self.root / Environment.at(self.root).site
        self.trust = directory / "integrity.keys"
        self.keys = {kind: make_signing_key(directory / f"{kind.value}.pem") for kind in Kind}
        (self.root / "bin").mkdir(parents=True)
        self.site.mkdir(parents=True)
        (self.root / "pyvenv.cfg").write_bytes(b"home = /usr/bin\n")
        (self.root / "bin/python").symlink_to("/usr/bin/python3")
        (self.root / "lib64").symlink_to("lib")
        (self.site / "shop").mkdir()
        (self.site / "shop/till.py").write_bytes(b"OPEN = True\n")
        (self.site / "shop/__init__.py").write_bytes(b"")
        self.pin(Kind.INSTALLATION)

    @property
    def environment(self) -> Environment:
        return Environment.at(self.root)

    def pin(self, *kinds: Kind) -> None:
        self.trust.write_text("".join(public_line(kind, self.keys[kind].public_key(), "a test") for kind in kinds))

    def sign(self) -> Manifest:
        """Sign what lies there, whatever it is."""
        files, links = list_files(self.root)
        manifest = Manifest(Kind.INSTALLATION, "1.0", 1, files, links)
        self.put(manifest)
        return manifest

    def put(self, manifest: Manifest) -> None:
        envelope = manifest.signed(self.keys[manifest.kind])
        (self.root / MANIFEST_NAMES[manifest.kind]).write_bytes(envelope)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.sign()
    return made


@pytest.fixture
def make_wheel(tmp_path: Path) -> MakeWheel:
    """A wheel of these files, with a RECORD."""

    def make(name: str, files: dict[str, bytes]) -> Path:
        path = tmp_path / f"{name}-1.0-py3-none-any.whl"
        info = f"{name}-1.0.dist-info"
        lines = []
        with zipfile.ZipFile(path, "w") as archive:
            for member, content in {**files, f"{info}/METADATA": b"Name: x\n"}.items():
                archive.writestr(member, content)
                digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
                lines.append(f"{member},sha256={digest},{len(content)}")
            archive.writestr(f"{info}/RECORD", "\n".join([*lines, f"{info}/RECORD,,"]))
        return path

    return make
