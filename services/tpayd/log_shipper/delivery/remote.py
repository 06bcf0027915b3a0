"""What the steps of a delivery need of a server, whatever it speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

__all__ = ["CannotResumeError", "Content", "OnBytes", "Remote"]

OnBytes = Callable[[int], None]
"""Told how many bytes have gone through; called in the event loop or in a thread of the protocol's own."""


class CannotResumeError(Exception):
    """The server does not go on at that place; from the start it will."""


@dataclass(frozen=True)
class Content:
    """What a file on the server holds from some place to its end."""

    sha256: str
    size_bytes: int


class Remote(Protocol):
    """A logged-in connection. Names are those of files in the destination's directory.

    Everything raises DeliveryError, and waits as long as it takes: the caller watches, and aborts.
    """

    async def size(self, name: str) -> int | None:
        """Bytes of a file; None: there is none."""
        ...

    async def send(self, name: str, source: BinaryIO, start: int, on_bytes: OnBytes) -> None:
        """Write `source` from byte `start` to its end at that place. From 0 on, the file is made anew.

        Raises CannotResumeError too.
        """
        ...

    async def content(self, name: str, start: int, most_bytes: int, on_bytes: OnBytes) -> Content | None:
        """Read a file back, from byte `start` to its end, or `most_bytes`; None: the server lets nobody read it."""
        ...

    async def rename(self, name: str, new: str) -> None:
        """Give a file another name, and replace what has it."""
        ...

    async def delete(self, name: str) -> None:
        """Remove a file; there may be none."""
        ...

    async def close(self) -> None:
        """Take leave, without waiting long for an answer; after an abort too."""
        ...

    def abort(self) -> None:
        """Cut the connection: whatever waits for it fails at once."""
        ...
