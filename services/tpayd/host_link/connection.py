"""One connection to the host: frames in and out, and the news of its end."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

from tpayd.hosts.errors import FrameTooLongError
from tpayd.hosts.framing import Deframer, Message, frame
from tpayd.kit.clock import Clock

__all__ = ["Connection"]

_WRITE_HIGH_BYTES = 64 * 1024
"""Above this the host is not reading: no new exchange begins on the line."""


_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time (socket(7))."""


class Connection(asyncio.Protocol):
    """Its owner hears of messages in order, and of the end exactly once."""

    def __init__(
        self,
        clock: Clock,
        *,
        on_read: Callable[[int], None],
        on_message: Callable[[Message], None],
        on_end: Callable[[Connection, str], None],
    ) -> None:
        self._clock = clock
        self._on_read = on_read
        self._on_message = on_message
        self._on_end = on_end
        self._deframer = Deframer()
        self._joined: list[bytes] = []
        self._written_this_turn = False
        self._paused = False
        self._why = ""
        self._transport: asyncio.Transport | None = None
        self.ended = asyncio.Event()

    @property
    def writable(self) -> bool:
        """Whether `send` would put bytes on the line now."""
        return self._transport is not None and not self._paused and not self._transport.is_closing()

    def send(self, message: bytes) -> None:
        """Put a message on the line; only while `writable`.

        The first of a loop turn goes at once, all others of the same turn in one write: a write costs more than the
        bytes in it.
        """
        transport = self._transport
        assert transport is not None  # noqa: S101 - see `writable`
        if self._written_this_turn:
            self._joined.append(frame(message))
            return
        self._written_this_turn = True
        transport.write(frame(message))
        asyncio.get_running_loop().call_soon(self._flush)

    def close(self, why: str = "") -> None:
        """End it, after what was sent; the owner is told once it has ended."""
        self._why = self._why or why
        if self._transport is not None:
            self._flush()
            self._transport.close()

    def abort(self, why: str) -> None:
        """End it at once: what the host's machine has not got by now, it never gets.

        After an ordinary end the kernel goes on sending what is under way for a quarter of an hour: a line that comes
        back by then would bring a payment which was reversed, and not found, long before.
        """
        self._why = self._why or why
        transport = self._transport
        if transport is None:
            return
        line: socket.socket | None = transport.get_extra_info("socket")
        if line is not None and line.fileno() >= 0:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_WRITE_HIGH_BYTES)

    def data_received(self, data: bytes) -> None:
        now_us = self._clock.monotonic_us()
        self._on_read(now_us)
        try:
            messages = self._deframer.feed(data, now_us)
        except FrameTooLongError as error:
            self.abort(str(error))
            return
        for message in messages:
            if self._transport is None or self._transport.is_closing():
                return  # What its owner has closed has nothing more to say.
            self._on_message(message)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False

    def connection_lost(self, error: Exception | None) -> None:
        self._joined.clear()
        self.ended.set()
        self._on_end(self, self._why or (str(error) if error else "the host closed the connection"))

    def _flush(self) -> None:
        self._written_this_turn = False
        if self._joined and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._joined))
            self._joined.clear()
