"""The signed list of files, and its two kinds.

| kind           | signed by                   | lists                                  | paths begin with       |
|----------------|-----------------------------|----------------------------------------|------------------------|
| `release`      | the vendor, offline         | every file of the release's wheels     | `site/`: site-packages |
| `installation` | whoever installs, there     | every file and link of one environment | nothing: the root      |

An installation's list without a release's stands for everything (development, demo). With one it may add only what an
installer makes itself: entry scripts, `pyvenv.cfg`, its notes in `*.dist-info`, bytecode.
"""

from __future__ import annotations

import enum
import re
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from tpayd.integrity.envelope import open_envelope, seal
from tpayd.integrity.errors import ManifestError

__all__ = ["MANIFEST_NAMES", "SITE", "FileEntry", "Kind", "Manifest", "OpenedManifest", "is_made_by_installer"]

SITE = "site/"
"""Stands for site-packages in a release's list: where that is differs from one Python to another."""

_INSTALLER_MADE = re.compile(
    r"""(?x)
      (?:.*/)?__pycache__/[^/]+\.pyc
    | [^/]+\.dist-info/(?:INSTALLER|RECORD|REQUESTED|direct_url\.json)
    """
)


class Kind(enum.StrEnum):
    """Who vouches for what; also the role of a pinned key."""

    RELEASE = "release"
    INSTALLATION = "installation"

    @property
    def payload_type(self) -> str:
        """The envelope's type."""
        return f"application/vnd.tpayd.{self.value}+json"


MANIFEST_NAMES = {kind: f"tpayd-{kind.value}.manifest" for kind in Kind}
"""Files in the environment's root. They are in no list: their signature protects them."""


class FileEntry(Struct, frozen=True, array_like=True):
    """One file."""

    size: Annotated[int, Meta(ge=0)]
    """In bytes."""
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """A list of files."""

    kind: Kind
    version: str
    """Of tpayd."""
    made_at_ms: int
    """Milliseconds since 1970-01-01 UTC."""
    files: dict[str, FileEntry]
    links: dict[str, str] = {}
    """Symbolic links and their targets."""

    def __post_init__(self) -> None:
        for path in (*self.files, *self.links):
            if path.startswith("/") or any(part in ("", ".", "..") for part in path.split("/")):
                raise ValueError(f"{path!r} is no path within an installation")

    def signed(self, *keys: Ed25519PrivateKey) -> bytes:
        """The manifest in its envelope."""
        return seal(self.kind.payload_type, msgspec.json.encode(self, order="sorted"), keys)


class OpenedManifest(Struct, frozen=True):
    """A manifest whose signature counts."""

    manifest: Manifest
    key_id: str

    @classmethod
    def open(cls, envelope: bytes, kind: Kind, trusted: dict[str, Ed25519PublicKey]) -> OpenedManifest:
        """Check the signature, then read. Raises ManifestError."""
        signed = open_envelope(envelope, kind.payload_type, trusted)
        try:
            manifest = msgspec.json.decode(signed.payload, type=Manifest)
        except msgspec.DecodeError as error:
            raise ManifestError(f"is signed, and is no list of files: {error}") from None
        if manifest.kind is not kind:
            raise ManifestError(f"is a list of another kind: {manifest.kind.value}")
        return cls(manifest, signed.key_id)


def is_made_by_installer(path: str) -> bool:
    """Whether a path below site-packages is one that no wheel holds: bytecode, or an installer's own note."""
    return _INSTALLER_MADE.fullmatch(path) is not None
