"""One connection to the sandbox's host."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from tpayd.hosts.errors import FrameTooLongError
from tpayd.hosts.framing import Deframer
from tpayd.kit.logs import Log
from tpayd.sandbox.host.delivery import Delivery, joined

__all__ = ["Session"]

_PIECE_GAP_S = 0.001
"""Between the pieces of a split answer, so that each is a read of its own at the other end."""
_UNSENT_MAX_BYTES = 1024 * 1024
"""A client that does not read its answers is hung up on."""


class Session(asyncio.Protocol):
    """Frames in, deliveries out, in the order in which they fall due."""

    def __init__(
        self,
        on_request: Callable[[bytes, Callable[[Sequence[Delivery]], None]], None],
        on_begin: Callable[[Session], bool],
        on_end: Callable[[Session], None],
        log: Log,
    ) -> None:
        self._on_request = on_request
        self._on_begin = on_begin
        self._on_end = on_end
        self._log = log
        self._deframer = Deframer()
        self._unsent: deque[bytes] = deque()
        self._splitting = False
        self._timers: set[asyncio.TimerHandle] = set()
        self._transport: asyncio.Transport | None = None

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if not self._on_begin(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._deframer.feed(data, 0)
        except FrameTooLongError as error:
            self._log.warning("sandbox.unreadable_frame", why=str(error))
            self.close()
            return
        for message in messages:
            self._on_request(message.raw, self._deliver)

    def connection_lost(self, error: Exception | None) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._unsent.clear()
        self._on_end(self)

    def _deliver(self, what: Sequence[Delivery]) -> None:
        for delivery in joined(what):
            if delivery.after_ms:
                self._later(delivery.after_ms / 1000, partial(self._leave, delivery))
            else:
                self._leave(delivery)

    def _leave(self, delivery: Delivery) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if delivery.hang_up or self._transport.get_write_buffer_size() + len(self._unsent) > _UNSENT_MAX_BYTES:
            self.close()
        elif len(delivery.pieces) == 1 and not self._splitting:
            self._transport.write(delivery.pieces[0])
        else:
            self._unsent.extend(delivery.pieces)
            if not self._splitting:
                self._splitting = True
                self._next_piece()

    def _next_piece(self) -> None:
        if self._transport is None or self._transport.is_closing() or not self._unsent:
            self._splitting = False
            return
        self._transport.write(self._unsent.popleft())
        self._later(_PIECE_GAP_S, self._next_piece)

    def _later(self, wait_s: float, work: Callable[[], None]) -> None:
        def due() -> None:
            self._timers.discard(timer)
            work()

        timer = asyncio.get_running_loop().call_later(wait_s, due)
        self._timers.add(timer)
