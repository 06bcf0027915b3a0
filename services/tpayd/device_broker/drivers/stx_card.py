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
from tpayd.device_broker.drivers.slot import PULL_WAIT_US, Known, SlotWays, taken_out
from tpayd.device_broker.drivers.stx_card_messages import CardAnswer, parse_card, parse_finished, stripe_frame
from tpayd.device_broker.drivers.stx_codes import STRIPE_ALLOWED, Cmd, Slot
from tpayd.device_broker.drivers.stx_messages import parse_state
from tpayd.device_broker.drivers.stx_rules import READ_WAIT_US, RULES
from tpayd.device_broker.drivers.talk import Ask, EndedError, Listen, Step, Talk, parsed, taken
from tpayd_contracts.device import TransactionType
from tpayd_contracts.payment import EntryMode

__all__ = ["CardSteps"]

_WITH_WORD = frozenset({TransactionType.CREDIT, TransactionType.UNIONPAY})
"""The types whose chip cards get the host's word."""
_CHIP = EntryMode.IC
_MEMBERSHIP = TransactionType.MEMBERSHIP
_CARD_RULE = RULES[Cmd.CARD]
_CARD_ANSWER = int(Cmd.CARD_ANSWER)
_PRESENTED = (Slot.INSERTED, Slot.TAPPED, Slot.SWIPED)
_parse_membership = partial(parse_card, membership=True)


class _Turn(enum.Enum):
    """Whose turn it is."""

    CARD = enum.auto()
    """The customer's, to present a card."""
    READER = enum.auto()
    PULL = enum.auto()
    """The customer's, to take out a card whose chip has failed."""
    ENTRY = enum.auto()
    """The customer's, to key his PIN or to choose."""


# To look a member up in its enum takes longer than all else that is done with it, and each card has six of these.
_CARD, _READER, _PULL, _ENTRY = _Turn


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
        if isinstance(card, CardRefused) and card.code in STRIPE_ALLOWED and (by_stripe := stripe_frame(command)):
            fallback = card.code
            self._known.occupied = answer.occupied
            if not (yield from taken_out(self._talk, self._known, self._ways)):
                return False
            answer = yield from self._transaction(command, by_stripe, command.nonce_again)
            if answer is None:
                return False
        return self._answered(command, answer, fallback)

    def finish(self, request: bytes) -> Step[bool]:
        """Give a chip card the host's word."""
        talk, known = self._talk, self._known
        known.unsettle()
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
        known.unsettle()
        known.nonce = nonce
        parse = _parse_membership if command.type is _MEMBERSHIP else parse_card
        turn, until_us = _CARD, talk.now_us + command.wait_us
        frame = yield Ask(request, _CARD_RULE, command.wait_us)
        while frame is not None:
            if frame.command == _CARD_ANSWER:
                answer = parsed(parse, frame.data)
                if answer.nonce == nonce:
                    return answer
                talk.tell(Trouble(TroubleKind.LATE))
            else:
                state = parse_state(taken(talk, frame).data)
                turn, until_us = self._told(state, turn, until_us, command.wait_us)
            frame = yield Listen(until_us)
        if turn is _READER:
            raise EndedError(Failure.NO_ANSWER)
        talk.tell(EntryTimedOut() if turn is _ENTRY else CardTimedOut())
        return None

    def _told(self, state: Slot, turn: _Turn, until_us: int, wait_us: int) -> tuple[_Turn, int]:
        """Whose turn it is after the reader's word, and until when."""
        talk = self._talk
        if turn is _CARD and state in _PRESENTED:
            talk.tell(CardSeen())
            return _READER, talk.now_us + READ_WAIT_US
        match state:
            case Slot.PULL if turn is not _PULL:
                talk.tell(CardPulled())
                return _PULL, talk.now_us + PULL_WAIT_US
            case Slot.EMPTY if turn is _PULL:
                talk.tell(Pulled())
                return _CARD, talk.now_us + wait_us
            case Slot.PIN | Slot.CHOICE if turn in (_CARD, _READER):
                talk.tell(PinAsked() if state is Slot.PIN else ChoiceAsked())
                return _ENTRY, talk.now_us + wait_us
            case Slot.ENTERED if turn is _ENTRY:
                talk.tell(CardSeen())
                return _READER, talk.now_us + READ_WAIT_US
            case _:
                return turn, until_us

    def _answered(self, command: ReadCard, answer: CardAnswer, fallback: str | None) -> bool:
        known, card = self._known, answer.card
        known.occupied = answer.occupied
        if fallback is not None and isinstance(card, CardRead):
            card = structs.replace(card, entry_mode=EntryMode.FALLBACK, fallback_code=card.fallback_code or fallback)
        self._talk.tell(card)
        if not isinstance(card, CardRead):
            return False
        known.card = card.membership_number is None
        # A chip card still waits for the host's word; the others have told all they know.
        known.chip = card.entry_mode is _CHIP and command.type in _WITH_WORD
        known.settled = not known.chip
        return True
