"""The driver of ID TECH NEO readers, which speak protocol 2, 'ViVOtech2' (docs/neo-protocol.md).

Each command below reads from top to bottom; `talk` sends, waits and repeats for it, by the table in `neo_rules`.

Why no answer of an earlier customer can pass for a later one's: the reader handles what it gets in order, so all that
it sent before it answered a ping behind a cancel lies before that answer on the line, and is dropped; and the answers
to a card transaction repeat its number, tag 9F41, without which they are not believed.

Why no cancel is needed after a transaction that ended by its own answer: as with STX readers, the reader has nothing
outstanding then, what came of it was read to the last byte and undamaged, and the slot is empty by the reader's word.

These readers have no signature pad, no keypad and no scanner that the driver knows: what is asked for there is refused,
and the reader is told nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tpayd.device_broker.drivers import neo_card_messages
from tpayd.device_broker.drivers import neo_messages as messages
from tpayd.device_broker.drivers.commands import FinishCard, InjectKey, PrepareKey, ReadCard, Start, StepCommand
from tpayd.device_broker.drivers.driver import CommandInvalidError, LineSettings
from tpayd.device_broker.drivers.events import (
    EntryRefused,
    Identified,
    Identity,
    KeyInjected,
    KeyPrepared,
    SelfTested,
    Trouble,
    TroubleKind,
)
from tpayd.device_broker.drivers.frames import Frame
from tpayd.device_broker.drivers.neo_card import CardSteps, of_status
from tpayd.device_broker.drivers.neo_codes import SWITCHES, TOLD, Cmd, Status
from tpayd.device_broker.drivers.neo_frame import NEO_FORM
from tpayd.device_broker.drivers.neo_rules import RULES
from tpayd.device_broker.drivers.talk import Dialect, Job, LayoutError, Rule, Step, asked, parsed
from tpayd.device_broker.drivers.talk_driver import TalkDriver
from tpayd_contracts.device import Ability

__all__ = ["NeoDriver", "NeoReaders", "driver"]

_ABILITIES = (Ability.IC, Ability.STRIPE, Ability.CONTACTLESS)
_NO_SUCH_PAD = "93"


def _refuses(frame: Frame, rule: Rule) -> bool:
    return frame.status == Status.CRC_ERROR and frame.command in rule.answers


_DIALECT = Dialect(NEO_FORM, _refuses, unasked=TOLD)


class NeoDriver(TalkDriver):
    """See `driver.Driver`."""

    def __init__(self) -> None:
        super().__init__(_DIALECT)
        self._cards = CardSteps(self._talk, self._known, self._ways)
        self._reader_id = ""

    def _notice(self, frame: Frame) -> bool:
        """Keep the slot up to date by what the reader tells by itself, and by its answers, whoever had asked."""
        try:
            if frame.command == SWITCHES:
                self._slot_is(messages.parse_switches(frame.data))
            elif frame.command == Cmd.SLOT_STATE.answer and frame.status == Status.OK:
                self._slot_is(messages.parse_slot(frame.data))
        except LayoutError:
            self._talk.tell(Trouble(TroubleKind.CORRUPT))
            return False
        return True

    def _step_of(self, command: StepCommand) -> Step[bool]:
        match command:
            case ReadCard():
                return self._cards.read(command, neo_card_messages.activate_frame(command))
            case FinishCard():
                nonce = self._known.nonce
                if not self._known.chip:
                    raise CommandInvalidError("lease", "no chip card waits for the host's word")
                request = neo_card_messages.apply_frame(command, neo_card_messages.sequence_of(nonce))
                return self._cards.finish(command, request, nonce)
            case PrepareKey():
                return self._prepare_key()
            case InjectKey():
                return self._inject_key(messages.inject_frame(command.at, command.blob))
            case _:
                return self._no_such_pad()

    def _no_such_pad(self) -> Step[bool]:
        self._talk.tell(EntryRefused(_NO_SUCH_PAD))
        return True
        yield  # pragma: no cover  # what makes it a step

    def _prepare_key(self) -> Step[bool]:
        answer = yield from self._asked(messages.PREPARE_KEY_FRAME, Cmd.PREPARE_KEY)
        half = parsed(messages.parse_prepared, of_status(answer, Status.OK).data)
        self._talk.tell(KeyPrepared(self._reader_id, half))
        return True

    def _inject_key(self, request: bytes) -> Step[bool]:
        answer = of_status((yield from self._asked(request, Cmd.INJECT_KEY)), Status.OK, Status.FAILED)
        confirmed = answer.status == Status.OK
        self._talk.tell(KeyInjected(confirmed, parsed(messages.parse_check_value, answer.data) if confirmed else None))
        return True

    def _identify(self, command: Start) -> Job:
        version = of_status((yield from self._asked(messages.VERSION_FRAME, Cmd.VERSION)), Status.OK)
        model, firmware = parsed(messages.parse_version, version.data)
        serial = of_status((yield from self._asked(messages.SERIAL_NUMBER_FRAME, Cmd.SERIAL_NUMBER)), Status.OK)
        serial_number = parsed(messages.parse_serial_number, serial.data)
        for request, cmd in (
            (messages.POLL_ON_DEMAND_FRAME, Cmd.POLL_MODE), (messages.NOTIFY_FRAME, Cmd.NOTIFY),
        ):  # fmt: skip
            of_status((yield from self._asked(request, cmd)), Status.OK)
        key = yield from self._asked(messages.KEY_STATE_FRAME, Cmd.KEY_STATE)
        loaded = key.status == Status.OK and parsed(messages.parse_key_loaded, key.data)
        held = (yield from self._key_held()) if loaded else None
        self._reader_id = messages.reader_id(serial_number)
        identity = Identity(self._reader_id, serial_number, firmware, model, loaded, _ABILITIES, held)
        self._talk.tell(Identified(identity))
        # The reader tests itself, daily and at every start; each of its answers would say that it was tampered with.
        self._talk.tell(SelfTested())

    def _key_held(self) -> Step[str | None]:
        """The key's check value; None from a reader that does not tell."""
        answer = yield from self._asked(messages.KEY_CHECK_FRAME, Cmd.KEY_CHECK)
        return parsed(messages.parse_check_value, answer.data) if answer.status == Status.OK else None

    def _reset(self) -> Job:
        ended = yield from self._asked(messages.CANCEL_FRAME, Cmd.CANCEL)
        if ended.status == Status.TAMPERED:
            self._talk.tell(SelfTested(f"{ended.status:02X}"))
            of_status(ended)
        of_status((yield from self._asked(messages.PING_FRAME, Cmd.PING)), Status.OK)

    def _end_entry(self) -> Job:
        """There is none to end."""
        return
        yield  # pragma: no cover  # what makes it a job

    def _state(self) -> Job:
        of_status((yield from self._asked(messages.SLOT_STATE_FRAME, Cmd.SLOT_STATE)), Status.OK)

    def _let_go(self) -> Job:
        yield from self._asked(messages.POWER_OFF_FRAME, Cmd.POWER_OFF)

    def _asked(self, request: bytes, cmd: Cmd) -> Step[Frame]:
        return asked(self._talk, request, RULES[cmd])


@dataclass(frozen=True, slots=True)
class NeoReaders:
    """The entry point `neo`."""

    name: str = "neo"
    line: LineSettings = field(default=LineSettings(baud=115_200, other_bauds=(38_400, 19_200)))

    def create(self) -> NeoDriver:
        return NeoDriver()


driver = NeoReaders()
