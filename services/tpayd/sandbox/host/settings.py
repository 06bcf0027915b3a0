"""Settings of the sandbox's host: config/sandbox_host.toml, which explains each."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tpayd.kit.settings import Port, ServiceSettings

__all__ = ["SandboxHostSettings", "ServerTls"]


class ServerTls(Struct, frozen=True, forbid_unknown_fields=True):
    """TLS of the host's port. Files are named relative to the instance directory."""

    certificate: str = ""
    key: str = ""
    client_ca_file: str = ""


class SandboxHostSettings(ServiceSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    port: Port = 7720
    connections_max: Annotated[int, Meta(ge=1, le=1024)] = 64
    partial_voids: bool = True
    late_answer_s: Annotated[float, Meta(gt=0, le=600)] = 45.0
    time_ahead_s: Annotated[int, Meta(ge=-200_000_000, le=200_000_000)] = 0
    tls: ServerTls = ServerTls()
