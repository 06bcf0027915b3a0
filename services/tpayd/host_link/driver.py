"""One line at work: dials, signs on, keeps alive, and dials again. What to do and when, `line` decides."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import ssl
from collections.abc import Callable

from msgspec import Struct

from tpayd.host_link.connection import Connection
from tpayd.host_link.line import Do, Event, Line, Waits
from tpayd.host_link.settings import split_address
from tpayd.hosts import Opened
from tpayd.hosts.framing import Message
from tpayd.kit.clock import Clock
from tpayd_contracts.host import LineState

__all__ = ["Driver", "LineOwner", "Route"]

_CLOSE_WAIT_S = 1.0
"""For what was sent to leave, and the connection to end."""


class Route(Struct, frozen=True):
    """Where a line leads."""

    name: str
    address: str
    tls: ssl.SSLContext | None = None
    server_name: str | None = None


class LineOwner(Struct, frozen=True):
    """What a line tells the pool, and asks of it."""

    changed: Callable[[Driver], None]
    lost: Callable[[Driver], None]
    """The connection is gone, with all that waited on it."""
    message: Callable[[Driver, Message], None]
    sign_on: Callable[[Driver, Callable[[Opened], None]], None]
    """Send a sign-on and tell its answer."""
    echo: Callable[[Driver], None]
    sign_off: Callable[[Driver], None]


class Driver:
    """One line."""

    def __init__(self, route: Route, waits: Waits, clock: Clock, owner: LineOwner) -> None:
        self.route = route
        self.line = Line(waits, random.SystemRandom().random)
        self._clock = clock
        self._owner = owner
        self._connection: Connection | None = None
        self._dialling: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        return self.route.name

    @property
    def usable(self) -> bool:
        """Whether an exchange may leave on it now."""
        return self.line.state is LineState.SIGNED_ON and self._connection is not None and self._connection.writable

    def start(self) -> None:
        """Begin, and go on until `stop`."""
        self._loop = asyncio.get_running_loop()
        self._wake()

    async def stop(self) -> None:
        """Sign off where signed on, and close."""
        if self.usable:
            self._owner.sign_off(self)
        connection, dialling = self._connection, self._dialling
        self._take(Event.STOPPED, "host_link is going down")
        if dialling is not None:
            dialling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await dialling
        if connection is not None:
            try:
                await asyncio.wait_for(connection.ended.wait(), _CLOSE_WAIT_S)
            except TimeoutError:
                connection.abort("host_link is going down")

    def send(self, message: bytes) -> bool:
        """Put a message on the line. False: it cannot take one now, and no byte has left."""
        if self._connection is None or not self._connection.writable:
            return False
        self._connection.send(message)
        return True

    # What happens to the line

    def _wake(self) -> None:
        self._timer = None
        due_us = self.line.due_us
        if due_us is not None and self._clock.monotonic_us() >= due_us:
            self._take(Event.DUE)
        else:
            self._set_timer()

    def _take(self, event: Event, why: str = "") -> None:
        before = self.line.state, self.line.detail
        do = self.line.on(event, self._clock.monotonic_us(), why)
        if do is Do.CONNECT:
            self._dialling = self._loop.create_task(self._dial())
        elif do is Do.SIGN_ON:
            self._owner.sign_on(self, self._signed)
        elif do is Do.ECHO:
            self._owner.echo(self)
        elif do is Do.CLOSE:
            self._drop(at_once=event is Event.DUE)
        if before != (self.line.state, self.line.detail):
            self._owner.changed(self)
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.line.due_us is not None:
            wait_s = max(0.0, (self.line.due_us - self._clock.monotonic_us()) / 1e6)
            self._timer = self._loop.call_later(wait_s, self._wake)

    def _signed(self, answer: Opened) -> None:
        if answer.approved:
            self._take(Event.AGREED)
        else:
            self._take(Event.REFUSED, f"the host refused the sign-on, code {answer.response_code}")

    async def _dial(self) -> None:
        host, port = split_address(self.route.address)
        try:
            transport, connection = await self._loop.create_connection(
                self._new_connection, host, port, ssl=self.route.tls, server_hostname=self._server_name(host)
            )
        except (OSError, ssl.SSLError) as error:
            self._dialling = None
            self._take(Event.LOST, _explain(error))
            return
        self._dialling = None
        if connection.ended.is_set():
            self._take(Event.LOST, "the host closed the connection at once")
            return
        if transport.get_extra_info("sockname") == transport.get_extra_info("peername"):
            # On loopback a port that nobody listens on can connect to itself, and then nobody else can listen.
            transport.abort()
            self._take(Event.LOST, "nobody listens there")
            return
        self._connection = connection
        self._take(Event.CONNECTED)

    def _server_name(self, host: str) -> str | None:
        return (self.route.server_name or host) if self.route.tls is not None else None

    def _new_connection(self) -> Connection:
        return Connection(
            self._clock,
            on_read=self.line.heard,
            on_message=lambda message: self._owner.message(self, message),
            on_end=self._end,
        )

    def _drop(self, *, at_once: bool) -> None:
        """Close on our own account: what comes from this connection after now is of no line.

        `at_once`: nothing has come for too long, and what has not arrived by now is not to arrive any more.
        """
        if self._dialling is not None:
            self._dialling.cancel()
            self._dialling = None
        connection, self._connection = self._connection, None
        if connection is not None:
            self._owner.lost(self)
            end = connection.abort if at_once else connection.close
            end(self.line.detail)

    def _end(self, connection: Connection, why: str) -> None:
        if connection is self._connection:
            self._connection = None
            self._owner.lost(self)
            self._take(Event.LOST, why)


def _explain(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: {error.verify_message}"
    # asyncio's own text repeats the address.
    return os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
