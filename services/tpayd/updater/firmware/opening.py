"""The repository that the settings name, for whoever asks first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpayd.kit.instance import Instance
from tpayd.updater.errors import HereError, RootError
from tpayd.updater.settings import UpdaterSettings

if TYPE_CHECKING:
    from tpayd.updater.trusted import TrustedRepository

__all__ = ["open_repository"]


def open_repository(instance: Instance, settings: UpdaterSettings) -> TrustedRepository:
    """Raises HereError where the settings name none, RootError."""
    # What signs and verifies is heavy, and a store that is told of no repository never pays for it.
    from tpayd.updater.fetching import Limits  # noqa: PLC0415
    from tpayd.updater.trusted import TrustedRepository  # noqa: PLC0415

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
    return TrustedRepository(instance.home / "updates", settings.repository_url, root, limits)
