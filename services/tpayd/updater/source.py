"""The repository as the rest of the updater sees it: which release is next, and its wheels on disk. Blocks.

What signs and verifies (`trusted`, and the library under it) is imported when somebody asks for the first time: a
store that is not told of any repository never pays for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tpayd.kit.instance import Instance
from tpayd.releases.layout import Layout
from tpayd.updater.errors import HereError, NoSpaceError, NotOfferedError, RootError
from tpayd.updater.fitting import Here, misfit, newer, version_or_none
from tpayd.updater.release import Release, Wheel
from tpayd.updater.settings import UpdaterSettings
from tpayd.updater.targets import Progress, Target

if TYPE_CHECKING:
    from tpayd.updater.trusted import TrustedRepository

__all__ = ["Found", "Source", "repository"]


@dataclass(frozen=True)
class Found:
    """A release that is newer than what runs."""

    release: Release
    problem: str
    """Why it cannot be gone over to; empty: it can."""
    missing_bytes: int


@dataclass(frozen=True)
class Fetched:
    """A release whose files are here, verified."""

    release: Release
    wheels: tuple[Path, ...]
    file_list: Path | None


class Source:
    """Asks and fetches; one call at a time."""

    def __init__(self, instance: Instance, settings: UpdaterSettings) -> None:
        self._instance = instance
        self._settings = settings
        self._repository: TrustedRepository | None = None
        self.stop = threading.Event()
        self.signed_at: datetime | None = None
        """When the repository was last vouched for, by a signature that was right; None: not known."""

    @property
    def named(self) -> bool:
        """Whether the settings name a repository at all."""
        return bool(self._settings.repository_url)

    def newest(self, here: Here, wanted: str = "", *, again: bool = False) -> Found | None:
        """The newest release that fits, else the newest one with its problem; None: nothing newer than what runs.

        `wanted` names one; what runs already, or came before it, is none. Raises UpdateError.
        """
        trusted = self._opened()
        self.signed_at = trusted.refresh(self.stop).signed_at
        versions = [version for version in trusted.versions() if newer(version, here.running)]
        if wanted:
            chosen = version_or_none(wanted)
            if chosen is None or chosen not in trusted.versions():
                raise NotOfferedError(f"there is no release {wanted}; `tpayd update check` shows what there is")
            if chosen not in versions:
                raise NotOfferedError(f"{wanted} is not newer than {here.running}, which runs")
            versions = [chosen]
        first: Found | None = None
        for version in versions:
            release = trusted.release(version, self.stop)
            found = Found(release, misfit(release, here, again=again), trusted.missing_bytes(_wheels(release)))
            if not found.problem:
                return found
            first = first or found
        return first

    def fetch(self, release: Release, on_progress: Callable[[Progress], None]) -> Fetched:
        """Its wheels for this machine, and the vendor's list of files. Raises UpdateError."""
        trusted = self._opened()
        wheels = _wheels(release)
        places = trusted.fetch_wheels(wheels, on_progress, self.stop)
        file_list = trusted.fetch(release.file_list, stop=self.stop) if release.file_list is not None else None
        return Fetched(release, places, file_list)

    def tidy(self, versions: Collection[str]) -> int:
        """Remove the fetched files that nobody needs any more; returns the bytes freed.

        What stays: the files of `versions` (the next release shares most wheels with them), of the newest release, and
        all firmware that is offered. Raises UpdateError: nothing was removed then, unless the disk failed.
        """
        trusted = self._opened()
        trusted.refresh(self.stop)
        offered = trusted.versions()
        keep: list[Target | Wheel] = []
        for version in offered:
            if version == offered[0] or str(version) in versions:
                release = trusted.release(version, self.stop)
                keep += release.wheels
                paths = (f"releases/{version}.json", release.file_list)
                keep += (trusted.target(path) for path in paths if path is not None)
        for family in self._settings.reader_families:
            keep += trusted.firmware(family.vendor)
        return trusted.forget(keep)

    def _opened(self) -> TrustedRepository:
        if self._repository is None:
            self._repository = repository(self._instance, self._settings)
        return self._repository


def repository(instance: Instance, settings: UpdaterSettings) -> TrustedRepository:
    """The repository that the settings name. Raises HereError where they name none, RootError."""
    from tpayd.updater.patience import Limits  # noqa: PLC0415
    from tpayd.updater.trusted import TrustedRepository  # noqa: PLC0415  heavy, and only needed with a repository

    if not settings.repository_url:
        raise HereError("no repository of releases is set: `tpayd settings set updater.repository_url=URL --restart`")
    path = instance.home / settings.root_file
    try:
        root = path.read_bytes()
    except OSError as error:
        raise RootError(f"{path} cannot be read: {error.strerror}; put the vendor's root of trust there") from error
    limits = Limits(
        file_s=settings.download_limit_s, least_speed_bytes_per_s=float(settings.download_least_speed)
    )  # fmt: skip
    directory = Layout(instance.home).updates
    try:
        directory.mkdir(mode=0o750, exist_ok=True)
    except OSError as error:
        raise NoSpaceError(f"{directory} cannot be made: {error.strerror}") from error
    return TrustedRepository(directory, settings.repository_url, root, limits)


def _wheels(release: Release) -> tuple[Wheel, ...]:
    from tpayd.updater.machine import supported_tags  # noqa: PLC0415

    return release.wheels_for(supported_tags())
