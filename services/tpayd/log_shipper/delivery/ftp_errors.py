"""What ftplib raises, as reasons. Codes: RFC 959, section 4.2, and RFC 4217."""

from __future__ import annotations

import ftplib
import ssl

from tpayd.log_shipper.delivery.errors import DeliveryError, Reason
from tpayd.log_shipper.delivery.ftp_client import WrongCertificateError
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

__all__ = ["code_of", "no_session", "refused"]

_CLOSING = 421
_DATA_CUT = frozenset({425, 426})
_FULL = frozenset({452, 552})
_FULL_WORDS = ("no space", "disk full", "quota")
_FORBIDDEN = frozenset({532, 550, 553})
_WRONG_LOGIN = frozenset({430, 530})


def code_of(error: Exception) -> int:
    """The three digits of the server's answer; 0: there are none."""
    digits = str(error)[:3]
    return int(digits) if digits.isdecimal() else 0


def no_session(destination: DestinationSettings, error: Exception, secret: str) -> DeliveryError:
    """Connecting or logging in failed. The server's own words on a login are left out: it may hold the password."""
    place = destination.place
    if isinstance(error, ftplib.Error) and code_of(error) in _WRONG_LOGIN:
        return not_accepted(destination)
    if isinstance(error, ftplib.error_perm) and place.scheme == "ftps":
        return DeliveryError(
            Reason.UNSUPPORTED,
            f"{place.host} port {place.port} offers no TLS as ftps:// needs it: {said(error, secret)}; its operator "
            "has to allow it, or implicit_tls is to be the other way round",
        )
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return no_connection(place, error)
    return refused("log in", place, error, secret)


def refused(what: str, place: Place, error: BaseException, secret: str) -> DeliveryError:
    """Something failed while we wanted to do `what`."""
    match error:
        case WrongCertificateError():
            return DeliveryError(
                Reason.CERTIFICATE,
                f"{place.host} shows a certificate with the SHA-256 {error}, and destination.certificate_sha256 does "
                "not name it; nothing was sent. Ask the vendor whether it has changed; if it has not, somebody else "
                "answers in his place",
            )
        case ssl.SSLCertVerificationError():
            return DeliveryError(
                Reason.CERTIFICATE,
                f"the certificate of {place.host} is not trusted: {said(error.verify_message)}; set "
                "destination.ca_file or destination.certificate_sha256, or have the vendor renew it",
            )
        case ssl.SSLError() if what == "log in":
            text = f"{place.host} port {place.port} speaks no TLS that tpayd accepts: {said(error.reason or error)}"
            return DeliveryError(Reason.UNSUPPORTED, f"{text}; see implicit_tls, or ask its operator")
        case ftplib.error_temp() | ftplib.error_perm():
            return _answered(what, place, error, said(error, secret))
        case ftplib.Error():
            text = f"{place.host} does not speak FTP as it should: {said(error, secret)}; is destination.url right?"
            return DeliveryError(Reason.UNSUPPORTED, text)
        case _:
            return cut(what, place, why(error), secret)


def _answered(what: str, place: Place, error: Exception, words: str) -> DeliveryError:
    code = code_of(error)
    if code in _FULL or any(word in words.lower() for word in _FULL_WORDS):
        return full(place)
    if code == _CLOSING or (isinstance(error, ftplib.error_temp) and code not in _DATA_CUT):
        return DeliveryError(Reason.BUSY, f"{place.host} cannot {what} at the moment: {words}")
    if code in _DATA_CUT:
        return cut(what, place, words, "")
    if code in _FORBIDDEN:
        return no_directory(place) if "no such" in words.lower() else not_permitted(what, place, words)
    return DeliveryError(
        Reason.UNSUPPORTED, f"{place.host} does not {what}: {words}; its operator finds more in its log"
    )
