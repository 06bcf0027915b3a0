"""The driver of Korean secure readers that speak STX frames (docs/reader-protocol.md).

Each command below reads from top to bottom; `stx_talk` sends, waits and repeats for it, by the table in `stx_rules`.

Why no answer of an earlier customer can pass for a later one's: the reader handles what it gets in order, so all that
it sent before its ACK to an init lies before that ACK on the line, and is dropped; and the answers to a card
transaction repeat its nonce.

Why no init is needed after a transaction that ended by its own answer: the reader has nothing outstanding then, what
came of it was read to the last byte and undamaged, and the slot is empty by the reader's own word, which it gives
again at every change.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tpayd.device_broker.drivers import stx_card_messages
from tpayd.device_broker.drivers import stx_messages as messages
from tpayd.device_broker.drivers.commands import (
    Cancel,
    Check,
    Command,
    FinishCard,
    InjectKey,
    PrepareKey,
    ReadCard,
    Recover,
    Start,
)
from tpayd.device_broker.drivers.driver import CommandInvalidError, DriverBusyError, LineSettings, Turn
from tpayd.device_broker.drivers.events import (
    Cancelled,
    CardInside,
    Clean,
    Down,
    Failed,
    Failure,
    Identified,
    KeyInjected,
    SelfTested,
    SlotChanged,
    Trouble,
    TroubleKind,
)
from tpayd.device_broker.drivers.stx_card import CardSteps
from tpayd.device_broker.drivers.stx_codes import ELSEWHERE, OK, Cmd, LayoutError, Slot
from tpayd.device_broker.drivers.stx_frame import Frame
from tpayd.device_broker.drivers.stx_pad import PadSteps
from tpayd.device_broker.drivers.stx_rules import CARD_POLL_US, PREPARE_TRIES, RECOVER_TRIES
from tpayd.device_broker.drivers.stx_steps import EndedError, Known, asked, parsed
from tpayd.device_broker.drivers.stx_talk import Job, Listen, Step, Talk

__all__ = ["StxDriver", "StxReaders", "driver"]


class StxDriver:
    """See `driver.Driver`."""

    def __init__(self) -> None:
        self._known = Known()
        self._talk = Talk(self._notice)
        self._cards = CardSteps(self._talk, self._known)
        self._pad = PadSteps(self._talk, self._known)

    @property
    def clean(self) -> bool:
        talk, known = self._talk, self._known
        return known.settled and not talk.damaged and known.slot is Slot.EMPTY and talk.drained

    @property
    def busy(self) -> bool:
        return self._talk.busy

    @property
    def card_inside(self) -> bool | None:
        slot = self._known.slot
        return None if slot is None else slot is not Slot.EMPTY

    @property
    def deadline_us(self) -> int | None:
        return self._talk.deadline_us

    def ask(self, command: Command, now_us: int) -> Turn:
        talk = self._talk
        talk.now_us = now_us
        job = self._job_of(command)
        if isinstance(command, Recover | Cancel):
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

    def _notice(self, frame: Frame) -> bool:
        """Keep the slot up to date, whoever the state was meant for."""
        if frame.command != Cmd.STATE_ANSWER:
            return True
        try:
            state = messages.parse_state(frame.data)
        except LayoutError:
            self._talk.tell(Trouble(TroubleKind.CORRUPT))
            return False
        if state in ELSEWHERE:
            return True
        known = self._known
        changed = (known.slot is Slot.EMPTY) != (state is Slot.EMPTY)
        known.slot = state
        if changed and not self._talk.busy:
            self._talk.tell(SlotChanged(state is not Slot.EMPTY))
        return True

    def _job_of(self, command: Command) -> Job:
        match command:
            case ReadCard():
                return self._step(self._cards.read(command, stx_card_messages.card_frame(command)))
            case FinishCard():
                request = stx_card_messages.finish_frame(command)
                if not self._known.chip:
                    raise CommandInvalidError("lease", "no chip card waits for the host's word")
                return self._step(self._cards.finish(request))
            case PrepareKey():
                return self._step(self._prepare_key())
            case InjectKey():
                return self._step(self._inject_key(messages.inject_frame(command.at, command.blob)))
            case Start():
                return self._way_back(self._start(command))
            case Check():
                return self._way_back(self._check())
            case Recover():
                return self._way_back(self._recover())
            case Cancel():
                return self._way_back(self._cancel())
            case _:
                return self._step(self._pad.step(command))

    # Steps

    def _step(self, job: Step[bool]) -> Job:
        """Unless the step ends well, recover."""
        try:
            well = yield from job
        except EndedError as end:
            self._talk.tell(Failed(end.why, end.detail))
            well = False
        if not well:
            yield from self._way_back(self._recover())

    def _prepare_key(self) -> Step[bool]:
        for _ in range(PREPARE_TRIES):
            answer = yield from asked(self._talk, messages.PREPARE_KEY_FRAME, Cmd.PREPARE_KEY)
            prepared, result = parsed(messages.parse_prepared, answer.data)
            if result == OK:
                self._talk.tell(prepared)
                return True
        raise EndedError(Failure.REFUSED, result)

    def _inject_key(self, request: bytes) -> Step[bool]:
        answer = yield from asked(self._talk, request, Cmd.INJECT_KEY)
        confirmed = answer.command == Cmd.ACK
        self._talk.tell(KeyInjected(confirmed, messages.parse_check_value(answer.data) if confirmed else None))
        return True

    # Ways back to a known state

    def _way_back(self, job: Job) -> Job:
        try:
            yield from job
        except EndedError as end:
            self._known.settled = False
            self._talk.tell(Down(end.why, end.detail))

    def _start(self, command: Start) -> Job:
        yield from self._init()
        info = yield from asked(self._talk, messages.info_frame(command.at), Cmd.INFO)
        self._talk.tell(Identified(parsed(messages.parse_info, info.data)))
        test = yield from asked(self._talk, messages.SELF_TEST_FRAME, Cmd.SELF_TEST)
        if (fault := messages.parse_self_test(test.data)) != OK:
            self._talk.tell(SelfTested(fault))
            raise EndedError(Failure.SELF_TEST, fault)
        self._talk.tell(SelfTested())
        yield from self._check()

    def _check(self) -> Job:
        if self._known.settled and not self._talk.damaged:
            yield from asked(self._talk, messages.STATE_FRAME, Cmd.STATE)
            if self._known.slot is not Slot.EMPTY:
                if self._talk.full:
                    # The card belongs to whoever the command behind this one is for.
                    return
                yield from self._until_empty()
            if not self._talk.damaged:
                self._talk.tell(Clean())
                return
        yield from self._recover()

    def _recover(self) -> Job:
        for _ in range(RECOVER_TRIES):
            yield from self._init()
            yield from asked(self._talk, messages.STATE_FRAME, Cmd.STATE)
            if self._known.slot is not Slot.EMPTY:
                yield from self._until_empty()
            if not self._talk.damaged:
                self._talk.tell(Clean())
                return
        raise EndedError(Failure.NOISE)

    def _cancel(self) -> Job:
        try:
            yield from self._pad.cancel()
        except EndedError:
            yield from self._recover()
        else:
            self._talk.tell(Cancelled())

    def _init(self) -> Job:
        known = self._known
        known.settled = known.card = known.chip = False
        yield from asked(self._talk, messages.INIT_FRAME, Cmd.INIT)
        # Whatever was lost before the ACK belonged to what the init has ended.
        self._talk.damaged = False
        self._known.settled = True

    def _until_empty(self) -> Job:
        """Have the card taken out, and wait for the reader's own word that it is."""
        self._talk.tell(CardInside())
        yield from asked(self._talk, messages.EJECT_FRAME, Cmd.EJECT)
        while self._known.slot is not Slot.EMPTY:
            if (yield Listen(self._talk.now_us + CARD_POLL_US)) is None:
                yield from asked(self._talk, messages.STATE_FRAME, Cmd.STATE)


@dataclass(frozen=True, slots=True)
class StxReaders:
    """The entry point `stx`."""

    name: str = "stx"
    line: LineSettings = field(default=LineSettings(baud=38_400, other_bauds=(115_200,)))

    def create(self) -> StxDriver:
        return StxDriver()


driver = StxReaders()
