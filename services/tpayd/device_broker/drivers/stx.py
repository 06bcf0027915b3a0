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

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tpayd.device_broker.drivers import stx_messages as messages
from tpayd.device_broker.drivers.commands import (
    Check,
    Command,
    FinishCard,
    InjectKey,
    PrepareKey,
    ReadCard,
    Recover,
    Start,
)
from tpayd.device_broker.drivers.driver import DriverBusyError, LineSettings, Turn
from tpayd.device_broker.drivers.events import (
    CardInside,
    CardPulled,
    CardRead,
    CardSeen,
    CardTimedOut,
    Clean,
    Down,
    Failed,
    Failure,
    Identified,
    KeyInjected,
    Pulled,
    SlotChanged,
    Trouble,
    TroubleKind,
)
from tpayd.device_broker.drivers.stx_frame import Frame
from tpayd.device_broker.drivers.stx_messages import CardAnswer, Cmd, LayoutError, Slot
from tpayd.device_broker.drivers.stx_rules import (
    CARD_POLL_US,
    PREPARE_TRIES,
    PULL_WAIT_US,
    READ_WAIT_US,
    RECOVER_TRIES,
    RULES,
)
from tpayd.device_broker.drivers.stx_talk import Ask, Job, Listen, Step, Talk
from tpayd_contracts.payment import EntryMode

__all__ = ["StxDriver", "StxReaders", "driver"]

P = TypeVar("P")


