"""Is this installation what was signed? Signatures first, then the lists, then every file."""

from __future__ import annotations

import enum
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from tpayd.integrity.environment import Environment
from tpayd.integrity.errors import ManifestError, ScanError, TrustFileError
from tpayd.integrity.manifest import (
    MANIFEST_NAMES,
    SITE,
    FileEntry,
    Kind,
    OpenedManifest,
    is_made_by_installer,
)
from tpayd.integrity.scanning import Progress, Scan
from tpayd.integrity.trust import Trust, read_trust

__all__ = ["Checked", "Expected", "Fault", "FaultKind", "Stopper", "check", "expected_files"]

_MANIFEST_MAX_BYTES = 64 * 1024 * 1024


class FaultKind(enum.StrEnum):
    """What can be wrong. The first six are `scan`'s words."""

    CHANGED = "changed"
    MISSING = "missing"
    UNLISTED = "unlisted"
    LINK = "link"
    SPECIAL = "special"
    UNREADABLE = "unreadable"
    MANIFEST = "manifest"
    STARTED = "started"
    NOT_CHECKED = "not_checked"


class Fault(Struct, frozen=True):
    """One thing that is wrong."""

    kind: FaultKind
    path: str
    """Relative to the environment; empty where it is about no file."""
    text: str


class Checked(Struct, frozen=True):
    """What a check came to."""

    faults: tuple[Fault, ...]
    """The first ones."""
    found: int
    """All of them."""
    files: int = 0
    signers: tuple[str, ...] = ()
    """Ids of the keys that signed the lists."""
    version: str = ""
    """Of tpayd, as signed."""

    @property
    def passed(self) -> bool:
        return not self.found


class Expected(Struct, frozen=True):
    """What should lie in the environment."""

    files: dict[str, FileEntry]
    links: dict[str, str]
    signers: tuple[str, ...]
    version: str
    faults: tuple[Fault, ...] = ()
    """Where the two lists disagree."""


@dataclass
class Stopper:
    """Ends a check from another thread."""

    scan: Scan | None = field(default=None)
    stopped: bool = False

    def stop(self) -> None:
        self.stopped = True
        if self.scan is not None:
            self.scan.kill()


_TEXTS = {
    FaultKind.CHANGED: "differs from what was signed",
    FaultKind.MISSING: "is missing",
    FaultKind.UNLISTED: "is not in the signed list",
    FaultKind.LINK: "is a link that is not in the signed list",
    FaultKind.SPECIAL: "is neither file nor directory",
    FaultKind.UNREADABLE: "cannot be read",
}


def check(
    environment: Environment,
    trusted_keys: Path,
    *,
    limit_s: float,
    nice: int = 0,
    on_progress: Progress | None = None,
    stopper: Stopper | None = None,
) -> Checked:
    """Check an environment against what the keys in the file `trusted_keys` have signed. Blocks; raises nothing."""
    try:
        expected = expected_files(environment, read_trust(trusted_keys))
    except (ManifestError, TrustFileError) as error:
        return _failed(FaultKind.MANIFEST, str(error))
    scan = Scan(environment.root, expected.files, expected.links)
    if stopper is not None:
        stopper.scan = scan
        if stopper.stopped:
            scan.kill()
    try:
        result = scan.run(limit_s=limit_s, nice=nice, on_progress=on_progress)
    except (ScanError, OSError) as error:
        return _failed(FaultKind.NOT_CHECKED, str(error))
    kinds = [(FaultKind(what), path) for what, path in result.findings]
    faults = (*expected.faults, *(Fault(kind, path, f"{path} {_TEXTS[kind]}") for kind, path in kinds))
    found = result.found + len(expected.faults)
    return Checked(faults, found, result.files, expected.signers, expected.version)


def expected_files(environment: Environment, trust: Trust) -> Expected:
    """What the signed lists say together. Raises ManifestError."""
    if not trust.of(Kind.INSTALLATION):
        raise ManifestError("this instance pins no key, so no installation can be genuine: `tpayd integrity sign`")
    made = _open(environment, Kind.INSTALLATION, trust)
    if not trust.of(Kind.RELEASE):
        manifest = made.manifest
        return Expected(manifest.files, manifest.links, (made.key_id,), manifest.version)
    release = _open(environment, Kind.RELEASE, trust)
    return _joined(environment.site, release, made)


def _joined(site: str, release: OpenedManifest, made: OpenedManifest) -> Expected:
    """The vendor's list, and beside it only what an installer makes."""
    files = {_placed(site, path): entry for path, entry in release.manifest.files.items()}
    faults = []
    for path, entry in made.manifest.files.items():
        if path in files:
            if files[path] != entry:
                faults.append(Fault(FaultKind.CHANGED, path, f"{path} differs from what the vendor signed"))
        elif path.startswith("lib") and not _may_add(site, path):
            faults.append(Fault(FaultKind.UNLISTED, path, f"{path} is in no package that the vendor signed"))
        else:
            files[path] = entry
    links = made.manifest.links
    faults += [
        Fault(FaultKind.LINK, path, f"{path} is a link, and no part of the vendor's release")
        for path in links
        if path.startswith("lib/")
    ]
    return Expected(files, links, (release.key_id, made.key_id), release.manifest.version, tuple(faults))


def _placed(site: str, path: str) -> str:
    if not path.startswith(SITE):
        raise ManifestError(f"lists {path!r}, which is no path of a release")
    return f"{site}/{path.removeprefix(SITE)}"


def _may_add(site: str, path: str) -> bool:
    return path.startswith(f"{site}/") and is_made_by_installer(path.removeprefix(f"{site}/"))


def _open(environment: Environment, kind: Kind, trust: Trust) -> OpenedManifest:
    path = environment.root / MANIFEST_NAMES[kind]
    try:
        return OpenedManifest.open(_read(path), kind, trust.of(kind))
    except ManifestError as error:
        raise ManifestError(f"{path} {error}; `tpayd integrity sign` signs an installation") from None


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ManifestError("is missing") from None
    except OSError as error:
        raise ManifestError(f"cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MANIFEST_MAX_BYTES:
            raise ManifestError(f"is no file of up to {_MANIFEST_MAX_BYTES} bytes")
        return file.read(_MANIFEST_MAX_BYTES)


def _failed(kind: FaultKind, text: str) -> Checked:
    return Checked((Fault(kind, "", text),), 1)
