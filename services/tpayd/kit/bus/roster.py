"""Who has a session with a server now."""

from __future__ import annotations

import secrets
from hmac import compare_digest

from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.outlet import Outlet
from tpayd.kit.bus.session import Admitted, Session
from tpayd_contracts.errors import ErrorCode

__all__ = ["Roster"]


class Roster:
    """Sessions by routing id, and by the connection that they came on.

    A routing id can be chosen by a peer once its owner has gone; neither the token nor the connection can.
    """

    def __init__(self, max_sessions: int) -> None:
        self.sessions: dict[bytes, Session] = {}
        self._by_connection: dict[int, Session] = {}
        self._max_sessions = max_sessions

    def find(self, routing_id: bytes, token: str | None) -> Session:
        """The session that a message belongs to. Raises CallError `hello_required`."""
        session = self.sessions.get(routing_id)
        if session is None or token is None or not (token.isascii() and compare_digest(session.token, token)):
            text = "no such session here: say HELLO, then send again"
            raise CallError.not_started(ErrorCode.HELLO_REQUIRED, text, retryable=True)
        return session

    def holds(self, session: Session) -> bool:
        """Whether the session's routing id is still its own."""
        return self.sessions.get(session.routing_id) is session

    def on(self, connection: int) -> Session | None:
        """The session on a connection, by the connection's file descriptor."""
        return self._by_connection.get(connection)

    def require_room(self) -> None:
        """Raises CallError `busy` where one more session is too many."""
        if len(self.sessions) >= self._max_sessions:
            text = f"{self._max_sessions} sessions are open here"
            raise CallError.not_started(ErrorCode.BUSY, text, retryable=True)

    def add(self, outlet: Outlet, connection: int | None, admitted: Admitted) -> Session:
        """A new session with a token of its own, at the end of an outlet whose prefix is its routing id."""
        (routing_id,) = outlet.prefix
        session = Session(secrets.token_urlsafe(12), routing_id, admitted, outlet, connection)
        self.sessions[routing_id] = session
        if connection is not None:
            self._by_connection[connection] = session
        return session

    def remove(self, session: Session) -> None:
        """Forget it, unless it is forgotten already."""
        if self.holds(session):
            del self.sessions[session.routing_id]
        if session.connection is not None and self._by_connection.get(session.connection) is session:
            del self._by_connection[session.connection]
