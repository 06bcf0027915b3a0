"""What can be wrong with a host message, from the viewpoint of whoever has to act on it."""

from __future__ import annotations

__all__ = ["FrameTooLongError", "HostError", "HostFormatError", "UnknownAdapterError"]


class HostError(Exception):
    """Any error of this package."""


class HostFormatError(HostError):
    """A message, or one field of it, is not what the host's format says.

    The text never holds the field's content: it may be card data.

    Attributes:
        field: The place in the host's own terms, e.g. `DE 4` or `DE 48.02`.
        position: Offset in the message in bytes, or None where the fault is not at one place.
        reason: What is wrong with it.
    """

    def __init__(self, field: str, reason: str, position: int | None = None) -> None:
        at = "" if position is None else f" at byte {position}"
        super().__init__(f"{field}{at}: {reason}")
        self.field = field
        self.position = position
        self.reason = reason


class FrameTooLongError(HostError):
    """The other side announced a message over the limit: framing is lost, the connection must be closed."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"a message of {length} bytes was announced; the limit is {limit}")
        self.length = length


class UnknownAdapterError(HostError):
    """No adapter is registered under the name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no host adapter {name!r}; installed: {', '.join(known)}")
        self.name = name
        self.known = known
