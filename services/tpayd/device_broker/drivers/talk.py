"""One command under way on a line: what is sent, when it is sent again, and which answer is its own.

A command is a generator. It yields an `Ask` (send, and wait by a rule) or a `Listen` (wait for one more answer), and
gets the frame that came; None when the wait and all tries are over; a refusal when the reader would not take it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from msgspec import Struct

from tpayd.device_broker.drivers.driver import Turn
from tpayd.device_broker.drivers.events import Event, Failure, Trouble, TroubleKind
from tpayd.device_broker.drivers.frames import Damage, Form, Frame, FrameReader

__all__ = [
    "Ask",
    "Dialect",
    "EndedError",
    "Job",
    "LayoutError",
    "Listen",
    "Rule",
    "Step",
    "Talk",
    "asked",
    "parsed",
    "taken",
]

P = TypeVar("P")
R = TypeVar("R")

_turn_of: Callable[[tuple[bytes, list[Event]]], Turn] = partial(tuple.__new__, Turn)
"""What a named tuple's own maker does, without the function that puts its arguments in order."""


class LayoutError(Exception):
    """A whole frame whose data does not fit its layout. The text names the message and the field, never the data."""


class EndedError(Exception):
    """A command cannot go on."""

    def __init__(self, why: Failure, detail: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Rule:
    """How a command is asked.

    It may be sent again after silence only where doing it twice does no harm: never a card transaction, the result to
    a card, a key, or what a customer enters. After a refusal any may be: the reader has not acted on what it did not
    understand.
    """

    answers: frozenset[int]
    wait_us: int
    """For the answer, each time that it is sent."""
    tries: int = 1
    """How often it is sent at most, while no answer comes."""
    refusals: int = 2
    """How often it is sent again at most, when the reader has not understood it."""


IDLE_RULE = Rule(frozenset(), 0)
SAY_AGAIN_MAX = 2
"""Damaged answers per command that the reader is asked to repeat."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one protocol has of its own in a talk."""

    form: Form
    refuses: Callable[[Frame, Rule], bool]
    """Whether the frame says that the command under way was not understood."""
    unasked: frozenset[int]
    """Commands of the frames that a reader sends whenever it likes."""
    say_again: bytes = b""
    """What has the reader repeat its last frame; empty: nothing does."""


class Ask(Struct, frozen=True, gc=False):
    """Send a command and wait for its answer. `wait_us` overrides the rule's."""

    frame: bytes
    rule: Rule
    wait_us: int | None = None


class Listen(Struct, frozen=True, gc=False):
    """Wait for one more answer to the last command, until a moment."""

    until_us: int


Step: TypeAlias = Generator[Ask | Listen, Frame | None, R]
Job: TypeAlias = Step[None]


class Talk:
    """Runs one job at a time. `notice` sees every whole frame first; False means that it is of no use to anybody."""

    def __init__(self, dialect: Dialect, notice: Callable[[Frame], bool]) -> None:
        self.now_us = 0
        self.until_us = 0
        """When the wait under way ends."""
        self.rule = IDLE_RULE
        self.damaged = False
        """Bytes were lost since this was last set to False."""
        self._dialect = dialect
        self._notice = notice
        self._frames = FrameReader(dialect.form)
        self._job: Job | None = None
        self._next: Job | None = None
        self._ask: Ask | None = None
        self._listening = False
        self._sent = self._refused = self._said_again = 0
        self._out: list[bytes] = []
        self._events: list[Event] = []

    @property
    def busy(self) -> bool:
        return self._job is not None

    @property
    def full(self) -> bool:
        """Whether a job waits behind the one under way."""
        return self._next is not None

    @property
    def drained(self) -> bool:
        """Whether every byte that came was part of a whole frame, and nobody waits for more."""
        return self._job is None and self._frames.deadline_us is None

    @property
    def deadline_us(self) -> int | None:
        frame_us = self._frames.deadline_us
        if self._job is None:
            return frame_us
        return self.until_us if frame_us is None else min(self.until_us, frame_us)

    def tell(self, event: Event) -> None:
        self._events.append(event)

    def turn(self) -> Turn:
        """What has gathered since the last turn."""
        out, events = self._out, self._events
        self._out, self._events = [], []
        return _turn_of((b"".join(out), events))

    def start(self, job: Job) -> None:
        """Run a job now, or after the one under way."""
        if self._job is not None:
            self._next = job
            return
        self._job = job
        self._advance(None)

    def stop(self) -> None:
        """Forget the job under way and the one behind it. What the reader does about it is the next job's matter."""
        for job in (self._job, self._next):
            if job is not None:
                job.close()
        self._next = None
        self._idle()

    def received(self, data: bytes) -> None:
        self._take(self._frames.feed(data, self.now_us))

    def tick(self) -> None:
        self._take(self._frames.expire(self.now_us))
        if self._job is None or self.now_us < self.until_us:
            return
        if not self._listening and self._sent < self.rule.tries:
            self._send_again()
        else:
            self._advance(None)

    def _advance(self, frame: Frame | None) -> None:
        job = self._job
        assert job is not None  # noqa: S101
        try:
            want = job.send(frame)
        except StopIteration:
            self._idle()
            following, self._next = self._next, None
            if following is not None:
                self.start(following)
            return
        if isinstance(want, Listen):
            self._listening = True
            self.until_us = want.until_us
            return
        self._listening = False
        self._ask = want
        self.rule = want.rule
        self._sent = self._refused = self._said_again = 0
        self._send(want)

    def _idle(self) -> None:
        self._job = self._ask = None
        self.rule = IDLE_RULE

    def _send(self, ask: Ask) -> None:
        self._sent += 1
        self._out.append(ask.frame)
        self.until_us = self.now_us + (ask.rule.wait_us if ask.wait_us is None else ask.wait_us)

    def _send_again(self) -> None:
        ask = self._ask
        assert ask is not None  # noqa: S101
        self._events.append(Trouble(TroubleKind.RESENT))
        self._send(ask)

    def _take(self, found: list[Frame | Damage]) -> None:
        for item in found:
            if isinstance(item, Damage):
                self._take_damage()
            elif self._notice(item):
                self._take_frame(item)

    def _take_frame(self, frame: Frame) -> None:
        if self._ask is not None and self._dialect.refuses(frame, self.rule):
            if self._refused < self.rule.refusals:
                self._refused += 1
                self._sent -= 1
                self._send_again()
            else:
                self._advance(frame)
        elif frame.command in self.rule.answers:
            self._advance(frame)
        elif frame.command not in self._dialect.unasked:
            self._events.append(Trouble(TroubleKind.LATE))

    def _take_damage(self) -> None:
        self.damaged = True
        self._events.append(Trouble(TroubleKind.CORRUPT))
        # An answer may be lost in it. Asked for it, the reader repeats its last one; it does nothing a second time.
        if self._dialect.say_again and self._ask is not None and self._said_again < SAY_AGAIN_MAX:
            self._said_again += 1
            self._out.append(self._dialect.say_again)


def asked(talk: Talk, frame: bytes, rule: Rule) -> Step[Frame]:
    """Ask by the rule. Raises EndedError."""
    answer = yield Ask(frame, rule)
    return taken(talk, answer)


def taken(talk: Talk, frame: Frame | None) -> Frame:
    """The frame that came, if it is an answer. Raises EndedError."""
    if frame is None:
        raise EndedError(Failure.NO_ANSWER)
    if frame.command not in talk.rule.answers:
        raise EndedError(Failure.REFUSED)
    return frame


def parsed(parse: Callable[[bytes], P], data: bytes) -> P:
    """What `parse` makes of it. Raises EndedError."""
    try:
        return parse(data)
    except LayoutError as error:
        raise EndedError(Failure.BAD_ANSWER, str(error)) from None
