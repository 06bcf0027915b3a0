"""The conversation with the gateway, without a socket: frames and times in, frames and signals out.

States: DOWN, GREETING (HELLO is out), OPEN (the gateway has given a session).

* A session ends with its connection. What was sent on it and not answered then has an unknown outcome.
* A request is only made in OPEN, and its frame is sent at once or not at all: nothing waits in a queue to be
  delivered after a restart.
* While something is awaited and nothing is heard, PING asks whether the gateway lives. Silence after it ends the
  session.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tpayd_client.envelope import BadFrameError, Kind, Message, pack, unpack
from tpayd_client.errors import TpaydError, error_from
from tpayd_client.types import ErrorBody, ErrorCode, Hello, Outcome, Welcome
from tpayd_client.wire import to_wire

__all__ = [
    "LOST_AFTER_S",
    "PING_AFTER_S",
    "Answered",
    "Event",
    "Gap",
    "Greeted",
    "Link",
    "LinkState",
    "Progressed",
    "Refused",
    "Signal",
    "Unwelcome",
]

PING_AFTER_S = 2.0
"""Silence, while an answer is awaited, after which the gateway is asked whether it lives."""
LOST_AFTER_S = 6.0
"""Silence after which it is taken for lost. Shorter, and a loaded machine would look dead."""
STOPPED_S = 1.0
"""Who looks so much later than he meant to was stopped himself, or was not listening: that proves nothing about the
gateway, and it is asked once more."""


class LinkState(enum.Enum):
    DOWN = "down"
    GREETING = "greeting"
    OPEN = "open"


@dataclass(frozen=True)
class Greeted:
    """The gateway has given a session."""

    welcome: Welcome


@dataclass(frozen=True)
class Unwelcome:
    """The gateway refuses this client."""

    error: TpaydError


@dataclass(frozen=True)
class Progressed:
    id: int
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Answered:
    id: int
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Refused:
    """A request ended with an error: the daemon's, or ours about a lost session."""

    id: int
    error: TpaydError


@dataclass(frozen=True)
class Event:
    topic: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Gap:
    """Events were lost: whatever was learnt from them must be asked for again."""


Signal = Greeted | Unwelcome | Progressed | Answered | Refused | Event | Gap


