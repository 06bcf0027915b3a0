"""HELLO on a caller's connection: said again until it is welcomed, and after it was forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

from msgspec import Raw

from tpayd.kit.bus import limits
from tpayd.kit.bus.answers import decode_error, decode_reply
from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.wire import BUNDLES, envelope
from tpayd.kit.logs import Log
from tpayd_contracts.envelope import Envelope, Kind
from tpayd_contracts.gateway import Welcome

__all__ = ["Handshake"]


class Handshake:
    """Gets a session from the peer. Each HELLO makes a session of its own, so only the last one's answer counts."""

    def __init__(
        self,
        hello: Raw,
        send: Callable[[bytes], None],
        numbers: count[int],
        *,
        loop: asyncio.AbstractEventLoop,
        log: Log,
    ) -> None:
        self.session: str | None = None
        """The token that goes with each request; None until welcomed."""
        self.bundles = False
        """Whether the peer opens bundles."""
        self.detail = "not connected yet"
        """Why there is none, for people."""
        self._hello = hello
        self._send = send
        self._numbers = numbers
        self._loop = loop
        self._log = log
        self._number: int | None = None
        self._wait_s = limits.HELLO_RETRY_S
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """On a new connection, or because the peer does not know our session any more."""
        self._wait_s = limits.HELLO_RETRY_S
        self.detail = "it has not answered HELLO yet"
        self._say()

    def end(self, why: str) -> None:
        """The connection is gone."""
        self.session = self._number = None
        self.detail = why
        self._cancel_timer()

    def take(self, message: Envelope) -> bool:
        """Whether `message` was the answer to HELLO."""
        if self._number is None or message.id != self._number or message.kind not in (Kind.REPLY, Kind.ERROR):
            return False
        try:
            if message.kind == Kind.ERROR:
                raise decode_error(message.body)
            session = decode_reply(message.body, Welcome).session
        except CallError as refusal:
            self.detail = refusal.message
            self._log.error("bus.hello_refused", why=self.detail)
            self._say_again_in(limits.HELLO_RETRY_MAX_S)
            return True
        self._cancel_timer()
        self._number = None
        self.session = session
        self.bundles = message.op == BUNDLES
        self.detail = "connected"
        self._log.info("bus.connected")
        return True

    def _say(self) -> None:
        # Again, since right after its handshake a socket may take no message yet; less and less often, since each
        # HELLO makes the answer to the one before worthless, and a busy peer's answers take long.
        self.session = None
        self._number = next(self._numbers)
        self._send(envelope(Kind.HELLO, self._number, op=BUNDLES, body=self._hello))
        self._say_again_in(self._wait_s)
        self._wait_s = min(self._wait_s * 2, limits.HELLO_RETRY_MAX_S)

    def _say_again_in(self, seconds: float) -> None:
        self._cancel_timer()
        self._timer = self._loop.call_later(seconds, self._say)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
