"""Whether the peer's own loop is alive. ZMTP heartbeats are answered by libzmq's thread even while it hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tpayd.kit.bus import limits
from tpayd.kit.bus.wire import envelope
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd_contracts.envelope import Kind

__all__ = ["LifeSigns"]

_PING = envelope(Kind.PING, 0)


class LifeSigns:
    """Sends PING while the link is up, and counts the silence from the first PING that nothing came after.

    Not from the last message: time in which this process itself was stopped proves nothing about the peer.
    """

    def __init__(
        self,
        send: Callable[[bytes], None],
        *,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        log: Log,
    ) -> None:
        self.hung = False
        self.detail = ""
        """Since when it is silent, for people."""
        self._send = send
        self._clock = clock
        self._loop = loop
        self._log = log
        self._asked_ms: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """The link is up."""
        self.stop()
        self._timer = self._loop.call_later(limits.PING_EVERY_S, self._ask)

    def stop(self) -> None:
        """The link is down."""
        self.hung = False
        self._asked_ms = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def heard(self) -> None:
        """Any message came."""
        self._asked_ms = None
        if self.hung:
            self.hung = False
            self._log.info("bus.peer_answers_again")

    def _ask(self) -> None:
        self._timer = self._loop.call_later(limits.PING_EVERY_S, self._ask)
        now_ms = self._clock.boottime_ms()
        if self._asked_ms is None:
            self._asked_ms = now_ms
        silent_s = (now_ms - self._asked_ms) / 1000
        # One round early: the peer may have been silent for a round before it was asked.
        if silent_s >= limits.HUNG_AFTER_S - limits.PING_EVERY_S:
            self.detail = f"it has not answered for {silent_s:.0f} s"
            if not self.hung:
                self.hung = True
                self._log.error("bus.peer_hangs", silent_s=silent_s)
        self._send(_PING)
