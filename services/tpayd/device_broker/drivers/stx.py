"""The driver of Korean secure readers that speak STX frames (docs/reader-protocol.md).

Each command below reads from top to bottom; `talk` sends, waits and repeats for it, by the table in `stx_rules`.

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
from tpayd.device_broker.drivers.commands import FinishCard, InjectKey, PrepareKey, ReadCard, Start, StepCommand
from tpayd.device_broker.drivers.driver import CommandInvalidError, LineSettings
from tpayd.device_broker.drivers.events import Failure, Identified, KeyInjected, SelfTested, Trouble, TroubleKind
from tpayd.device_broker.drivers.firmware import FirmwareJob, FirmwareTalk
from tpayd.device_broker.drivers.frames import Frame
from tpayd.device_broker.drivers.stx_card import CardSteps
from tpayd.device_broker.drivers.stx_codes import OCCUPIED, OK, Cmd
from tpayd.device_broker.drivers.stx_frame import STX_FORM
from tpayd.device_broker.drivers.stx_messages import NAK_FRAME
from tpayd.device_broker.drivers.stx_pad import PadSteps
from tpayd.device_broker.drivers.stx_rules import PREPARE_TRIES, RULES
from tpayd.device_broker.drivers.talk import Dialect, EndedError, Job, Rule, Step, asked, parsed
from tpayd.device_broker.drivers.talk_driver import TalkDriver

__all__ = ["StxDriver", "StxReaders", "StxUpdates", "driver"]

# Plain numbers: every frame is compared with them, and to look a member up in its enum takes five times as long.
_NAK = int(Cmd.NAK)
_STATE_ANSWER = int(Cmd.STATE_ANSWER)


def _refuses(frame: Frame, _: Rule) -> bool:
    return frame.command == _NAK


_DIALECT = Dialect(STX_FORM, _refuses, unasked=frozenset({Cmd.STATE_ANSWER}), say_again=NAK_FRAME)


class StxDriver(TalkDriver):
    """See `driver.Driver`."""

    def __init__(self) -> None:
        super().__init__(_DIALECT)
        self._cards = CardSteps(self._talk, self._known, self._ways)
        self._pad = PadSteps(self._talk, self._known)

    def _notice(self, frame: Frame) -> bool:
        """Keep the slot up to date, whoever the state was meant for."""
        if frame.command != _STATE_ANSWER:
            return True
        if frame.data not in OCCUPIED:
            self._talk.tell(Trouble(TroubleKind.CORRUPT))
            return False
        occupied = OCCUPIED[frame.data]
        if occupied is not None:
            self._slot_is(occupied)
        return True

    def _step_of(self, command: StepCommand) -> Step[bool]:
        match command:
            case ReadCard():
                return self._cards.read(command, stx_card_messages.card_frame(command))
            case FinishCard():
                request = stx_card_messages.finish_frame(command)
                if not self._known.chip:
                    raise CommandInvalidError("lease", "no chip card waits for the host's word")
                return self._cards.finish(request)
            case PrepareKey():
                return self._prepare_key()
            case InjectKey():
                return self._inject_key(messages.inject_frame(command.at, command.blob))
            case _:
                return self._pad.step(command)

    def _prepare_key(self) -> Step[bool]:
        for _ in range(PREPARE_TRIES):
            answer = yield from self._asked(messages.PREPARE_KEY_FRAME, Cmd.PREPARE_KEY)
            prepared, result = parsed(messages.parse_prepared, answer.data)
            if result == OK:
                self._talk.tell(prepared)
                return True
        raise EndedError(Failure.REFUSED, result)

    def _inject_key(self, request: bytes) -> Step[bool]:
        answer = yield from self._asked(request, Cmd.INJECT_KEY)
        confirmed = answer.command == Cmd.ACK
        self._talk.tell(KeyInjected(confirmed, messages.parse_check_value(answer.data) if confirmed else None))
        return True

    def _identify(self, command: Start) -> Job:
        info = yield from self._asked(messages.info_frame(command.at), Cmd.INFO)
        identity = parsed(messages.parse_info, info.data)
        self._talk.tell(Identified(identity))
        if identity.boot_loader:
            raise EndedError(Failure.BOOT_LOADER)
        test = yield from self._asked(messages.SELF_TEST_FRAME, Cmd.SELF_TEST)
        if (fault := messages.parse_self_test(test.data)) != OK:
            self._talk.tell(SelfTested(fault))
            raise EndedError(Failure.SELF_TEST, fault)
        self._talk.tell(SelfTested())

    def _reset(self) -> Job:
        yield from self._asked(messages.INIT_FRAME, Cmd.INIT)

    def _end_entry(self) -> Job:
        yield from self._pad.cancel()

    def _state(self) -> Job:
        yield from self._asked(messages.STATE_FRAME, Cmd.STATE)

    def _let_go(self) -> Job:
        yield from self._asked(messages.EJECT_FRAME, Cmd.EJECT)

    def _asked(self, request: bytes, cmd: Cmd) -> Step[Frame]:
        return asked(self._talk, request, RULES[cmd])


class StxUpdates:
    """See `firmware.FirmwareMaker`."""

    def create(self, job: FirmwareJob) -> FirmwareTalk:
        # Its cryptography is loaded where it is needed: once in a year, and in no payment.
        from tpayd.device_broker.drivers.stx_firmware import StxFirmware  # noqa: PLC0415

        return StxFirmware(job)


@dataclass(frozen=True, slots=True)
class StxReaders:
    """The entry point `stx`."""

    name: str = "stx"
    line: LineSettings = field(default=LineSettings(baud=38_400, other_bauds=(115_200,)))
    firmware: StxUpdates = field(default_factory=StxUpdates)

    def create(self) -> StxDriver:
        return StxDriver()


driver = StxReaders()
