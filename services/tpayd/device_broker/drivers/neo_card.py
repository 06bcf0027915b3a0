"""A card transaction on a NEO line: activate (02-40), and the host's word (60-12)."""

from __future__ import annotations

from msgspec import structs

from tpayd.device_broker.drivers.commands import FinishCard, ReadCard
from tpayd.device_broker.drivers.events import (
    CardRead,
    CardRefused,
    CardSeen,
    CardTimedOut,
    Failure,
    Trouble,
    TroubleKind,
)
from tpayd.device_broker.drivers.frames import Frame
from tpayd.device_broker.drivers.neo_card_messages import (
    WITH_WORD,
    CardAnswer,
    parse_card,
    parse_finished,
    sequence_of,
    stripe_frame,
)
from tpayd.device_broker.drivers.neo_codes import STRIPE_ALLOWED, Cmd, Status
from tpayd.device_broker.drivers.neo_messages import CANCEL_FRAME
from tpayd.device_broker.drivers.neo_rules import READ_WAIT_US, RULES
from tpayd.device_broker.drivers.slot import Known, SlotWays, taken_out
from tpayd.device_broker.drivers.talk import Ask, EndedError, LayoutError, Listen, Step, Talk, asked, taken
from tpayd_contracts.payment import EntryMode

__all__ = ["CardSteps", "of_status"]

_ON_THE_WAY = frozenset({Status.EVENT, Status.BEGUN})
_REFUSED = frozenset(
    {Status.UNKNOWN_COMMAND, Status.UNKNOWN_SUB_COMMAND, Status.NOT_ALLOWED, Status.SUB_NOT_ALLOWED}
)  # fmt: skip
_READ = frozenset({Status.OK, Status.ONLINE, Status.FAILED})


def of_status(answer: Frame, *expected: Status) -> Frame:
    """The answer, if its status is one of these. Raises EndedError."""
    if answer.status == Status.TAMPERED:
        raise EndedError(Failure.SELF_TEST, "tampered with")
    if answer.status in expected:
        return answer
    why = Failure.REFUSED if answer.status in _REFUSED else Failure.BAD_ANSWER
    raise EndedError(why, f"status {answer.status:02X}")


class CardSteps:
    """See the module. Each step says whether it ended well."""

    def __init__(self, talk: Talk, known: Known, ways: SlotWays) -> None:
        self._talk = talk
        self._known = known
        self._ways = ways

    def read(self, command: ReadCard, request: bytes) -> Step[bool]:
        """Read a card, by its stripe should the chip fail."""
        answer = yield from self._transaction(command, request, command.nonce)
        if answer is None:
            return False
        card, fallback = answer.card, None
        if isinstance(card, CardRefused) and card.code in STRIPE_ALLOWED and answer.contact:
            by_stripe = stripe_frame(command)
            if by_stripe is not None:
                fallback = card.code
                if not (yield from taken_out(self._talk, self._known, self._ways)):
                    return False
                answer = yield from self._transaction(command, by_stripe, command.nonce_again)
                if answer is None:
                    return False
        return (yield from self._answered(command, answer, fallback))

    def finish(self, command: FinishCard, request: bytes, nonce: str) -> Step[bool]:
        """Give a chip card the host's word."""
        talk, known = self._talk, self._known
        known.unsettle()
        frame = yield Ask(request, RULES[Cmd.APPLY_HOST])
        until_us = talk.until_us
        while True:
            answer = taken(talk, frame)
            if answer.status not in _ON_THE_WAY:
                of_status(answer, Status.OK, Status.FAILED)
                try:
                    finished, sequence = parse_finished(answer, approved=command.approved)
                except LayoutError as error:
                    raise EndedError(Failure.BAD_ANSWER, str(error)) from None
                if sequence == sequence_of(nonce):
                    break
                talk.tell(Trouble(TroubleKind.LATE))
            frame = yield Listen(until_us)
        talk.tell(finished)
        known.settled = True
        return True

    def _transaction(self, command: ReadCard, request: bytes, nonce: str) -> Step[CardAnswer | None]:
        """None: the customer's time is over, and that has been told."""
        talk, known = self._talk, self._known
        known.unsettle()
        known.nonce = nonce
        seen, until_us = False, talk.now_us + command.wait_us
        frame = yield Ask(request, RULES[Cmd.ACTIVATE], command.wait_us)
        while frame is not None:
            if (status := taken(talk, frame).status) == Status.TIMED_OUT:
                break
            if status == Status.EVENT and not seen:
                seen, until_us = True, talk.now_us + READ_WAIT_US
                talk.tell(CardSeen())
            if status not in _ON_THE_WAY:
                answer = self._read(command, of_status(frame, *_READ))
                if answer.sequence == sequence_of(nonce):
                    if answer.contact:
                        yield from self._ways.state()
                    return answer
                talk.tell(Trouble(TroubleKind.LATE))
            frame = yield Listen(until_us)
        if seen:
            raise EndedError(Failure.NO_ANSWER)
        talk.tell(CardTimedOut())
        return None

    def _read(self, command: ReadCard, frame: Frame) -> CardAnswer:
        try:
            return parse_card(frame, with_emv=command.type in WITH_WORD)
        except LayoutError as error:
            raise EndedError(Failure.BAD_ANSWER, str(error)) from None

    def _answered(self, command: ReadCard, answer: CardAnswer, fallback: str | None) -> Step[bool]:
        known, card = self._known, answer.card
        if not isinstance(card, CardRead):
            self._talk.tell(card)
            return False
        if fallback is not None:
            card = structs.replace(card, entry_mode=EntryMode.FALLBACK, fallback_code=fallback)
        # A chip card still waits for the host's word; the others have told all they know.
        chip = card.entry_mode is EntryMode.IC and command.type in WITH_WORD
        if answer.contact and not chip:
            # Its transaction stands open in the reader, which would wait for its next step.
            yield from asked(self._talk, CANCEL_FRAME, RULES[Cmd.CANCEL])
        self._talk.tell(card)
        known.card, known.chip, known.settled = True, chip, not chip
        return True
