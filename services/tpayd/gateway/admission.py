"""HELLO: is this client who it says it is, and what may it ask?

On tcp the CURVE key says who it is (ZAP has put it into the connection's User-Id), on ipc the uid that the kernel
tells. The name in HELLO must belong to that key or that uid; a routing id proves nothing and is never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from tpayd.gateway.clients import Client, ClientRegistry
from tpayd.kit.bus import Admitted, CallError, Peer, Server
from tpayd_contracts.catalogue import PUBLIC_OPS
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.operation import Right

__all__ = ["ClientAdmission", "Guest", "ops_for"]


class Guest(Struct, eq=False):
    """An admitted client, shared by all its sessions."""

    name: str
    client: Client
    in_flight: int = 0
    """Requests handed on and not answered yet."""


def ops_for(right: Right) -> frozenset[str]:
    """The operations that a client with this right may call."""
    return frozenset(name for name, op in PUBLIC_OPS.items() if op.right is not None and right.includes(op.right))


class ClientAdmission:
    """Lets registered clients in. One for all edges, so that bounds count a client and not a connection."""

    def __init__(
        self,
        registry: ClientRegistry,
        servers: Sequence[Server],
        *,
        sandbox: bool,
        max_in_flight: int,
        max_sessions: int,
        look_again: Callable[[], None],
    ) -> None:
        """`servers` may be filled later; both bounds are for one client, `max_in_flight` is told to it.

        `look_again` reads the registry before a client is refused: it may have been added a moment ago.
        """
        self._registry = registry
        self._servers = servers
        self._sandbox = sandbox
        self._max_in_flight = max_in_flight
        self._max_sessions = max_sessions
        self._look_again = look_again
        self._guests: dict[str, Guest] = {}

    def admit(self, peer: Peer, hello: Hello) -> Admitted:
        name = hello.client
        client = self._proven(peer, name)
        if client is None:
            self._look_again()
            client = self._proven(peer, name)
        if client is None:
            raise CallError.not_started(ErrorCode.NOT_PERMITTED, _why(peer, name), field="$.client")
        self._make_room(name)
        guest = self._guests.get(name)
        if guest is None or guest.client != client:
            guest = self._guests[name] = Guest(name, client)
        lanes = () if client.every_lane else client.lanes
        return Admitted(name, ops_for(client.right), client.right, lanes, guest)

    def welcome(self, welcome: Welcome) -> Welcome:
        return Welcome(
            session=welcome.session, contract=welcome.contract, server=welcome.server, version=welcome.version,
            lanes=welcome.lanes, right=welcome.right, max_frame_bytes=welcome.max_frame_bytes,
            max_in_flight=self._max_in_flight, max_ttl_ms=welcome.max_ttl_ms, sandbox=self._sandbox,
        )  # fmt: skip

    def still_admitted(self, guest: Guest) -> bool:
        """Whether the registry still says of this client what it said at its HELLO."""
        return self._registry.get(guest.name) == guest.client

    def _make_room(self, name: str) -> None:
        """A client that has all its sessions loses the oldest idle one: most likely a connection that died."""
        taken = [
            (server, session)
            for server in self._servers
            for session in server.sessions.values()
            if session.name == name
        ]
        if len(taken) < self._max_sessions:
            return
        for server, session in taken:
            if not session.open:
                server.end_session(session)
                return
        text = f"{name} has {len(taken)} sessions, all with requests under way; close one"
        raise CallError.not_started(ErrorCode.BUSY, text, retryable=True)

    def _proven(self, peer: Peer, name: str) -> Client | None:
        """The client of this name, if the peer is it."""
        client = self._registry.get(name)
        if client is None:
            return None
        if peer.user_id is not None:
            return client if self._registry.name_of_key(peer.user_id) == name else None
        return client if peer.uid is not None and peer.uid == client.local_uid else None


def _why(peer: Peer, name: str) -> str:
    if peer.user_id is not None:
        return f"this connection's key is not {name}'s; `tpayd client list` on the store's machine shows who is known"
    return f"{name} is not registered for uid {peer.uid} on this machine; add it with `tpayd client add --local`"
