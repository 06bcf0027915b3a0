"""Joins the protocol to a socket: the part that sync and async clients share.

Nothing here waits. The owner calls `turn` whenever a socket is readable or `due_s` is reached, and looks at its
tickets.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tpayd_client.errors import ConnectionFailed, NotAllowed, TpaydError, error_from
from tpayd_client.protocol import (
    Answered,
    Event,
    Gap,
    Greeted,
    Link,
    LinkState,
    Progressed,
    Refused,
    Signal,
    Unwelcome,
)
from tpayd_client.transport import Change, Channel
from tpayd_client.types import ErrorBody, ErrorCode, Hello, Outcome, Welcome

__all__ = ["Engine", "Listener", "Ticket"]

ANSWER_GRACE_S = 2.0
"""How much later than its time to live an answer may come: the daemon ends a request itself, this is for its loss."""
RETRY_SEND_S = 0.02
"""When to look again whether a connection that has just come up takes its HELLO."""

Body = Mapping[str, Any]
_log = logging.getLogger("tpayd_client")


@dataclass(eq=False)
class Ticket:
    """One request on its way. One without an operation only waits for a session."""

    op: str
    body: Body
    key: str | None
    trace: str | None
    ttl_s: float
    send_by_s: float
    """Without a session by then, it ends with ConnectionFailed."""
    on_progress: Callable[[Body], None] | None = None
    on_answer: Callable[[Body], None] | None = None
    """Called before anything that came after the answer is looked at."""
    on_done: Callable[[], None] | None = None
    number: int | None = None
    answer_by_s: float = 0.0
    reply: Body | None = None
    error: TpaydError | None = None

    @property
    def done(self) -> bool:
        return self.reply is not None or self.error is not None

    def result(self) -> Body:
        """The reply, or raises the error. Only when done."""
        if self.error is not None:
            raise self.error
        if self.reply is None:
            raise RuntimeError("the request is still under way")
        return self.reply


class Listener(Protocol):
    """Who wants to hear of events."""

    def event(self, topic: str, body: Body) -> None: ...

    def gap(self) -> None: ...

    def greeted(self) -> None:
        """A new session: subscriptions have to be made again."""


@dataclass(eq=False)
class Engine:
    """Tickets in, answers out."""

    open_channel: Callable[[], Channel]
    hello: Hello
    clock_s: Callable[[], float]
    listener: Listener | None = None
    keep_open: bool = False
    """Reconnect even when nothing is asked: events are wanted."""
    welcome: Welcome | None = None
    channel: Channel | None = None
    _why_down: TpaydError | None = None
    _unsent: list[Ticket] = field(default_factory=list)
    _sent: dict[int, Ticket] = field(default_factory=dict)
    _signals: deque[Signal] = field(default_factory=deque)
    _look_at_s: float = math.inf
    """When a ticket runs out of time, at the earliest."""

    def __post_init__(self) -> None:
        self._link = Link(self.hello)

    @property
    def connected(self) -> bool:
        return self._link.state is LinkState.OPEN

    @property
    def wants_to_send(self) -> bool:
        """Whether something waits until the socket takes it."""
        return bool(self._link.outbox)

    def submit(self, ticket: Ticket) -> None:
        """Send as soon as there is a session."""
        if self.channel is None:
            self.channel = self.open_channel()
        self._why_down = None
        self._unsent.append(ticket)
        self._look_at_s = min(self._look_at_s, ticket.send_by_s)

    def cancel(self, ticket: Ticket) -> None:
        """Nobody waits for it any more."""
        if ticket in self._unsent:
            self._unsent.remove(ticket)
        elif ticket.number is not None and self._sent.pop(ticket.number, None) is not None:
            self._link.cancel(ticket.number)
            self._flush()

    def expect_events_after(self, sequence: int) -> None:
        """Events are numbered from `sequence` + 1 on this connection."""
        self._link.expect_events_after(sequence)

    def turn(self) -> None:
        """Do all that can be done without waiting."""
        if self.channel is None:
            return
        # A send may swallow the socket's edge of a message that came in, so look once more after each.
        while self._receive() | self._send():
            pass

    def due_s(self) -> float | None:
        """When `turn` has something to do at the latest."""
        moment_s = self._look_at_s
        link_due_s = self._link.due_s()
        if link_due_s is not None:
            moment_s = min(moment_s, link_due_s)
        if self._link.outbox:
            moment_s = min(moment_s, self.clock_s() + RETRY_SEND_S)
        return None if moment_s == math.inf else moment_s

    def close(self) -> None:
        """Give up what is under way and close the socket."""
        self._feed(self._link.down("this client was closed"))
        for ticket in self._unsent:
            self._finish(ticket, None, _not_connected("this client was closed"))
        self._unsent.clear()
        self._drop_channel()

    # Inside

    def _receive(self) -> bool:
        channel, link = self.channel, self._link
        if channel is None:
            return False
        received = False
        for frame in channel.frames():
            received = True
            self._feed(link.receive(frame, self.clock_s()))
            if self.channel is not channel:
                return True
        for change in channel.changes():
            received = True
            self._changed(change)
            if self.channel is not channel:
                return True
        now_s = self.clock_s()
        was_up = link.state is not LinkState.DOWN
        self._feed(link.tick(now_s))
        if was_up and link.state is LinkState.DOWN:
            # A silent peer: what is in its socket's queues must not come out later.
            self._reopen()
        if now_s >= self._look_at_s:
            self._expire(now_s)
        return received

    def _send(self) -> bool:
        sent = self._flush()
        while self._unsent and self._link.state is LinkState.OPEN and self.channel is not None:
            ticket = self._unsent.pop(0)
            if not ticket.op:
                self._finish(ticket, {}, None)
                continue
            now_s = self.clock_s()
            number, frame = self._link.request(
                ticket.op, ticket.body, key=ticket.key, ttl_ms=max(1, int(ticket.ttl_s * 1000)), trace=ticket.trace,
                now_s=now_s,
            )  # fmt: skip
            if not self.channel.send(frame):
                self._link.unsent(number)
                self._finish(ticket, None, _not_connected("the connection takes no more messages now"))
                continue
            ticket.number, ticket.answer_by_s = number, now_s + ticket.ttl_s + ANSWER_GRACE_S
            self._sent[number] = ticket
            self._look_at_s = min(self._look_at_s, ticket.answer_by_s)
            sent = True
        return sent

    def _flush(self) -> bool:
        outbox, sent = self._link.outbox, False
        while outbox and self.channel is not None and self.channel.send(outbox[0]):
            del outbox[0]
            sent = True
        return sent

    def _changed(self, change: Change) -> None:
        if change is Change.UP:
            self._why_down = None
            self._feed(self._link.up(self.clock_s()))
        elif change is Change.DOWN:
            self._feed(self._link.down("the connection to the gateway broke"))
        elif change is Change.KEY_REFUSED:
            text = "the gateway does not know this client's key; have it added with `tpayd client add`"
            self._refuse_all(_refused(text))
        else:
            self._why_down = _not_connected("the CURVE handshake failed; check the server's public key")

    def _feed(self, signals: list[Signal]) -> None:
        self._signals.extend(signals)
        while self._signals:
            self._handle(self._signals.popleft())

    def _handle(self, signal: Signal) -> None:
        match signal:
            case Progressed():
                ticket = self._sent.get(signal.id)
                if ticket is not None and ticket.on_progress is not None:
                    self._call(ticket.on_progress, signal.body)
            case Answered():
                self._finish(self._sent.pop(signal.id, None), signal.body, None)
            case Refused():
                self._finish(self._sent.pop(signal.id, None), None, signal.error)
            case Greeted():
                self.welcome = signal.welcome
                if self.listener is not None:
                    self.listener.greeted()
            case Unwelcome():
                self._refuse_all(signal.error)
            case Event() if self.listener is not None:
                self._call(self.listener.event, signal.topic, signal.body)
            case Gap() if self.listener is not None:
                self._call(self.listener.gap)

    def _finish(self, ticket: Ticket | None, reply: Body | None, error: TpaydError | None) -> None:
        if ticket is None or ticket.done:
            return
        ticket.reply, ticket.error = reply, error
        if reply is not None and ticket.on_answer is not None:
            ticket.on_answer(reply)
        if ticket.on_done is not None:
            ticket.on_done()

    def _refuse_all(self, error: TpaydError) -> None:
        """The gateway does not want this client. The next request tries anew, on a new socket."""
        waiting, self._unsent = self._unsent, []
        self._drop_channel()
        for ticket in waiting:
            self._finish(ticket, None, error)

    def _expire(self, now_s: float) -> None:
        for ticket in [ticket for ticket in self._unsent if ticket.send_by_s <= now_s]:
            self._unsent.remove(ticket)
            self._finish(ticket, None, self._why_down or _not_connected("no gateway answers at the endpoint"))
        for ticket in [ticket for ticket in self._sent.values() if ticket.answer_by_s <= now_s]:
            self.cancel(ticket)
            text = f"no answer within {ticket.ttl_s + ANSWER_GRACE_S:.0f} s"
            body = ErrorBody(code=ErrorCode.TIMEOUT, message=text, outcome=Outcome.UNKNOWN)
            self._finish(ticket, None, error_from(body))
        moments_s = [ticket.send_by_s for ticket in self._unsent]
        moments_s += [ticket.answer_by_s for ticket in self._sent.values()]
        self._look_at_s = min(moments_s, default=math.inf)

    def _reopen(self) -> None:
        self._drop_channel()
        if self._unsent or self.keep_open:
            self.channel = self.open_channel()

    def _drop_channel(self) -> None:
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        self._feed(self._link.down("the connection was closed"))

    def _call(self, callback: Callable[..., None], *arguments: Any) -> None:
        """A fault in a display must not decide about a payment."""
        try:
            callback(*arguments)
        except Exception:
            _log.exception("a callback of the client failed; the request goes on")


def _not_connected(text: str) -> ConnectionFailed:
    body = ErrorBody(code=ErrorCode.UNAVAILABLE, message=text, outcome=Outcome.NOT_STARTED, retryable=True)
    return ConnectionFailed(body)


def _refused(text: str) -> NotAllowed:
    return NotAllowed(ErrorBody(code=ErrorCode.NOT_PERMITTED, message=text, outcome=Outcome.NOT_STARTED))
