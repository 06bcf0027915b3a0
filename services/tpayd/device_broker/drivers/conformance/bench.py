"""A driver and its peer at two ends of a line that does what a check wants. Time is the check's, too.

After every call the bench looks whether the driver still keeps what it owes at any moment; what it does not keep is a
`BrokenPromiseError`, which ends the check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias, get_args

from tpayd.device_broker.drivers.commands import Command, StepCommand
from tpayd.device_broker.drivers.conformance.peer import Peer
from tpayd.device_broker.drivers.driver import Driver, Turn
from tpayd.device_broker.drivers.events import Answered, CardInside, Clean, Down, Event

__all__ = ["ANSWERS", "WAIT_MAX_US", "Bench", "BrokenPromiseError", "Line", "promised"]

Line: TypeAlias = Callable[[bytes], Iterable[bytes]]
"""What becomes of bytes on their way from the reader: the pieces in which they arrive."""

ANSWERS: frozenset[type] = frozenset(get_args(Answered))
_EVENTS: frozenset[type] = frozenset(_each for part in get_args(Event) for _each in (get_args(part) or (part,)))
_STEPS: frozenset[type] = frozenset(
    _each for part in get_args(StepCommand) for _each in (get_args(part) or (part,))
)  # fmt: skip

WAIT_MAX_US = 600_000_000
"""No wait of a driver is longer than this."""
_ROUNDS_MAX = 10_000


class BrokenPromiseError(Exception):
    """The driver does not do what it owes. The text says what, and in which situation."""


def promised(kept: bool, what: str) -> None:
    """Raises BrokenPromiseError."""
    if not kept:
        raise BrokenPromiseError(what)


def _whole(data: bytes) -> Iterable[bytes]:
    return (data,)


class Bench:
    """See the module. `sent` and `events` are all that the driver has given so far, `said` all that the peer has."""

    def __init__(self, driver: Driver, peer: Peer) -> None:
        self.driver = driver
        self.peer = peer
        self.now_us = 1_000_000
        self.line: Line = _whole
        self.deaf = False
        """The peer hears nothing, and so says nothing."""
        self.sent = b""
        self.said = b""
        self.events: list[Event] = []
        self._ended = False
        """An answered step has nothing more to say."""

    def ask(self, command: Command) -> list[Event]:
        """Begin a command, and let both talk until nobody has more to say. What the driver told meanwhile."""
        began = len(self.events)
        self._carry(self.begin(command))
        return self.events[began:]

    def begin(self, command: Command) -> bytes:
        """Begin a command; what the driver sends is kept from the peer, and returned."""
        turn = self.driver.ask(command, self.now_us)
        self._ended = type(command) not in _STEPS
        return self._take(turn)

    def carry(self, data: bytes) -> list[Event]:
        """Bytes reach the peer; then as `ask`."""
        began = len(self.events)
        self._carry(data)
        return self.events[began:]

    def arrive(self, data: bytes) -> list[Event]:
        """These bytes come off the line, as it makes them; then as `ask`."""
        began = len(self.events)
        self._deliver(data)
        return self.events[began:]

    def arrive_only(self, data: bytes) -> bytes:
        """As `arrive`, but what the driver sends is kept from the peer, and returned."""
        return self._take(self.driver.received(data, self.now_us))

    def present(self, way: str, *, stays: bool = False) -> list[Event]:
        """The customer presents a card; then as `ask`."""
        return self._say(self.peer.present(way, stays=stays))

    def take_out(self) -> list[Event]:
        """The customer takes his card out; then as `ask`."""
        return self._say(self.peer.take_out())

    def pass_time(self, limit_us: int = WAIT_MAX_US) -> list[Event]:
        """Let time pass until the driver waits for nothing more; then as `ask`.

        A card that is left inside may be waited for without end, so that is as far as it goes.
        """
        began, until_us = len(self.events), self.now_us + limit_us
        for _ in range(_ROUNDS_MAX):
            deadline_us = self.driver.deadline_us
            if deadline_us is None or deadline_us > until_us:
                return self.events[began:]
            self.now_us = max(self.now_us, deadline_us)
            self._carry(self._take(self.driver.tick(self.now_us)))
            if self._waits_for_card(began):
                return self.events[began:]
        raise BrokenPromiseError(f"{_ROUNDS_MAX} waits have run out, and it still waits")

    def _waits_for_card(self, began: int) -> bool:
        told = self.events[began:]
        return any(isinstance(event, CardInside) for event in told) and self.driver.card_inside is True

    def _say(self, data: bytes) -> list[Event]:
        began = len(self.events)
        if data and not self.deaf:
            self.said += data
            self._deliver(data)
        return self.events[began:]

    def _deliver(self, data: bytes) -> None:
        out = b"".join(self._take(self.driver.received(piece, self.now_us)) for piece in self.line(data))
        self._carry(out)

    def _carry(self, out: bytes) -> None:
        for _ in range(_ROUNDS_MAX):
            if not out or self.deaf:
                return
            answer = self.peer.received(out)
            if not answer:
                return
            self.said += answer
            out = b"".join(self._take(self.driver.received(piece, self.now_us)) for piece in self.line(answer))
        raise BrokenPromiseError("driver and reader talk without end at one moment")

    def _take(self, turn: Turn) -> bytes:
        """What holds after every call."""
        driver = self.driver
        promised(isinstance(turn.out, bytes), "what it sends is bytes")
        self.sent += turn.out
        for event in turn.events:
            promised(type(event) in _EVENTS, f"it tells events of drivers.events alone, not {type(event).__name__}")
            if type(event) in ANSWERS:
                promised(not self._ended, f"a step ends once, and {type(event).__name__} comes behind its end")
                self._ended = True
            self.events.append(event)
        deadline_us = driver.deadline_us
        if driver.busy:
            promised(deadline_us is not None, "while it is busy it has a deadline")
            promised(not driver.clean, "while it is busy it is not clean")
        if deadline_us is not None:
            promised(deadline_us - self.now_us <= WAIT_MAX_US, "no wait is longer than ten minutes")
        if driver.clean:
            promised(driver.card_inside is False, "it is clean only if the reader has said that no card is inside")
        last = turn.events[-1] if turn.events else None
        if isinstance(last, Clean):
            # Another command may be under way by now, or the next frame have begun.
            promised(driver.clean or deadline_us is not None, "after Clean it is clean")
        if isinstance(last, Down):
            promised(not driver.clean, "after Down it is not clean")
        return turn.out
