"""A card transaction on an STX line: messages 10 and 11, and the host's word, 20 and 21."""

from __future__ import annotations

import enum
from functools import partial

from msgspec import structs

from tpayd.device_broker.drivers.commands import ReadCard
from tpayd.device_broker.drivers.events import (
    CardPulled,
    CardRead,
    CardRefused,
    CardSeen,
    CardTimedOut,
    ChoiceAsked,
    EntryTimedOut,
    Failure,
    PinAsked,
    Pulled,
    Trouble,
    TroubleKind,
)
from tpayd.device_broker.drivers.stx_card_messages import CardAnswer, parse_card, parse_finished, stripe_frame
from tpayd.device_broker.drivers.stx_codes import STRIPE_ALLOWED, Cmd, Slot
from tpayd.device_broker.drivers.stx_messages import EJECT_FRAME, STATE_FRAME, parse_state
from tpayd.device_broker.drivers.stx_rules import CARD_POLL_US, PULL_WAIT_US, READ_WAIT_US, RULES
from tpayd.device_broker.drivers.stx_steps import EndedError, Known, asked, parsed, taken
from tpayd.device_broker.drivers.stx_talk import Ask, Listen, Step, Talk
from tpayd_contracts.device import TransactionType
from tpayd_contracts.payment import EntryMode

__all__ = ["CardSteps"]

_WITH_WORD = frozenset({TransactionType.CREDIT, TransactionType.UNIONPAY})
"""The types whose chip cards get the host's word."""


class _Turn(enum.Enum):
    """Whose turn it is."""

    CARD = enum.auto()
    """The customer's, to present a card."""
    READER = enum.auto()
    PULL = enum.auto()
    """The customer's, to take out a card whose chip has failed."""
    ENTRY = enum.auto()
    """The customer's, to key his PIN or to choose."""


class CardSteps:
    """See the module. Each step says whether it ended well."""

    def __init__(self, talk: Talk, known: Known) -> None:
        self._talk = talk
        self._known = known

    def read(self, command: ReadCard, request: bytes) -> Step[bool]:
        """Read a card, by its stripe should the chip fail."""
        answer = yield from self._transaction(command, request, command.nonce)
        if answer is None:
            return False
        card, fallback = answer.card, None
        if isinstance(card, CardRefused) and card.code in STRIPE_ALLOWED and (by_stripe := stripe_frame(command)):
            fallback = card.code
            if not (yield from self._taken_out(answer)):
                return False
            answer = yield from self._transaction(command, by_stripe, command.nonce_again)
            if answer is None:
                return False
        return self._answered(command, answer, fallback)

    def finish(self, request: bytes) -> Step[bool]:
        """Give a chip card the host's word."""
        talk, known = self._talk, self._known
        known.settled = known.card = known.chip = False
        frame = yield Ask(request, RULES[Cmd.FINISH])
        until_us = talk.until_us
        while True:
            finished, nonce = parsed(parse_finished, taken(talk, frame).data)
            if nonce == known.nonce:
                break
            talk.tell(Trouble(TroubleKind.LATE))
            frame = yield Listen(until_us)
        talk.tell(finished)
        known.settled = True
        return True

    def _transaction(self, command: ReadCard, request: bytes, nonce: str) -> Step[CardAnswer | None]:
        """None: the customer's time is over, and that has been told."""
        talk, known = self._talk, self._known
        known.settled = known.card = known.chip = False
        known.nonce = nonce
        parse = partial(parse_card, membership=command.type is TransactionType.MEMBERSHIP)
        turn, until_us = _Turn.CARD, talk.now_us + command.wait_us
        frame = yield Ask(request, RULES[Cmd.CARD], command.wait_us)
        while frame is not None:
            if taken(talk, frame).command == Cmd.CARD_ANSWER:
                answer = parsed(parse, frame.data)
                if answer.nonce == nonce:
                    return answer
                talk.tell(Trouble(TroubleKind.LATE))
            else:
                turn, until_us = self._told(parse_state(frame.data), turn, until_us, command.wait_us)
            frame = yield Listen(until_us)
        if turn is _Turn.READER:
            raise EndedError(Failure.NO_ANSWER)
        talk.tell(EntryTimedOut() if turn is _Turn.ENTRY else CardTimedOut())
        return None

    def _told(self, state: Slot, turn: _Turn, until_us: int, wait_us: int) -> tuple[_Turn, int]:
        """Whose turn it is after the reader's word, and until when."""
        talk = self._talk
        match state:
            case Slot.PULL if turn is not _Turn.PULL:
                talk.tell(CardPulled())
                return _Turn.PULL, talk.now_us + PULL_WAIT_US
            case Slot.EMPTY if turn is _Turn.PULL:
                talk.tell(Pulled())
                return _Turn.CARD, talk.now_us + wait_us
            case Slot.PIN | Slot.CHOICE if turn in (_Turn.CARD, _Turn.READER):
                talk.tell(PinAsked() if state is Slot.PIN else ChoiceAsked())
                return _Turn.ENTRY, talk.now_us + wait_us
            case Slot.ENTERED if turn is _Turn.ENTRY:
                talk.tell(CardSeen())
                return _Turn.READER, talk.now_us + READ_WAIT_US
            case Slot.INSERTED | Slot.TAPPED | Slot.SWIPED if turn is _Turn.CARD:
                talk.tell(CardSeen())
                return _Turn.READER, talk.now_us + READ_WAIT_US
            case _:
                return turn, until_us

    def _taken_out(self, answer: CardAnswer) -> Step[bool]:
        """The chip has failed, and the reader has ended: have the card taken out, to ask for its stripe."""
        talk, known = self._talk, self._known
        known.slot = Slot.INSERTED if answer.occupied else Slot.EMPTY
        if answer.occupied:
            talk.tell(CardPulled())
            until_us = talk.now_us + PULL_WAIT_US
            yield from asked(talk, EJECT_FRAME, Cmd.EJECT)
            while known.slot is not Slot.EMPTY:
                if (yield Listen(min(until_us, talk.now_us + CARD_POLL_US))) is None:
                    if talk.now_us >= until_us:
                        talk.tell(CardTimedOut())
                        return False
                    yield from asked(talk, STATE_FRAME, Cmd.STATE)
        talk.tell(Pulled())
        return True

    def _answered(self, command: ReadCard, answer: CardAnswer, fallback: str | None) -> bool:
        known, card = self._known, answer.card
        known.slot = Slot.INSERTED if answer.occupied else Slot.EMPTY
        if fallback is not None and isinstance(card, CardRead):
            card = structs.replace(card, entry_mode=EntryMode.FALLBACK, fallback_code=card.fallback_code or fallback)
        self._talk.tell(card)
        if not isinstance(card, CardRead):
            return False
        known.card = card.membership_number is None
        # A chip card still waits for the host's word; the others have told all they know.
        known.chip = card.entry_mode is EntryMode.IC and command.type in _WITH_WORD
        known.settled = not known.chip
        return True
