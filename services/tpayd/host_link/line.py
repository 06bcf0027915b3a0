"""The life of one line to the host: a table of states, and every wait in it. Pure: time and chance come from outside.

```
DOWN ──due──► CONNECTING ──connected──► SIGNING_ON ──agreed──► SIGNED_ON
  ▲               │                         │                      │ due: echo, or nothing heard since the last one
  └───────────────┴──── lost, refused, due ─┴──────────────────────┘
```

Rules:
1. Only a signed-on line carries exchanges.
2. After a loss the next try waits, longer each time, up to a limit; a line that stayed signed on begins anew.
3. A line on which nothing was heard for a while is asked once (echo); without an answer in time it is closed.
4. An event that the state does not expect changes nothing: it belongs to a connection that is gone.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.host import LineState

__all__ = ["Do", "Event", "Line", "Waits"]

_Wait = Annotated[float, Meta(gt=0, le=3600)]


class Waits(Struct, frozen=True, forbid_unknown_fields=True):
    """Every wait of a line, in seconds."""

    connect_s: _Wait = 5.0
    """For the connection, TLS included."""
    sign_on_s: _Wait = 10.0
    """For the answer to the sign-on."""
    echo_idle_s: _Wait = 30.0
    """A line on which nothing was heard for so long is asked."""
    echo_answer_s: _Wait = 10.0
    retry_first_s: _Wait = 0.5
    """Before the first new try."""
    retry_most_s: _Wait = 30.0
    retry_growth: Annotated[float, Meta(ge=1, le=10)] = 2.0
    retry_jitter: Annotated[float, Meta(ge=0, le=0.9)] = 0.25
    """Each wait differs by up to this share, so that a thousand stores don't come back in the same second."""
    steady_s: _Wait = 20.0
    """A line that was signed on for so long counts as good: its next loss waits `retry_first_s` only."""

    def __post_init__(self) -> None:
        if self.retry_first_s > self.retry_most_s:
            raise ValueError(
                f"retry_first_s: {self.retry_first_s:g} s are more than retry_most_s, {self.retry_most_s:g} s: no wait "
                "could be both; lower retry_first_s or raise retry_most_s"
            )


class Event(enum.Enum):
    """What happens to a line."""

    DUE = enum.auto()
    """The time that `due_us` named has come."""
    CONNECTED = enum.auto()
    AGREED = enum.auto()
    """The host accepted the sign-on."""
    REFUSED = enum.auto()
    """The host refused the sign-on."""
    LOST = enum.auto()
    """The connection ended, or never came about."""
    STOPPED = enum.auto()
    """The process goes down."""


class Do(enum.Enum):
    """What the shell has to do."""

    NOTHING = enum.auto()
    CONNECT = enum.auto()
    SIGN_ON = enum.auto()
    ECHO = enum.auto()
    CLOSE = enum.auto()


_DOWN, _CONNECTING, _SIGNING_ON, _SIGNED_ON = LineState

_TABLE: dict[tuple[LineState, Event], tuple[LineState, Do]] = {
    (_DOWN, Event.DUE): (_CONNECTING, Do.CONNECT),
    (_CONNECTING, Event.CONNECTED): (_SIGNING_ON, Do.SIGN_ON),
    (_CONNECTING, Event.LOST): (_DOWN, Do.NOTHING),
    (_CONNECTING, Event.DUE): (_DOWN, Do.CLOSE),
    (_CONNECTING, Event.STOPPED): (_DOWN, Do.CLOSE),
    (_SIGNING_ON, Event.AGREED): (_SIGNED_ON, Do.NOTHING),
    (_SIGNING_ON, Event.REFUSED): (_DOWN, Do.CLOSE),
    (_SIGNING_ON, Event.LOST): (_DOWN, Do.NOTHING),
    (_SIGNING_ON, Event.DUE): (_DOWN, Do.CLOSE),
    (_SIGNING_ON, Event.STOPPED): (_DOWN, Do.CLOSE),
    (_SIGNED_ON, Event.LOST): (_DOWN, Do.NOTHING),
    (_SIGNED_ON, Event.DUE): (_DOWN, Do.CLOSE),
    (_SIGNED_ON, Event.STOPPED): (_DOWN, Do.CLOSE),
}

_GROWTHS_MAX = 64
"""Far beyond any `retry_most_s`, and far below what a float can hold."""

_TIMED_OUT = {
    _CONNECTING: "no connection in time",
    _SIGNING_ON: "no answer to the sign-on in time",
    _SIGNED_ON: "no answer to the echo in time",
}


class Line:
    """One line. `on` takes an event and says what to do; `due_us` says when it wants to be woken."""

    def __init__(self, waits: Waits, chance: Callable[[], float]) -> None:
        """`chance` gives numbers from 0 to below 1."""
        self.state = LineState.DOWN
        self.detail = "not tried yet"
        """Why it is down, for people; empty while it is not."""
        self.due_us: int | None = 0
        self.retries = 0
        """Tries since the line was last good."""
        self._waits = waits
        self._chance = chance
        self._heard_us = 0
        self._signed_on_us = 0
        self._echo_sent = False
        self._stopped = False

    def heard(self, now_us: int) -> None:
        """Something came off the line: it lives. Called for each read, so it only notes the time."""
        self._heard_us = now_us
        self._echo_sent = False

    def on(self, event: Event, now_us: int, why: str = "") -> Do:
        """Take an event; `why` explains a loss or a refusal to people."""
        if event is Event.STOPPED:
            self._stopped = True
            self.due_us = None
        if self._stopped and event is Event.DUE:
            return Do.NOTHING
        if self.state is LineState.SIGNED_ON and event is Event.DUE and not self._echo_sent:
            return self._ask(now_us)
        found = _TABLE.get((self.state, event))
        if found is None:
            return Do.NOTHING
        before, (self.state, do) = self.state, found
        if self.state is LineState.DOWN:
            self._fall(before, event, now_us, why)
        else:
            self._rise(now_us)
        return do

    def _ask(self, now_us: int) -> Do:
        """Due while signed on: ask, unless something was heard since the timer was set."""
        idle_until_us = self._heard_us + _us(self._waits.echo_idle_s)
        if now_us < idle_until_us:
            self.due_us = idle_until_us
            return Do.NOTHING
        self._echo_sent = True
        self.due_us = now_us + _us(self._waits.echo_answer_s)
        return Do.ECHO

    def _rise(self, now_us: int) -> None:
        limits = {
            LineState.CONNECTING: self._waits.connect_s,
            LineState.SIGNING_ON: self._waits.sign_on_s,
            LineState.SIGNED_ON: self._waits.echo_idle_s,
        }
        self.due_us = now_us + _us(limits[self.state])
        self.detail = ""
        if self.state is LineState.SIGNED_ON:
            self._signed_on_us = self._heard_us = now_us
            self._echo_sent = False

    def _fall(self, before: LineState, event: Event, now_us: int, why: str) -> None:
        self.detail = _TIMED_OUT[before] if event is Event.DUE else why or event.name.lower()
        if self._stopped:
            return
        if before is LineState.SIGNED_ON and now_us - self._signed_on_us >= _us(self._waits.steady_s):
            self.retries = 0
        growth = self._waits.retry_growth ** min(self.retries, _GROWTHS_MAX)
        wait_s = min(self._waits.retry_first_s * growth, self._waits.retry_most_s)
        spread = 1 + self._waits.retry_jitter * (2 * self._chance() - 1)
        self.due_us = now_us + _us(wait_s * spread)
        self.retries += 1


def _us(seconds: float) -> int:
    return int(seconds * 1_000_000)
