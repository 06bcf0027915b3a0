"""Sees who a server says it is, before anything is told to it: no user, no password."""

from __future__ import annotations

import asyncio
import ftplib
import ssl
from dataclasses import dataclass

from tpayd.log_shipper.delivery.errors import DeliveryError, Reason
from tpayd.log_shipper.delivery.ftp_client import FtpClient, fingerprint_of
from tpayd.log_shipper.delivery.ftp_errors import no_session
from tpayd.log_shipper.delivery.host_keys import HostKey, algorithms_for
from tpayd.log_shipper.delivery.sentences import no_connection, said
from tpayd.log_shipper.delivery.settings import DestinationSettings

__all__ = ["Identity", "look_at"]


@dataclass(frozen=True)
class Identity:
    """What the server shows of itself, for a setting to name."""

    setting: str
    value: str
    shown: str
    """As people compare it."""
    trusted: bool
    """The settings name it already."""


async def look_at(destination: DestinationSettings) -> Identity | None:
    """Connect, look and leave; None: plain FTP, where nobody shows anything. Raises DeliveryError."""
    if destination.place.scheme == "sftp":
        return await _host_key(destination)
    return await asyncio.to_thread(_certificate, destination)


async def _host_key(destination: DestinationSettings) -> Identity:
    import asyncssh  # noqa: PLC0415  heavy, and only where SFTP is spoken

    place = destination.place
    try:
        key = await asyncssh.get_server_host_key(
            place.host, place.port, server_host_key_algs=algorithms_for(destination.host_key), config=None
        )
    except asyncssh.Error as error:
        text = (
            f"{place.host} port {place.port} speaks no SSH that tpayd accepts: {said(error)}; is destination.url right?"
        )
        raise DeliveryError(Reason.UNSUPPORTED, text) from error
    except OSError as error:
        raise no_connection(place, error) from error
    if key is None:
        raise DeliveryError(Reason.UNSUPPORTED, f"{place.host} shows no host key; it cannot be known by one")
    found = HostKey.of(key)
    shown = f"host key {found.line.split()[0]} {found.fingerprint}"
    return Identity("destination.host_key", found.line, shown, trusted=found.is_one_of(destination.host_key))


def _certificate(destination: DestinationSettings) -> Identity | None:
    place = destination.place
    context = None
    if place.scheme == "ftps":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Whether it is trusted is found out at the login; here it is only looked at.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    client = FtpClient(context, (), implicit=destination.implicit_tls)
    try:
        client.begin(place.host, place.port, destination.connect_s, destination.connect_s)
        if context is None or client.sock is None:
            return None
        found = fingerprint_of(client.sock)
    except (ftplib.Error, OSError, EOFError) as error:
        raise no_session(destination, error, "") from error
    finally:
        client.close()
    pins = {pin.replace(":", "").lower() for pin in destination.certificate_sha256}
    shown = f"certificate SHA-256 {found}"
    return Identity("destination.certificate_sha256", found, shown, trusted=found in pins if pins else True)
