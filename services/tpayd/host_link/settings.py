"""Settings of host_link: config/host_link.toml, which explains each."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tpayd.host_link.line import Waits
from tpayd.kit.settings import ServiceSettings
from tpayd_contracts.shapes import Name, TerminalId

__all__ = ["HostLinkSettings", "ProfileSettings", "TlsSettings", "split_address"]

_ADDRESS = r"^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}$"
_LAST_PORT = 65_535

Address = Annotated[str, Meta(pattern=_ADDRESS, description="name:port, or [::1]:port")]


class TlsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """TLS on the lines of a profile. Files are named relative to the instance directory."""

    enabled: bool = False
    ca_file: str = ""
    server_name: str = ""
    client_certificate: str = ""
    client_key: str = ""


class ProfileSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One host, as it is reached for real payments or for tests (T1)."""

    addresses: Annotated[tuple[Address, ...], Meta(max_length=8)] = ()
    lines_per_address: Annotated[int, Meta(ge=1, le=8)] = 1
    adapter: Name = "iso8583"
    station_id: TerminalId = "TPAYLINK"
    max_in_flight_per_line: Annotated[int, Meta(ge=1, le=1024)] = 128
    tls: TlsSettings = TlsSettings()
    waits: Waits = Waits()

    def __post_init__(self) -> None:
        for address in self.addresses:
            if not 0 < split_address(address)[1] <= _LAST_PORT:
                raise ValueError(f"addresses: {address!r} has no port from 1 to {_LAST_PORT}")


class Profiles(Struct, frozen=True, forbid_unknown_fields=True):
    """`store.host_profile` says which one is in force."""

    live: ProfileSettings = ProfileSettings()
    test: ProfileSettings = ProfileSettings()


class HostLinkSettings(ServiceSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    profiles: Profiles = Profiles()


def split_address(address: str) -> tuple[str, int]:
    """Host and port of an address that the settings accepted."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
