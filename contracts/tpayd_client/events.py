"""A client's wish for events, kept over reconnects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tpayd_client.types import EVENTS
from tpayd_client.wire import Reply

__all__ = ["OnEvent", "OnGap", "Subscription"]

OnEvent = Callable[[str, Any], None]
OnGap = Callable[[], None]


class Subscription:
    """Topics and who is told. Asked for again on each new session, where events have been missed: a gap."""

    def __init__(self, ask_again: Callable[[], None]) -> None:
        self.topics: tuple[str, ...] = ()
        self._on_event: OnEvent | None = None
        self._on_gap: OnGap | None = None
        self._ask_again = ask_again
        self.active = False
        """The gateway has said yes once."""

    def want(self, topics: Sequence[str], on_event: OnEvent, on_gap: OnGap | None) -> None:
        """Replace what was wanted before."""
        self.topics, self._on_event, self._on_gap = tuple(topics), on_event, on_gap
        self.active = False

    def body(self) -> dict[str, Any]:
        """The body of events.subscribe."""
        return {"topics": list(self.topics)}

    def event(self, topic: str, body: Mapping[str, Any]) -> None:
        """Typed where the topic is known, else the plain map."""
        if self._on_event is not None and topic in self.topics:
            shape: type[Reply] | None = EVENTS.get(topic)
            self._on_event(topic, body if shape is None else shape.from_wire(body))

    def gap(self) -> None:
        if self._on_gap is not None:
            self._on_gap()

    def greeted(self) -> None:
        if self.active:
            self._ask_again()
            self.gap()