class Link:
    """One client's side of the protocol."""

    def __init__(self, hello: Hello) -> None:
        self.state = LinkState.DOWN
        self.outbox: list[bytes] = []
        """Frames other than requests that are to be sent now."""
        self._hello = hello
        self._session: str | None = None
        self._last_id = 0
        self._hello_id = 0
        self._open: set[int] = set()
        self._heard_at_s = 0.0
        """Or when its silence was found to prove nothing."""
        self._pings = 0
        """Sent since anything was heard."""
        self._sequence: int | None = None

    @property
    def waiting(self) -> bool:
        """Whether something is awaited: an answer, or events."""
        return bool(self._open) or self.state is LinkState.GREETING or self._sequence is not None

    # What the transport tells

    def up(self, now_s: float) -> list[Signal]:
        """A connection stands: say HELLO on it. What was open on the one before is lost."""
        signals = self.down("the connection was replaced")
        self.state = LinkState.GREETING
        self._heard_at_s = now_s
        self._hello_id = self._next_id()
        self.outbox.append(pack(Kind.HELLO, self._hello_id, body=to_wire(self._hello)))
        return signals

    def down(self, reason: str) -> list[Signal]:
        """The connection is gone; what was sent on it and not answered has an unknown outcome."""
        lost = [Refused(number, _lost(reason)) for number in sorted(self._open)]
        self._open.clear()
        self.outbox.clear()
        self.state = LinkState.DOWN
        self._session = None
        self._sequence = None
        self._pings = 0
        return list(lost)

    def receive(self, frame: bytes, now_s: float) -> list[Signal]:
        """A frame came in. One that makes no sense is dropped: the gateway answers in envelopes or not at all."""
        try:
            message = unpack(frame)
        except BadFrameError:
            return []
        self._heard_at_s = now_s
        self._pings = 0
        if message.kind == Kind.PING:
            self.outbox.append(pack(Kind.PONG, message.id, session=self._session))
            return []
        if message.id == self._hello_id and self.state is LinkState.GREETING:
            return self._greeted(message)
        if message.kind == Kind.EVENT:
            return self._event(message)
        if message.id not in self._open:
            return self._session_unknown(message, now_s) if message.kind == Kind.ERROR else []
        return self._about_request(message, now_s)

    def tick(self, now_s: float) -> list[Signal]:
        """Time has passed: ask for a sign of life, or give up."""
        due_s = self.due_s()
        if due_s is None or now_s < due_s:
            return []
        was_stopped = self._pings == 1 and now_s - due_s >= STOPPED_S
        if self.state is LinkState.OPEN and (not self._pings or was_stopped):
            self._pings += 1
            self._heard_at_s = now_s - PING_AFTER_S
            self.outbox.append(pack(Kind.PING, self._next_id(), session=self._session))
            return []
        return [*self.down(f"the gateway was silent for {now_s - self._heard_at_s:.0f} s")]

    def due_s(self) -> float | None:
        """When `tick` has something to do, if nothing is heard before; None if never."""
        if self.state is LinkState.DOWN or not self.waiting:
            return None
        wait_s = PING_AFTER_S if self.state is LinkState.OPEN and not self._pings else LOST_AFTER_S
        return self._heard_at_s + wait_s

    # What the client wants

    def request(
        self, op: str, body: Mapping[str, Any], *, key: str | None, ttl_ms: int, trace: str | None, now_s: float
    ) -> tuple[int, bytes]:
        """A new request: its id and its frame, to be sent at once, else taken back by `unsent`. Only when OPEN."""
        if self._session is None:
            raise RuntimeError("a request needs a session")
        number = self._next_id()
        frame = pack(Kind.REQ, number, op=op, ttl_ms=ttl_ms, key=key, trace=trace, session=self._session, body=body)
        if not self._open:
            self._heard_at_s = now_s
        self._open.add(number)
        return number, frame

    def unsent(self, number: int) -> None:
        """The socket did not take the request's frame: it never existed."""
        self._open.discard(number)

    def cancel(self, number: int) -> None:
        """Nobody waits for this request any more; the daemon ends it if it still can."""
        if number in self._open:
            self._open.discard(number)
            self.outbox.append(pack(Kind.CANCEL, number, session=self._session))

    def expect_events_after(self, sequence: int) -> None:
        """Events are numbered from `sequence` + 1 on this connection."""
        self._sequence = sequence

    # Inside

    def _greeted(self, message: Message) -> list[Signal]:
        if message.kind == Kind.REPLY:
            try:
                welcome = Welcome.from_wire(message.body)
            except (KeyError, TypeError, ValueError):
                return self._unwelcome(_body_error(message))
            self._session = welcome.session
            self.state = LinkState.OPEN
            return [Greeted(welcome)]
        if message.kind == Kind.ERROR:
            return self._unwelcome(_error(message))
        return []

    def _unwelcome(self, error: TpaydError) -> list[Signal]:
        self.state = LinkState.DOWN
        return [Unwelcome(error)]

    def _session_unknown(self, message: Message, now_s: float) -> list[Signal]:
        """An answer to a PING that says the session is gone."""
        if self.state is LinkState.OPEN and _error(message).code is ErrorCode.HELLO_REQUIRED:
            return self.up(now_s)
        return []

    def _about_request(self, message: Message, now_s: float) -> list[Signal]:
        number = message.id
        if message.kind == Kind.PROGRESS:
            return [Progressed(number, message.body)]
        if message.kind == Kind.REPLY:
            self._open.discard(number)
            return [Answered(number, message.body)]
        if message.kind != Kind.ERROR:
            return []
        self._open.discard(number)
        error = _error(message)
        signals: list[Signal] = [Refused(number, error)]
        if error.code is ErrorCode.HELLO_REQUIRED:
            signals += self.up(now_s)
        return signals

    def _event(self, message: Message) -> list[Signal]:
        if self._sequence is None:
            return []
        expected = self._sequence + 1
        self._sequence = message.id
        event = Event(message.op, message.body)
        return [event] if message.id == expected else [Gap(), event]

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id


def _error(message: Message) -> TpaydError:
    try:
        return error_from(ErrorBody.from_wire(message.body))
    except (KeyError, TypeError, ValueError):
        return _body_error(message)


def _body_error(message: Message) -> TpaydError:
    text = f"the gateway's answer of kind {message.kind} does not fit the contract; update this client"
    return error_from(ErrorBody(code=ErrorCode.BAD_MESSAGE, message=text, outcome=Outcome.UNKNOWN))


def _lost(reason: str) -> TpaydError:
    text = f"the session was lost before an answer came: {reason}"
    return error_from(ErrorBody(code=ErrorCode.PEER_LOST, message=text, outcome=Outcome.UNKNOWN))
