"""A reader driver to begin from: docs/drivers.md explains it, and the conformance suite passes it.

The toy reader takes contactless cards and nothing else. Its frames are

    3A | CMD | LEN | DATA (LEN) | sum of all before, modulo 256

and it knows four commands. An answer has the command's letter.

    R        reset: ends whatever is under way       -
    I        who are you?                            serial number 8, version 4, key loaded 1
    S        is a card held to you?                  "0" or "1"
    C        read a card: number 8, amount 10        "seen", on the way; then number 8, masked 19, KSN 12, cipher 48
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from tpayd.device_broker.drivers.commands import FinishCard, InjectKey, PrepareKey, ReadCard, Start, StepCommand
from tpayd.device_broker.drivers.driver import CommandInvalidError, LineSettings
from tpayd.device_broker.drivers.events import (
    CardRead,
    CardSeen,
    CardTimedOut,
    EntryRefused,
    Failure,
    Identified,
    Identity,
    SelfTested,
    Trouble,
    TroubleKind,
)
from tpayd.device_broker.drivers.frames import Frame
from tpayd.device_broker.drivers.talk import (
    Ask,
    Dialect,
    EndedError,
    Job,
    LayoutError,
    Listen,
    Rule,
    Step,
    asked,
    parsed,
    taken,
)
from tpayd.device_broker.drivers.talk_driver import TalkDriver
from tpayd_contracts.device import Ability, TransactionType
from tpayd_contracts.payment import EntryMode

__all__ = ["ToyDriver", "ToyReaders", "driver", "frame"]

# 1. The form of a frame: how it begins, how long it is, whether it is whole.


class ToyForm:
    start = b"\x3a"
    head_bytes = 3

    def size(self, buffer: bytes, at: int) -> int:
        return 3 + buffer[at + 2] + 1

    def opened(self, buffer: bytes, at: int, end: int) -> Frame | None:
        if sum(buffer[at : end - 1]) % 256 != buffer[end - 1]:
            return None
        return Frame(buffer[at + 1], buffer[at + 3 : end - 1])


def frame(command: bytes, data: bytes = b"") -> bytes:
    checked = b"\x3a" + command + bytes([len(data)]) + data
    return checked + bytes([sum(checked) % 256])


# 2. How each command is asked: which answers are its own, how long they may take, how often it may be sent.

RESET, INFO, SLOT, CARD = b"R", b"I", b"S", b"C"
RULES = {
    RESET: Rule(frozenset(RESET), wait_us=1_000_000, tries=2),
    INFO: Rule(frozenset(INFO), wait_us=1_000_000, tries=3),
    SLOT: Rule(frozenset(SLOT), wait_us=1_000_000, tries=3),
    CARD: Rule(frozenset(CARD), wait_us=30_000_000),  # once: sent twice, it could read two cards
}
READ_WAIT_US = 5_000_000
DIALECT = Dialect(ToyForm(), refuses=lambda _, __: False, unasked=frozenset())

# 3. The driver: what the protocol has of its own. TalkDriver does the rest.


class ToyDriver(TalkDriver):
    def __init__(self) -> None:
        super().__init__(DIALECT)

    def _notice(self, frame: Frame) -> bool:
        return True

    def _reset(self) -> Job:
        yield from asked(self._talk, frame(RESET), RULES[RESET])

    def _identify(self, command: Start) -> Job:
        answer = yield from asked(self._talk, frame(INFO), RULES[INFO])
        self._talk.tell(Identified(parsed(parse_info, answer.data)))
        self._talk.tell(SelfTested())

    def _state(self) -> Job:
        answer = yield from asked(self._talk, frame(SLOT), RULES[SLOT])
        self._known.occupied = answer.data == b"1"

    def _let_go(self) -> Job:
        yield from self._state()

    def _end_entry(self) -> Job:
        yield from ()

    def _step_of(self, command: StepCommand) -> Step[bool]:
        match command:
            case ReadCard(type=TransactionType.CREDIT):
                return self._read(command)
            case ReadCard():
                raise CommandInvalidError("type", f"a toy reads no card for {command.type.value}")
            case FinishCard():
                raise CommandInvalidError("lease", "no chip card waits for the host's word")
            case PrepareKey() | InjectKey():
                return self._refuse_key()
            case _:
                return self._refuse_entry()

    def _read(self, command: ReadCard) -> Step[bool]:
        """True: the reader is as it was. False, or an EndedError: TalkDriver recovers."""
        talk, known = self._talk, self._known
        known.unsettle()
        number = f"{int(command.nonce, 16) % 10**8:08d}".encode()
        seen, until_us = False, talk.now_us + command.wait_us
        answer = yield Ask(frame(CARD, number + b"%010d" % command.amount_minor), RULES[CARD], command.wait_us)
        while answer is not None:
            data = taken(talk, answer).data
            if data == b"seen":
                if not seen:
                    seen, until_us = True, talk.now_us + READ_WAIT_US
                    talk.tell(CardSeen())
            elif data[:8] == number:
                talk.tell(parsed(parse_card, data))
                known.card = known.settled = True
                return True
            else:
                talk.tell(Trouble(TroubleKind.LATE))  # another customer's: nobody gets it
            answer = yield Listen(until_us)
        if seen:
            raise EndedError(Failure.NO_ANSWER)
        talk.tell(CardTimedOut())
        return False

    def _refuse_key(self) -> Step[bool]:
        yield from ()
        raise EndedError(Failure.REFUSED, "a toy takes no keys")

    def _refuse_entry(self) -> Generator[Ask | Listen, Frame | None, bool]:
        yield from ()
        self._talk.tell(EntryRefused("93"))
        return True


def parse_info(data: bytes) -> Identity:
    if len(data) != 13:
        raise LayoutError(f"I: {len(data)} bytes, not 13")
    serial_number, version = data[:8].decode("ascii", "replace"), data[8:12].decode("ascii", "replace")
    return Identity(f"TOY-{serial_number}", serial_number, version, "TOY", data[12:] == b"1", (Ability.CONTACTLESS,))


def parse_card(data: bytes) -> CardRead:
    if len(data) != 8 + 19 + 12 + 48:
        raise LayoutError(f"C: {len(data)} bytes, not 87")
    masked = data[8:27].decode("ascii", "replace").strip()
    return CardRead(EntryMode.CONTACTLESS, masked, data[27:39], data[39:], b"", None, None)


# 4. The entry point.


@dataclass(frozen=True, slots=True)
class ToyReaders:
    name: str = "toy"
    line: LineSettings = LineSettings(baud=9_600)  # noqa: RUF009

    def create(self) -> ToyDriver:
        return ToyDriver()


driver = ToyReaders()
