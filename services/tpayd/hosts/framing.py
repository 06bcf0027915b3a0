"""A message on the line: its length in two bytes, most significant first, then the message.

TCP has no messages: one read may bring half of one, or three at once.
"""

from __future__ import annotations

from tpayd.hosts.errors import FrameTooLongError
from tpayd.hosts.quiet import Quiet

__all__ = ["LENGTH_BYTES", "MAX_MESSAGE_BYTES", "Deframer", "Message", "frame"]

LENGTH_BYTES = 2
MAX_MESSAGE_BYTES = 8192
"""As the contract has it (`host.exchange`)."""


class Message(Quiet, frozen=True):
    """One message off the line."""

    raw: bytes
    began_us: int
    """When its first byte came, as `feed` was told."""


def frame(message: bytes) -> bytes:
    """The message with its length before it."""
    if len(message) > MAX_MESSAGE_BYTES:
        raise FrameTooLongError(len(message), MAX_MESSAGE_BYTES)
    return len(message).to_bytes(LENGTH_BYTES) + message


class Deframer:
    """Takes reads, gives messages. Holds at most one message that is not complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._began_us = 0

    def feed(self, data: bytes, now_us: int) -> list[Message]:
        """The messages that this read completes. An empty one, a poll of some hosts, is skipped.

        Raises FrameTooLongError; nothing after it can be understood.
        """
        if self._rest:
            data = self._rest + data
        else:
            self._began_us = now_us
        messages = []
        at, size = 0, len(data)
        while size - at >= LENGTH_BYTES:
            begin = at + LENGTH_BYTES
            length = int.from_bytes(data[at:begin])
            if length > MAX_MESSAGE_BYTES:
                raise FrameTooLongError(length, MAX_MESSAGE_BYTES)
            end = begin + length
            if end > size:
                break
            if length:
                messages.append(Message(data[begin:end], self._began_us))
            # What follows in this read came with it.
            self._began_us = now_us
            at = end
        self._rest = data[at:]
        return messages
