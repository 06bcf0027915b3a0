"""Why a delivery failed, from the viewpoint of whoever has to act on it."""

from __future__ import annotations

import enum

__all__ = ["DeliveryError", "Reason"]


class Reason(enum.StrEnum):
    """What went wrong. `retry.RULES` says of each when to try again, and whether somebody has to do something."""

    UNREACHABLE = "unreachable"
    """No connection: name unknown, no route, port closed, no answer."""
    CUT = "cut"
    """The connection ended in the midst of it."""
    TOO_SLOW = "too_slow"
    """Past the total deadline, or slower than the least speed."""
    BUSY = "busy"
    """The server takes nobody at the moment."""
    HOST_KEY = "host_key"
    """The server's SSH key is not the pinned one, or none is pinned. Nothing was sent, no password either."""
    CERTIFICATE = "certificate"
    """The same for TLS."""
    LOGIN = "login"
    """User, password or key are not accepted."""
    PERMISSION = "permission"
    """This user may not write there."""
    NO_DIRECTORY = "no_directory"
    NO_SPACE = "no_space"
    """The server's disk, or the user's share of it, is full."""
    CONTENT = "content"
    """The server does not keep what it is sent, not even from the start."""
    UNSUPPORTED = "unsupported"
    """The server lacks something that is needed, or speaks another protocol."""
    SETTINGS = "settings"
    """The destination in the settings, or a file that it names, cannot be used."""
    BUNDLE = "bundle"
    """The bundle itself is missing, or is not the one that was announced."""


class DeliveryError(Exception):
    """A try that failed. The message says what happened and what to do; it never holds a secret."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.done_bytes = 0
        """How far the bundle had come by then: further than ever before means that tries do help."""
