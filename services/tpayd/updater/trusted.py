"""What a repository signed, and only that: releases, their wheels, and readers' firmware, by The Update Framework.

Offline keys (root, 2 of 3) say which keys sign what; `releases` signs `releases/*` and `wheels/*`, each firmware vendor
`firmware/<vendor>/*` and nothing else (TUF 1.0, section 4.5: path-scoped, terminating delegations). The server is
trusted with nothing. All calls block and belong into a thread; they may be made from several.

    updates/metadata/            what is trusted: the newest seen
    updates/files/<sha256>/…     what has been fetched: a file that two releases share is fetched once
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tuf.api.metadata import Metadata, Root, TargetFile, Targets, Timestamp
from tuf.ngclient import Updater

from tpayd.updater.errors import DescriptionError, MixedUpError, NotOfferedError
from tpayd.updater.fetched import FetchedFiles, held
from tpayd.updater.metadata import new_updater, sync_metadata, told_as_ours
from tpayd.updater.patience import Limits, Patience
from tpayd.updater.release import Release, Version, Wheel
from tpayd.updater.targets import OnProgress, Progress, Target, unheard

__all__ = ["SIGNED_AT_FIELD", "Standing", "TrustedRepository"]

SIGNED_AT_FIELD = "x-tpayd-signed-at"
"""A field of the timestamp role: when it was signed, `2026-01-31T12:00:00Z`."""
_DESCRIPTION_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Standing:
    """What a look at the repository found to be trusted."""

    root_version: int
    timestamp_version: int
    signed_at: datetime | None
    """When the repository was last vouched for, as its own key says."""
    expires_at: datetime
    """From then on a server that shows nothing newer is refused."""


class TrustedRepository:
    """One repository, and what this store has of it."""

    def __init__(self, directory: Path, url: str, root: bytes, limits: Limits | None = None) -> None:
        """Touches neither disk nor network.

        Args:
            directory: `updates/` of the instance; made when first needed.
            url: of the repository, with `metadata/` and `targets/` below it.
            root: the root metadata that this store was given by a way it trusts; any version of it will do.
            limits: what the server is granted.
        """
        self._url = url.rstrip("/")
        self._root = root
        self._limits = limits or Limits()
        self._metadata = directory / "metadata"
        self._files = FetchedFiles(directory / "files", f"{self._url}/targets", self._limits)
        self._updater: Updater | None = None
        self._turn = threading.RLock()

    def refresh(self, stop: threading.Event | None = None) -> Standing:
        """Look for newer metadata and verify it.

        Raises UpdateError: what was trusted before the call is so after it.
        """
        with self._turn, held(self._metadata, self._limits.busy_wait_s), told_as_ours(self._url):
            patience = Patience(self._limits, self._limits.metadata_s, stop)
            updater = new_updater(self._metadata, self._url, self._root, patience)
            updater.refresh()
            sync_metadata(self._metadata)
            self._updater = updater
            return self._standing()

    def versions(self) -> tuple[Version, ...]:
        """Of all releases offered, newest first; looks at the repository if nobody did yet. Raises UpdateError."""
        found = []
        for target in self._listed("releases", "releases/"):
            if target.name.endswith(".json"):
                try:
                    found.append(Version.parse(target.name.removesuffix(".json")))
                except ValueError as error:
                    raise DescriptionError(f"{target.path}: {error}; the vendor has to publish it anew") from None
        return tuple(sorted(found, reverse=True))

    def release(self, version: Version, stop: threading.Event | None = None) -> Release:
        """The description of one version; fetched where it is not here yet. Raises UpdateError."""
        path = f"releases/{version}.json"
        if (size := self.target(path).length_bytes) > _DESCRIPTION_MAX_BYTES:
            raise DescriptionError(f"{path} has {size} bytes; a description has {_DESCRIPTION_MAX_BYTES} at most")
        release = Release.parse(self.fetch(path, stop=stop).read_bytes(), name=path)
        if release.version != version:
            raise DescriptionError(f"{path}: version is {release.version}; the vendor has to publish it anew")
        return release

    def releases(self, stop: threading.Event | None = None) -> tuple[Release, ...]:
        """All that are offered, newest first. Raises UpdateError."""
        return tuple(self.release(version, stop) for version in self.versions())

    def firmware(self, vendor: str) -> tuple[Target, ...]:
        """What a firmware vendor offers below `firmware/<vendor>/`, by path. Raises UpdateError."""
        return self._listed(f"firmware-{vendor}", f"firmware/{vendor}/")

    def target(self, path: str) -> Target:
        """Raises NotOfferedError where nobody who may sign this path lists it, and UpdateError."""
        info = self._info(path)
        if info is None:
            text = f"{path} is signed by nobody who may sign it; check again, or ask the vendor"
            raise NotOfferedError(text)
        return _target(info)

    def fetch(self, path: str, on_progress: OnProgress = unheard, stop: threading.Event | None = None) -> Path:
        """A target, verified; from here where it is here already, else from where the last try ended.

        Returns:
            Where it lies, under its own name. It may be read until `forget`.

        Raises:
            UpdateError: nothing that was here before has changed.
        """
        return self._files.fetch(self.target(path), on_progress, stop)

    def missing_bytes(self, wheels: Iterable[Wheel]) -> int:
        """What is still to be fetched of these."""
        return sum(self._files.missing_bytes(_of(wheel)) for wheel in wheels)

    def fetch_wheels(
        self, wheels: Collection[Wheel], on_progress: OnProgress = unheard, stop: threading.Event | None = None
    ) -> tuple[Path, ...]:
        """The wheels of a release, verified, in their order. Progress is that of all together.

        Raises:
            MixedUpError: a wheel is not the one that the release was made with.
            UpdateError: those fetched so far stay.
        """
        total = sum(wheel.length_bytes for wheel in wheels)
        before = 0
        places = []
        for wheel in wheels:
            if self.target(wheel.target) != _of(wheel):
                text = f"{wheel.filename} is not the file that the release was made with; the vendor must publish anew"
                raise MixedUpError(text)

            def told(progress: Progress, before: int = before) -> None:
                on_progress(Progress(progress.target, before + progress.done_bytes, total))

            places.append(self.fetch(wheel.target, told, stop))
            before += wheel.length_bytes
        return tuple(places)

    def forget(self, keep: Collection[Target | Wheel]) -> int:
        """Remove all fetched files but these, parts too. Returns the bytes freed. Raises NoSpaceError."""
        return self._files.forget([_of(each) if isinstance(each, Wheel) else each for each in keep])

    def _standing(self) -> Standing:
        # These files are what has just been verified.
        root = Metadata[Root].from_file(str(self._metadata / "root.json")).signed
        timestamp = Metadata[Timestamp].from_file(str(self._metadata / "timestamp.json")).signed
        said = timestamp.unrecognized_fields.get(SIGNED_AT_FIELD)
        try:
            signed_at = datetime.strptime(str(said), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            signed_at = None
        return Standing(root.version, timestamp.version, signed_at, timestamp.expires)

    def _listed(self, role: str, prefix: str) -> tuple[Target, ...]:
        with self._turn:
            # Asking for any path of the role's makes tuf load and verify it; the file has then what was verified.
            self._info(f"{prefix}.")
            file = self._metadata / f"{role}.json"
            if not file.exists():
                return ()
            with told_as_ours(self._url):
                names = sorted(Metadata[Targets].from_file(str(file)).signed.targets)
            # Each is asked for again: a role may list what it may not sign, or be delegated to no more.
            found = [self._info(name) for name in names if name.startswith(prefix)]
        return tuple(_target(info) for info in found if info is not None)

    def _info(self, path: str) -> TargetFile | None:
        with self._turn:
            if self._updater is None:
                self.refresh()
            assert self._updater is not None  # noqa: S101 - set by refresh
            with told_as_ours(self._url):
                return self._updater.get_targetinfo(path)


def _of(wheel: Wheel) -> Target:
    return Target(wheel.target, wheel.length_bytes, wheel.sha256)


def _target(info: TargetFile) -> Target:
    plain = info.path.isascii() and info.path.isprintable() and not {"", ".", "..", ".part"} & set(info.path.split("/"))
    sha256 = info.hashes.get("sha256")
    if sha256 is None or len(info.hashes) != 1 or not plain:
        raise DescriptionError(f"{info.path[:100]!r}: must be signed with its SHA-256 alone, under a plain path")
    return Target(info.path, info.length, sha256)
