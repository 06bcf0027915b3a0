"""Reads what the settings only name. No message repeats what a file holds."""

from __future__ import annotations

from pathlib import Path

from tpayd.log_shipper.delivery.errors import DeliveryError, Reason

__all__ = ["read_password"]

_PASSWORD_MAX_BYTES = 1024


def read_password(home: Path, file: str) -> str:
    """The first line of `destination.password_file`. Raises DeliveryError."""
    path = home / file
    try:
        with path.open("rb") as stream:
            line = stream.readline(_PASSWORD_MAX_BYTES + 2)
        password = line.rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        raise DeliveryError(Reason.SETTINGS, f"destination.password_file: {path} is not UTF-8") from None
    except OSError as error:
        raise DeliveryError(
            Reason.SETTINGS, f"destination.password_file: {path} cannot be read: {error.strerror}"
        ) from error
    if not password or len(line) > _PASSWORD_MAX_BYTES or not password.isprintable():
        raise DeliveryError(
            Reason.SETTINGS,
            f"destination.password_file: the first line of {path} must be a password of 1 to {_PASSWORD_MAX_BYTES} "
            "bytes, without control characters",
        )
    return password
