"""Sessions of one server, from HELLO to their end: who is let in, who is slow, and who has gone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import zmq

from tpayd.kit.bus import limits
from tpayd.kit.bus.bounds import ServerLimits
from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.hello import check_version, welcome_of
from tpayd.kit.bus.outlet import Outlet
from tpayd.kit.bus.roster import Roster
from tpayd.kit.bus.session import Admission, Peer, Session
from tpayd.kit.bus.stats import BusStats
from tpayd.kit.bus.wire import BUNDLES, decode_body, encode_body, envelope
from tpayd.kit.logs import Log
from tpayd_contracts.envelope import Envelope, Kind
from tpayd_contracts.gateway import Hello

__all__ = ["Reception"]

_PING = envelope(Kind.PING, 0)


class _Send(Protocol):
    def __call__(self, session: Session, frame: bytes, number: int = 0) -> None: ...


class Reception:
    """Lets peers in and forgets them."""

    def __init__(
        self,
        server: str,
        admission: Admission,
        bounds: ServerLimits,
        *,
        software: str,
        bundles: bool,
        send: _Send,
        cut_off: Callable[[Session, CallError | None], None],
        stats: BusStats,
        log: Log,
    ) -> None:
        """`bundles` says whether they are opened here; `cut_off` ends the requests of a session that has ended."""
        self.roster = Roster(bounds.max_sessions)
        self._server = server
        self._admission = admission
        self._bounds = bounds
        self._software = software
        self._bundles = bundles
        self._send = send
        self._cut_off = cut_off
        self._stats = stats
        self._log = log
        self._round = 0

    def hello(self, routing_id: bytes, message: Envelope, peer: Peer) -> None:
        """Give a peer its session, instead of the one that it had. Raises CallError to refuse."""
        hello = decode_body(message.body, Hello)
        check_version(hello)
        admitted = self._admission.admit(peer, hello)
        before = self.roster.sessions.get(routing_id)
        if before is not None:
            self.end(before)
        self.roster.require_room()
        outlet = Outlet((routing_id,))
        session = self.roster.add(outlet, peer.connection, admitted)
        outlet.undelivered = partial(self._undelivered, session)
        welcome = welcome_of(session, self._bounds, server=self._server, software=self._software)
        bundles = self._bundles and message.op == BUNDLES
        body = encode_body(self._admission.welcome(welcome))
        self._send(session, envelope(Kind.REPLY, message.id, op=BUNDLES if bundles else "", body=body), message.id)
        outlet.bundles = bundles

    def end(self, session: Session, error: CallError | None = None) -> None:
        """Forget a peer; its open requests are told `error`, or are cancelled because it is gone."""
        self.roster.remove(session)
        self._cut_off(session, error)

    def connection_lost(self, connection: int) -> None:
        """Libzmq says that a connection has ended."""
        session = self.roster.on(connection)
        if session is not None:
            self._lose(session)

    def probe(self) -> None:
        """Ping the peers that wait for us: a send to one that is gone fails, even where its end was not reported."""
        self._round += 1
        everyone = self._round % limits.IDLE_PROBE_TICKS == 0
        for session in list(self.roster.sessions.values()):
            session.slow = False
            if everyone or session.open:
                self._send(session, _PING)

    def _undelivered(self, session: Session, error: zmq.ZMQError, numbers: list[int]) -> None:
        if error.errno == zmq.EHOSTUNREACH:
            self._stats.dropped("peer_gone")
            self._lose(session)
            return
        for _ in numbers:
            self._stats.dropped("slow_peer")
        if not session.slow:
            session.slow = True
            self._log.warning("bus.slow_peer", peer=session.admitted.name, numbers=numbers)

    def _lose(self, session: Session) -> None:
        session.outlet.closed = True
        self.end(session)
