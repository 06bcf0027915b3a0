"""Settings of the sandbox's server for log bundles: config/sandbox_logs.toml, which explains each."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tpayd.kit.settings import Port, ServiceSettings

__all__ = ["SandboxLogsSettings"]


class SandboxLogsSettings(ServiceSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    port: Port = 7722
    directory: Annotated[str, Meta(min_length=1, max_length=512)] = "sandbox/logs"
    """What the user sees as /; bundles go to `incoming/` below it. Relative to the instance directory, or absolute."""
