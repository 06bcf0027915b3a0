"""Settings of the gateway: config/gateway.toml, which explains each."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tpayd.kit.settings import Port, ServiceSettings

__all__ = ["GatewaySettings"]

Bound = Annotated[int, Meta(ge=1, le=4096)]
Milliseconds = Annotated[int, Meta(ge=1_000, le=3_600_000)]


class GatewaySettings(ServiceSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where clients are served, and how much each may have under way."""

    tcp_address: Annotated[str, Meta(pattern=r"^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]|\*|)$")] = "127.0.0.1"
    """Address to listen on; `*` is every one, empty is no tcp at all."""
    tcp_port: Port = 7700
    advertised_endpoint: Annotated[str, Meta(pattern=r"^(?:tcp://.+:[0-9]{1,5}|)$")] = ""
    """What key files tell clients to connect to; empty: tcp_address and tcp_port."""
    max_in_flight_per_client: Bound = 32
    max_in_flight: Bound = 1024
    max_sessions: Bound = 512
    max_sessions_per_client: Bound = 16
    default_ttl_ms: Milliseconds = 30_000
    max_ttl_ms: Milliseconds = 300_000
    health_wait_s: Annotated[float, Meta(gt=0, le=30)] = 1.0
    memory_limit_mib: Annotated[int, Meta(ge=0, le=1_048_576)] = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        for part, whole, text in (
            ("default_ttl_ms", "max_ttl_ms", "a request that names no time would get more than any may have"),
            ("max_in_flight_per_client", "max_in_flight", "a client would be told of requests that it never gets"),
            ("max_sessions_per_client", "max_sessions", "one client could take the sessions of all others"),
        ):
            if getattr(self, part) > getattr(self, whole):
                raise ValueError(
                    f"{part}: {getattr(self, part)} is more than {whole}, {getattr(self, whole)}: {text}; lower {part} "
                    f"or raise {whole}"
                )

    @property
    def tcp_endpoint(self) -> str | None:
        """Where to bind; None: tcp is off."""
        return f"tcp://{self.tcp_address}:{self.tcp_port}" if self.tcp_address else None

    @property
    def client_endpoint(self) -> str:
        """What a key file says."""
        address = "127.0.0.1" if self.tcp_address in {"", "*", "0.0.0.0", "[::]"} else self.tcp_address  # noqa: S104
        return self.advertised_endpoint or f"tcp://{address}:{self.tcp_port}"
