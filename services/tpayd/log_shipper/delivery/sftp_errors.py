"""What asyncssh raises, as reasons."""

from __future__ import annotations

import asyncssh

from tpayd.log_shipper.delivery.errors import DeliveryError, Reason
from tpayd.log_shipper.delivery.host_keys import HostKey
from tpayd.log_shipper.delivery.sentences import (
    cut,
    full,
    no_connection,
    no_directory,
    not_accepted,
    not_permitted,
    said,
    why,
)
from tpayd.log_shipper.delivery.settings import DestinationSettings, Place

__all__ = ["no_login", "refused"]

_FULL = ("space", "quota", "full")


def no_login(destination: DestinationSettings, error: Exception, seen: list[HostKey], secret: str) -> DeliveryError:
    """Connecting failed; `seen` are the host keys that were shown."""
    place = destination.place
    match error:
        case asyncssh.HostKeyNotVerifiable() if seen:
            return DeliveryError(
                Reason.HOST_KEY,
                f"{place.host} port {place.port} shows the host key {seen[-1].fingerprint}, and destination.host_key "
                "does not name it; nothing was sent. Ask the vendor whether his key has changed; if it has not, "
                "somebody else answers in his place",
            )
        case asyncssh.PermissionDenied():
            return not_accepted(destination)
        case asyncssh.KeyExchangeFailed() | asyncssh.ProtocolNotSupported() | asyncssh.ProtocolError():
            return DeliveryError(
                Reason.UNSUPPORTED,
                f"{place.host} port {place.port} speaks no SSH that tpayd accepts: {said(error, secret)}; its operator "
                "has to renew it",
            )
        case asyncssh.Error():
            return cut("log in", place, why(error), secret)
        case _:
            return no_connection(place, error)


def refused(what: str, place: Place, error: asyncssh.SFTPError, secret: str) -> DeliveryError:
    """The server answered `what` with an error."""
    words = said(error.reason, secret)
    match error:
        case asyncssh.SFTPConnectionLost() | asyncssh.SFTPNoConnection():
            return cut(what, place, why(error), secret)
        case asyncssh.SFTPPermissionDenied() | asyncssh.SFTPWriteProtect():
            return not_permitted(what, place, words)
        case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath() | asyncssh.SFTPNotADirectory():
            return no_directory(place)
        case asyncssh.SFTPNoSpaceOnFilesystem() | asyncssh.SFTPQuotaExceeded():
            return full(place)
        case _ if any(word in words.lower() for word in _FULL):
            return full(place)
        case _:
            return DeliveryError(
                Reason.UNSUPPORTED,
                f"the server cannot {what} in {place.directory} and says only: {words or type(error).__name__}; its "
                "operator finds more in its log",
            )