class StxDriver:
    """See `driver.Driver`."""

    def __init__(self) -> None:
        self._talk = Talk(self._notice)
        self._slot: Slot | None = None
        self._settled = False
        self._nonce = ""

    @property
    def clean(self) -> bool:
        talk = self._talk
        return self._settled and not talk.damaged and self._slot is Slot.EMPTY and talk.drained

    @property
    def busy(self) -> bool:
        return self._talk.busy

    @property
    def deadline_us(self) -> int | None:
        return self._talk.deadline_us

    def ask(self, command: Command, now_us: int) -> Turn:
        talk = self._talk
        talk.now_us = now_us
        job = self._job_of(command)
        if isinstance(command, Recover):
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
        if state in (Slot.TAPPED, Slot.SWIPED):
            return True
        changed = (self._slot is Slot.EMPTY) != (state is Slot.EMPTY)
        self._slot = state
        if changed and not self._talk.busy:
            self._talk.tell(SlotChanged(state is not Slot.EMPTY))
        return True

    def _job_of(self, command: Command) -> Job:
        match command:
            case ReadCard():
                return self._step(self._read_card(messages.card_frame(command), command.nonce, command.wait_us))
            case FinishCard():
                return self._step(self._finish_card(messages.finish_frame(command)))
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

    # Steps with a card or a key

    def _step(self, job: Step[bool]) -> Job:
        """Unless the step ends well, recover."""
        try:
            well = yield from job
        except _EndedError as end:
            self._talk.tell(Failed(end.why, end.detail))
            well = False
        if not well:
            yield from self._way_back(self._recover())

    def _read_card(self, request: bytes, nonce: str, wait_us: int) -> Step[bool]:
        talk = self._talk
        self._settled = False
        self._nonce = nonce
        until_us = talk.now_us + wait_us
        seen = pulling = False
        frame = yield Ask(request, RULES[Cmd.CARD], wait_us)
        while frame is not None:
            if self._answer(frame).command == Cmd.CARD_ANSWER:
                answer = _parsed(messages.parse_card, frame)
                if answer.nonce == nonce:
                    return self._card_answered(answer)
                talk.tell(Trouble(TroubleKind.LATE))
            elif self._slot is Slot.PULL and not pulling:
                seen, pulling = False, True
                until_us = talk.now_us + PULL_WAIT_US
                talk.tell(CardPulled())
            elif pulling and self._slot is Slot.EMPTY:
                pulling = False
                until_us = talk.now_us + wait_us
                talk.tell(Pulled())
            elif not seen and not pulling and messages.parse_state(frame.data) is not Slot.EMPTY:
                seen = True
                until_us = talk.now_us + READ_WAIT_US
                talk.tell(CardSeen())
            frame = yield Listen(until_us)
        if seen:
            raise _EndedError(Failure.NO_ANSWER)
        talk.tell(CardTimedOut())
        return False

    def _card_answered(self, answer: CardAnswer) -> bool:
        self._slot = Slot.INSERTED if answer.occupied else Slot.EMPTY
        self._talk.tell(answer.card)
        if not isinstance(answer.card, CardRead):
            return False
        # A chip card still waits for the host's word; the others have told all they know.
        self._settled = answer.card.entry_mode is not EntryMode.IC
        return True

    def _finish_card(self, request: bytes) -> Step[bool]:
        self._settled = False
        frame = yield Ask(request, RULES[Cmd.FINISH])
        until_us = self._talk.until_us
        while True:
            finished, nonce = _parsed(messages.parse_finished, self._answer(frame))
            if nonce == self._nonce:
                break
            self._talk.tell(Trouble(TroubleKind.LATE))
            frame = yield Listen(until_us)
        self._talk.tell(finished)
        self._settled = True
        return True

    def _prepare_key(self) -> Step[bool]:
        for _ in range(PREPARE_TRIES):
            answer = yield from self._asked(messages.PREPARE_KEY_FRAME, Cmd.PREPARE_KEY)
            prepared, result = _parsed(messages.parse_prepared, answer)
            if result == "00":
                self._talk.tell(prepared)
                return True
        raise _EndedError(Failure.REFUSED, result)

    def _inject_key(self, request: bytes) -> Step[bool]:
        answer = yield from self._asked(request, Cmd.INJECT_KEY)
        confirmed = answer.command == Cmd.ACK
        self._talk.tell(KeyInjected(confirmed, messages.parse_check_value(answer.data) if confirmed else None))
        return True

    # Ways back to a known state

    def _way_back(self, job: Job) -> Job:
        try:
            yield from job
        except _EndedError as end:
            self._settled = False
            self._talk.tell(Down(end.why, end.detail))

    def _start(self, command: Start) -> Job:
        yield from self._init()
        info = yield from self._asked(messages.info_frame(command.at), Cmd.INFO)
        self._talk.tell(Identified(_parsed(messages.parse_info, info)))
        test = yield from self._asked(messages.SELF_TEST_FRAME, Cmd.SELF_TEST)
        if (fault := messages.parse_self_test(test.data)) != "00":
            raise _EndedError(Failure.SELF_TEST, fault)
        yield from self._check()

    def _check(self) -> Job:
        if self._settled and not self._talk.damaged:
            yield from self._asked(messages.STATE_FRAME, Cmd.STATE)
            if self._slot is not Slot.EMPTY:
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
            yield from self._asked(messages.STATE_FRAME, Cmd.STATE)
            if self._slot is not Slot.EMPTY:
                yield from self._until_empty()
            if not self._talk.damaged:
                self._talk.tell(Clean())
                return
        raise _EndedError(Failure.NOISE)

    def _init(self) -> Job:
        self._settled = False
        yield from self._asked(messages.INIT_FRAME, Cmd.INIT)
        # Whatever was lost before the ACK belonged to what the init has ended.
        self._talk.damaged = False
        self._settled = True

    def _until_empty(self) -> Job:
        """Have the card taken out, and wait for the reader's own word that it is."""
        self._talk.tell(CardInside())
        yield from self._asked(messages.EJECT_FRAME, Cmd.EJECT)
        while self._slot is not Slot.EMPTY:
            if (yield Listen(self._talk.now_us + CARD_POLL_US)) is None:
                yield from self._asked(messages.STATE_FRAME, Cmd.STATE)

    def _asked(self, frame: bytes, cmd: Cmd) -> Step[Frame]:
        """Ask by the command's rule. Raises _EndedError."""
        answer = yield Ask(frame, RULES[cmd])
        return self._answer(answer)

    def _answer(self, frame: Frame | None) -> Frame:
        if frame is None:
            raise _EndedError(Failure.NO_ANSWER)
        if frame.command not in self._talk.rule.answers:
            raise _EndedError(Failure.REFUSED)
        return frame


class _EndedError(Exception):
    """A command cannot go on."""

    def __init__(self, why: Failure, detail: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.detail = detail


def _parsed(parse: Callable[[bytes], P], frame: Frame) -> P:
    try:
        return parse(frame.data)
    except LayoutError as error:
        raise _EndedError(Failure.BAD_ANSWER, str(error)) from None


@dataclass(frozen=True, slots=True)
class StxReaders:
    """The entry point `stx`."""

    name: str = "stx"
    line: LineSettings = field(default=LineSettings(baud=38_400))

    def create(self) -> StxDriver:
        return StxDriver()


driver = StxReaders()
