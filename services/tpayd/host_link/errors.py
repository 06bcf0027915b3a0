"""What can go wrong in host_link, from the viewpoint of whoever has to act on it."""

from __future__ import annotations

__all__ = ["FrameTooLongError", "HostLinkError", "KeyOpenError"]


class HostLinkError(Exception):
    """Any error of this process."""


class FrameTooLongError(HostLinkError):
    """The other side announced a message over the limit: framing is lost, the connection must be closed."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"a message of {length} bytes was announced; the limit is {limit}")
        self.length = length


class KeyOpenError(HostLinkError):
    """A request with this match key is open already: two answers could not be told apart."""
