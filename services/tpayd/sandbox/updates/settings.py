"""Settings of the sandbox's server of releases: config/sandbox_updates.toml, which explains each."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tpayd.kit.settings import Port, ServiceSettings

__all__ = ["SandboxUpdatesSettings"]


class SandboxUpdatesSettings(ServiceSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    port: Port = 7721
    directory: Annotated[str, Meta(min_length=1, max_length=512)] = "sandbox/updates"
    """The repository: `metadata/` and `targets/` below it. Relative to the instance directory, or absolute."""
