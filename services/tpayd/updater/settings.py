"""Settings of the updater: config/updater.toml, which explains each."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tpayd.kit.settings import ServiceSettings
from tpayd.updater.firmware.choosing import FAMILIES, ReaderFamily

__all__ = ["UpdaterSettings"]

_HOUR = r"([01][0-9]|2[0-3]):[0-5][0-9]"


class UpdaterSettings(ServiceSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    drain_s: Annotated[float, Meta(ge=0, le=600)] = 5.0
    """Seconds that work under way gets to finish after SIGTERM; a download goes on where it was, later."""
    repository_url: Annotated[
        str, Meta(pattern=r"^(?:https?://[^\s?#]{1,500})?$", max_length=512, description="http(s)://, or empty")
    ] = ""
    """URL below which `metadata/` and `targets/` lie; empty: there are no updates."""
    root_file: Annotated[str, Meta(min_length=1, max_length=256)] = "config/updates_root.json"
    """The repository's first root of trust, relative to the instance directory."""
    check_every_h: Annotated[int, Meta(ge=0, le=720)] = 24
    """Hours between two looks for a new version; 0: only by hand."""
    window: Annotated[
        str, Meta(pattern=rf"^(?:{_HOUR}-{_HOUR})?$", description="two times of day, 02:00-05:00, or empty")
    ] = "02:00-05:00"
    """Local times between which a release is applied by itself; empty: at none, by hand at any time."""
    idle_wait_s: Annotated[float, Meta(ge=1, le=14_400)] = 900.0
    """Seconds that payments under way are waited for."""
    ready_limit_s: Annotated[float, Meta(ge=5, le=600)] = 60.0
    """Seconds that a new version gets to be ready."""
    trial_s: Annotated[float, Meta(ge=1, le=3600)] = 60.0
    """Seconds that it has to stay ready before it is kept for good."""
    keep_releases: Annotated[int, Meta(ge=1, le=10)] = 1
    """Installed versions kept beside the running one."""
    reader_families: Annotated[tuple[ReaderFamily, ...], Meta(max_length=32)] = FAMILIES
    """The vendors of readers' firmware, and how the models of their readers begin."""
    download_limit_s: Annotated[float, Meta(ge=1, le=86_400)] = 3600.0
    """Seconds that the fetching of one release may take altogether."""
    download_least_speed: Annotated[int, Meta(ge=1, le=1_000_000)] = 1024
    """Bytes a second, on average over half a minute, below which a download is given up."""
