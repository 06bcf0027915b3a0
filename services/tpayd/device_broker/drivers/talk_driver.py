"""What drivers of request-and-answer protocols share: one command at a time, recovery after a step that ended badly.

A driver derives from `TalkDriver` and says how its protocol resets a reader, asks after the slot, identifies a reader,
and takes the steps. `talk` sends, waits and repeats for it; the promises of `driver` are kept here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from tpayd.device_broker.drivers.commands import Cancel, Check, Command, Recover, Start, StepCommand
from tpayd.device_broker.drivers.driver import DriverBusyError, Turn
from tpayd.device_broker.drivers.events import Cancelled, Clean, Down, Failed, Failure, SlotChanged
from tpayd.device_broker.drivers.frames import Frame
from tpayd.device_broker.drivers.slot import Known, SlotWays, until_empty
from tpayd.device_broker.drivers.talk import Dialect, EndedError, Job, Step, Talk

__all__ = ["RECOVER_TRIES", "TalkDriver"]

_INTERRUPTING = frozenset({Recover, Cancel})
_OF_THE_READER = frozenset({Start, Check, Recover, Cancel})
"""The commands that are no caller's step."""
RECOVER_TRIES = 3
"""Inits in a row, when bytes are lost behind each."""


class TalkDriver(ABC):
    """See `driver.Driver` and the module."""

    def __init__(self, dialect: Dialect) -> None:
        self._known = Known()
        self._talk = Talk(dialect, self._notice)
        self._ways = SlotWays(self._state, self._let_go)

    # What a protocol has of its own. All may raise EndedError while they run.

    @abstractmethod
    def _notice(self, frame: Frame) -> bool:
        """Look at a whole frame, whoever it was meant for; False: it is of no use to anybody."""

    @abstractmethod
    def _step_of(self, command: StepCommand) -> Step[bool]:
        """The step of a command; it returns whether the reader is as it was. Raises CommandInvalidError, at once."""

    @abstractmethod
    def _reset(self) -> Job:
        """Have the reader end whatever is under way, and acknowledge that."""

    @abstractmethod
    def _identify(self, command: Start) -> Job:
        """Ask the reader who it is and whether it is well, and tell it."""

    @abstractmethod
    def _end_entry(self) -> Job:
        """End a `PadCommand` that may be under way on the reader."""

    @abstractmethod
    def _state(self) -> Job:
        """Ask after the slot; see `slot.SlotWays`."""

    @abstractmethod
    def _let_go(self) -> Job:
        """Have the card given back; see `slot.SlotWays`."""

    # driver.Driver

    @property
    def clean(self) -> bool:
        talk, known = self._talk, self._known
        return known.settled and not talk.damaged and known.occupied is False and talk.drained

    @property
    def busy(self) -> bool:
        return self._talk.busy

    @property
    def card_inside(self) -> bool | None:
        return self._known.occupied

    @property
    def deadline_us(self) -> int | None:
        return self._talk.deadline_us

    def ask(self, command: Command, now_us: int) -> Turn:
        talk = self._talk
        talk.now_us = now_us
        job = self._job_of(command)
        if type(command) in _INTERRUPTING:
            talk.stop()
        elif talk.full:
            raise DriverBusyError("a command is under way, and another waits")
        talk.start(job)
        return talk.turn()

    def received(self, data: bytes, now_us: int) -> Turn:
        talk = self._talk
        talk.now_us = now_us
        talk.received(data)
        return talk.turn()

    def tick(self, now_us: int) -> Turn:
        talk = self._talk
        talk.now_us = now_us
        talk.tick()
        return talk.turn()

    # How

    def _slot_is(self, occupied: bool) -> None:
        """The reader's word on its slot."""
        known = self._known
        changed = known.empty is occupied
        known.occupied = occupied
        if changed and not self._talk.busy:
            self._talk.tell(SlotChanged(occupied))

    def _job_of(self, command: Command) -> Job:
        if type(command) not in _OF_THE_READER:
            return self._step(self._step_of(command))  # type: ignore[arg-type]  # just found to be one
        match command:
            case Start():
                return self._way_back(self._start(command))
            case Check():
                return self._way_back(self._check())
            case Recover():
                return self._way_back(self._recover())
            case Cancel():
                return self._way_back(self._cancel())
            case _:
                return self._step(self._step_of(command))

    def _step(self, job: Step[bool]) -> Job:
        """Unless the step ends well, recover."""
        try:
            well = yield from job
        except EndedError as end:
            self._talk.tell(Failed(end.why, end.detail))
            well = False
        if not well:
            yield from self._way_back(self._recover())

    def _way_back(self, job: Job) -> Job:
        try:
            yield from job
        except EndedError as end:
            self._known.settled = False
            # Where bytes came and none of them made an answer, the line is to be looked at, not the reader.
            noise = end.why is Failure.NO_ANSWER and self._talk.damaged
            self._talk.tell(Down(Failure.NOISE if noise else end.why, end.detail))

    def _start(self, command: Start) -> Job:
        yield from self._init()
        yield from self._identify(command)
        yield from self._check()

    def _check(self) -> Job:
        talk, known = self._talk, self._known
        if known.settled and not talk.damaged:
            yield from self._state()
            if not known.empty:
                if talk.full:
                    # The card belongs to whoever the command behind this one is for.
                    return
                yield from until_empty(talk, known, self._ways)
            if not talk.damaged:
                talk.tell(Clean())
                return
        yield from self._recover()

    def _recover(self) -> Job:
        talk, known = self._talk, self._known
        for _ in range(RECOVER_TRIES):
            yield from self._init()
            yield from self._state()
            if not known.empty:
                yield from until_empty(talk, known, self._ways)
            if not talk.damaged:
                talk.tell(Clean())
                return
        raise EndedError(Failure.NOISE)

    def _cancel(self) -> Job:
        try:
            yield from self._end_entry()
        except EndedError:
            yield from self._recover()
        else:
            self._talk.tell(Cancelled())

    def _init(self) -> Job:
        self._known.unsettle()
        yield from self._reset()
        # Whatever was lost before the acknowledgement belonged to what the reset has ended.
        self._talk.damaged = False
        self._known.settled = True
