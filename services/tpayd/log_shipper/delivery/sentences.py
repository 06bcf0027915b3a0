"""What people read when a delivery fails, alike for every protocol. No sentence holds a secret."""

from __future__ import annotations

from tpayd.log_shipper.delivery.errors import DeliveryError, Reason
from tpayd.log_shipper.delivery.settings import DestinationSettings, Place

__all__ = ["cut", "full", "no_connection", "no_directory", "not_accepted", "not_permitted", "said", "why"]

_SAID_MAX = 160


def said(text: object, *secrets: str) -> str:
    """The server's words, fit for a message: one short line, and nothing in it that we told him in confidence."""
    words = " ".join(str(text).split())
    for secret in secrets:
        if secret:
            words = words.replace(secret, "[removed]")
    words = "".join(character for character in words if character.isprintable())
    return words if len(words) <= _SAID_MAX else f"{words[:_SAID_MAX]}…"


def why(error: BaseException) -> str:
    """A library's or the system's own words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def no_connection(place: Place, error: Exception) -> DeliveryError:
    """Nobody answers."""
    text = f"no connection to {place.host} port {place.port}: {said(why(error))}; is destination.url right?"
    return DeliveryError(Reason.UNREACHABLE, text)


def cut(what: str, place: Place, words: str, secret: str) -> DeliveryError:
    """The connection ended while we wanted to do `what`."""
    text = f"the connection to {place.host} ended (to {what}): {said(words, secret)}"
    return DeliveryError(Reason.CUT, text)


def not_accepted(destination: DestinationSettings) -> DeliveryError:
    """User, password or key are wrong."""
    place = destination.place
    files = (("password", destination.password_file), ("key", destination.key_file))
    kinds = " and ".join(name for name, file in files if file)
    return DeliveryError(
        Reason.LOGIN,
        f"{place.host} port {place.port} does not accept user {destination.user} with this {kinds}; mend "
        "destination.user or the file that holds it, or ask the vendor",
    )


def not_permitted(what: str, place: Place, words: str) -> DeliveryError:
    """This user may not do `what` there."""
    return DeliveryError(
        Reason.PERMISSION,
        f"the server does not let this user {what} in {place.directory} ({words}); the vendor has to give him the "
        "right to write there, or destination.url must name another directory",
    )


def no_directory(place: Place) -> DeliveryError:
    """It is not there."""
    return DeliveryError(
        Reason.NO_DIRECTORY,
        f"the server has no directory {place.directory}; correct destination.url, or have it made there",
    )


def full(place: Place) -> DeliveryError:
    """No room is left there."""
    return DeliveryError(
        Reason.NO_SPACE,
        f"the server's disk, or this user's share of it, is full ({place.url()}); its operator has to make room. What "
        "has arrived is kept for the next try",
    )
