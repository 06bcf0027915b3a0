"""A repository of releases in a directory of the test, with all its keys at hand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from securesystemslib.signer import CryptoSigner, Key

from ops.release.publishing import publish, renew
from ops.release.roles import firmware_role
from ops.release.workshop import Workshop
from tpayd.transaction.journal.schema import SCHEMA_VERSION
from tpayd.updater.release import Release, Version, Wheel

__all__ = ["Publisher", "digest"]

WHEEL = "tpayd-{version}-py3-none-any.whl"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Publisher:
    """Whoever publishes: every key is named by its role. `now` may be set, for what shall have expired."""

    def __init__(self, directory: Path, now: datetime | None = None) -> None:
        self.now = now
        self.keys: dict[str, CryptoSigner] = {
            name: CryptoSigner.generate_ed25519() for name in ("a", "b", "c", "targets", "releases", "online")
        }
        self._files = directory / "made"
        self.directory = directory / "repository"
        Workshop.make(
            self.directory,
            root_keys=[self.public(name) for name in "abc"],
            threshold=2,
            targets_key=self.public("targets"),
            releases_key=self.public("releases"),
            online_key=self.public("online"),
            now=now,
        )
        self.publish("a", "b", "targets", "releases")

    @property
    def root(self) -> bytes:
        """What a store is given by a way it trusts."""
        return (self.directory / "metadata" / "1.root.json").read_bytes()

    @property
    def workshop(self) -> Workshop:
        """The repository's tools."""
        return Workshop(self.directory, self.now)

    def public(self, name: str) -> Key:
        """The public half of a key, which is made where it is new."""
        self.keys.setdefault(name, CryptoSigner.generate_ed25519())
        return self.keys[name].public_key

    def sign(self, *names: str) -> None:
        """Have these keys sign all that is staged and theirs to sign."""
        workshop = self.workshop
        for name in names:
            for role in workshop.roles():
                if workshop.may_sign(role, self.keys[name]):
                    workshop.sign(role, self.keys[name])

    def publish(self, *names: str) -> None:
        """`sign`, then publish."""
        self.sign(*names)
        publish(self.workshop, self.keys["online"])

    def renew(self) -> None:
        """A new timestamp."""
        renew(self.workshop, self.keys["online"])

    def release(
        self, version: str, wheels: Mapping[str, bytes] | None = None, *, own: bytes | None = None, **fields: object
    ) -> Release:
        """Publish a version. `wheels` are those beside tpayd's `own`; `fields` replace those of the description."""
        files = {WHEEL.format(version=version): own or f"tpayd {version}".encode() * 100, **(wheels or {})}
        told: dict[str, object] = {
            "version": Version.parse(version),
            "wheels": tuple(Wheel(f"wheels/{name}", len(data), digest(data)) for name, data in sorted(files.items())),
            "python": (3, 11),
            "journal_revision": SCHEMA_VERSION,
            "keystore_version": 2,
            "contract": "1.0",
            "min_from": Version(0, 1, 0),
            "published_at": LONG_AGO,
            "changelog": {"en": f"What is new in {version}", "ko": f"{version}의 새로운 점"},
        } | fields
        release = Release(**told)  # type: ignore[arg-type]
        self.put("releases", {f"wheels/{name}": data for name, data in files.items()})
        self.put("releases", {f"releases/{version}.json": release.encode()})
        self.publish("releases")
        return release

    def firmware(self, vendor: str, files: Mapping[str, bytes]) -> None:
        """Publish a vendor's files; its delegation is made where it is new."""
        role = firmware_role(vendor)
        if role not in self.workshop.roles():
            self.workshop.delegate(role, [self.public(role)])
        self.put(role, {f"firmware/{vendor}/{name}": data for name, data in files.items()})
        self.publish("targets", role)

    def put(self, role: str, files: Mapping[str, bytes]) -> None:
        """Stage files."""
        sources = {}
        for path, data in files.items():
            sources[path] = self._files / digest(data)
            sources[path].parent.mkdir(parents=True, exist_ok=True)
            sources[path].write_bytes(data)
        self.workshop.put(role, sources)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()
