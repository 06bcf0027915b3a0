"""What is done beside the card slot on an STX line: signature, PIN and number, code, display.

None of it touches the card transaction before it. A customer who does nothing is not waited for by an init, which would
forget the card: AC ends the entry, BC says so, and what the reader sent before it lies before it on the line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tpayd.device_broker.drivers import stx_pad_messages as messages
from tpayd.device_broker.drivers.commands import EnterNumber, EnterPin, PadCommand, ReadCode, ShowMessage, Sign
from tpayd.device_broker.drivers.driver import CommandInvalidError
from tpayd.device_broker.drivers.events import (
    CardInstead,
    CardTaken,
    CodeRead,
    EntryRefused,
    EntryTimedOut,
    Event,
    Failure,
    MessageShown,
    PadShown,
    SignatureGiven,
    Trouble,
    TroubleKind,
)
from tpayd.device_broker.drivers.slot import Known
from tpayd.device_broker.drivers.stx_codes import NOT_A_CODE, OK, TIMED_OUT, Cmd
from tpayd.device_broker.drivers.stx_rules import RULES
from tpayd.device_broker.drivers.talk import Ask, EndedError, Job, Listen, Step, Talk, asked, parsed, taken

__all__ = ["PadSteps"]


class PadSteps:
    """See the module. Each step says whether the reader is as it was before."""

    def __init__(self, talk: Talk, known: Known) -> None:
        self._talk = talk
        self._known = known

    def step(self, command: PadCommand) -> Step[bool]:
        """The step of a command. Raises CommandInvalidError."""
        match command:
            case Sign():
                return self._guarded(self._sign(*messages.sign_frame(command), command))
            case EnterNumber():
                parse = partial(messages.parse_number, command=command)
                return self._guarded(self._entered(Cmd.NUMBER, messages.number_frame(command), command, parse))
            case EnterPin():
                if not self._known.card:
                    raise CommandInvalidError("lease", "no card has been read: whose PIN would it be?")
                request = messages.pin_frame(command)
                return self._guarded(self._entered(Cmd.PIN, request, command, messages.parse_pin))
            case ReadCode():
                return self._guarded(self._entered(Cmd.CODE, messages.code_frame(command), command, _code))
            case ShowMessage():
                return self._show(messages.show_frame(command))

    def cancel(self) -> Job:
        """Have the reader end whatever entry is under way. Raises EndedError."""
        yield from asked(self._talk, messages.CANCEL_FRAME, RULES[Cmd.CANCEL])

    def _guarded(self, step: Step[bool]) -> Step[bool]:
        """Not without the chip card that waits for the host's word: what is asked for belongs to its payment."""
        if self._known.chip_gone:
            self._talk.tell(CardTaken())
            return False
        try:
            return (yield from step)
        except _CardTakenError:
            self._talk.tell(CardTaken())
            return False

    def _sign(self, cmd: Cmd, request: bytes, command: Sign) -> Step[bool]:
        talk = self._talk
        answer = yield Ask(request, RULES[cmd])
        until_us = talk.until_us
        while True:
            result, nonce, _ = parsed(messages.parse_head, taken(talk, answer).data)
            if nonce == command.nonce:
                break
            talk.tell(Trouble(TroubleKind.LATE))
            answer = yield Listen(until_us)
        if result != OK:
            talk.tell(_refused(result))
            return True
        talk.tell(PadShown())
        request = messages.fetch_frame(command.nonce)
        return (yield from self._entered(Cmd.SIGN_FETCH, request, command, _signature))

    def _entered(
        self, cmd: Cmd, request: bytes, command: Sign | EnterNumber | EnterPin | ReadCode,
        parse: Callable[[bytes], Event],
    ) -> Step[bool]:  # fmt: skip
        """Wait for what the customer enters."""
        talk, known = self._talk, self._known
        if isinstance(command, ReadCode) and self._card_instead(command):
            talk.tell(CardInstead())
            return True
        until_us = talk.now_us + command.wait_us
        frame = yield Ask(request, RULES[cmd], command.wait_us)
        while frame is not None:
            if taken(talk, frame).command == Cmd.STATE_ANSWER:
                if known.chip_gone:
                    raise _CardTakenError
                if isinstance(command, ReadCode) and self._card_instead(command):
                    yield from self.cancel()
                    talk.tell(CardInstead())
                    return True
            else:
                result, nonce, rest = parsed(messages.parse_head, frame.data)
                if nonce == command.nonce:
                    talk.tell(parsed(parse, rest) if result == OK else _refused(result))
                    return True
                talk.tell(Trouble(TroubleKind.LATE))
            frame = yield Listen(until_us)
        yield from self.cancel()
        talk.tell(EntryTimedOut())
        return True

    def _card_instead(self, command: ReadCode) -> bool:
        return command.or_card and self._known.occupied is True

    def _show(self, request: bytes) -> Step[bool]:
        answer = yield from asked(self._talk, request, RULES[Cmd.SHOW])
        if (result := messages.parse_shown(answer.data)) != OK:
            raise EndedError(Failure.REFUSED, result)
        self._talk.tell(MessageShown())
        return True


class _CardTakenError(Exception):
    """The chip card that waits for the host's word was pulled out."""


def _signature(data: bytes) -> SignatureGiven:
    return SignatureGiven(messages.parse_strokes(data))


def _code(data: bytes) -> CodeRead | EntryRefused:
    code = messages.parse_code(data)
    return EntryRefused(NOT_A_CODE) if code is None else CodeRead(code)


def _refused(code: str) -> EntryRefused | EntryTimedOut:
    return EntryTimedOut() if code == TIMED_OUT else EntryRefused(code)
