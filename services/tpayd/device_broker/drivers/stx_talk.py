"""One command under way on an STX line: what is sent, when it is sent again, and which answer is its own.

A command is a generator. It yields an `Ask` (send, and wait by a rule) or a `Listen` (wait for one more answer), and
gets the frame that came; None when the wait and all tries are over; a NAK when the reader would not take it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias, TypeVar

from msgspec import Struct

from tpayd.device_broker.drivers.driver import Turn
from tpayd.device_broker.drivers.events import Event, Trouble, TroubleKind
from tpayd.device_broker.drivers.stx_codes import Cmd
from tpayd.device_broker.drivers.stx_frame import Damage, Frame, FrameReader
from tpayd.device_broker.drivers.stx_messages import NAK_FRAME
from tpayd.device_broker.drivers.stx_rules import IDLE_RULE, NAKS_SENT_MAX, Rule

__all__ = ["Ask", "Job", "Listen", "Step", "Talk"]


class Ask(Struct, frozen=True):
    """Send a command and wait for its answer. `wait_us` overrides the rule's."""

    frame: bytes
    rule: Rule
    wait_us: int | None = None


class Listen(Struct, frozen=True):
    """Wait for one more answer to the last command, until a moment."""

    until_us: int


R = TypeVar("R")
Step: TypeAlias = Generator[Ask | Listen, Frame | None, R]
Job: TypeAlias = Step[None]


class Talk:
    """Runs one job at a time. `notice` sees every whole frame first; False means that it is of no use to anybody."""

    def __init__(self, notice: Callable[[Frame], bool]) -> None:
        self.now_us = 0
        self.until_us = 0
        """When the wait under way ends."""
        self.rule = IDLE_RULE
        self.damaged = False
        """Bytes were lost since this was last set to False."""
        self._notice = notice
        self._frames = FrameReader()
        self._job: Job | None = None
        self._next: Job | None = None
        self._ask: Ask | None = None
        self._listening = False
        self._sent = self._naks_got = self._naks_sent = 0
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
        return self._job is None and self._frames.empty

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
        return Turn(out[0] if len(out) == 1 else b"".join(out), events)

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
        self._listening = isinstance(want, Listen)
        if isinstance(want, Listen):
            self.until_us = want.until_us
            return
        self._ask = want
        self.rule = want.rule
        self._sent = self._naks_got = self._naks_sent = 0
        self._send()

    def _idle(self) -> None:
        self._job = self._ask = None
        self.rule = IDLE_RULE

    def _send(self) -> None:
        ask = self._ask
        assert ask is not None  # noqa: S101
        self._sent += 1
        self._out.append(ask.frame)
        self.until_us = self.now_us + (ask.rule.wait_us if ask.wait_us is None else ask.wait_us)

    def _send_again(self) -> None:
        self._events.append(Trouble(TroubleKind.RESENT))
        self._send()

    def _take(self, found: list[Frame | Damage]) -> None:
        for item in found:
            if isinstance(item, Damage):
                self._take_damage()
            elif self._notice(item):
                self._take_frame(item)

    def _take_frame(self, frame: Frame) -> None:
        if frame.command in self.rule.answers:
            self._advance(frame)
        elif frame.command == Cmd.NAK and self._ask is not None:
            if self._naks_got < self.rule.naks:
                self._naks_got += 1
                self._sent -= 1
                self._send_again()
            else:
                self._advance(frame)
        elif frame.command != Cmd.STATE_ANSWER:
            # Readers tell their state whenever it changes; any other frame out of turn comes too late.
            self._events.append(Trouble(TroubleKind.LATE))

    def _take_damage(self) -> None:
        self.damaged = True
        self._events.append(Trouble(TroubleKind.CORRUPT))
        # An answer may be lost in it. At a NAK the reader repeats its last one; it does nothing a second time.
        if self._ask is not None and self._naks_sent < NAKS_SENT_MAX:
            self._naks_sent += 1
            self._out.append(NAK_FRAME)
