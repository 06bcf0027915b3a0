"""What can go wrong in host_link, from the viewpoint of whoever has to act on it."""

from __future__ import annotations

__all__ = ["HostLinkError", "KeyOpenError"]


class HostLinkError(Exception):
    """Any error of this process."""


class KeyOpenError(HostLinkError):
    """A request with this match key is open already: two answers could not be told apart."""
