"""Events of the services behind, to the clients that asked for them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from tpayd.kit.bus import CallError, Request, Server, Session
from tpayd_contracts.catalogue import EVENT_BODIES
from tpayd_contracts.envelope import EMPTY_BODY
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.gateway import Subscribe, Subscribed

__all__ = ["Feed"]


class Feed:
    """Who listens stands in each session; it ends with it."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = servers

    def subscribe(self, request: Request, body: Subscribe) -> Subscribed:
        """Serve events.subscribe: the list replaces the one before."""
        for index, topic in enumerate(body.topics):
            if topic not in EVENT_BODIES:
                text = f"there is no topic {topic!r}; there are: {', '.join(sorted(EVENT_BODIES))}"
                raise CallError.not_started(ErrorCode.INVALID_BODY, text, field=f"$.topics[{index}]")
        session = request.session
        session.topics = frozenset(body.topics)
        return Subscribed(topics=body.topics, sequence=session.sequence)

    def event(self, topic: str, _sequence: int, body: Raw) -> None:
        """A service behind has told something."""
        for server, session in self._listeners(frozenset({topic})):
            server.publish(session, topic, body)

    def gap(self, topics: frozenset[str]) -> None:
        """Events on these topics were lost behind us: leave a number out, so that each listener notices.

        At once, by an event of no topic: whatever was lost may have been the last one for hours.
        """
        for server, session in self._listeners(topics):
            session.sequence += 1
            server.publish(session, "", EMPTY_BODY)

    def _listeners(self, topics: frozenset[str]) -> list[tuple[Server, Session]]:
        return [
            (server, session)
            for server in self._servers
            for session in server.sessions.values()
            if session.topics & topics
        ]
