"""The steps that a reader is taken through for a caller: a card read, its last word, a key. Each answers one request.

A step hears what happens on the way and its end, and turns them into progress and the answer. Its times: the
customer's is the wait for a card, the reader's is the rest.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from tpayd.device_broker import errors
from tpayd.device_broker.customer_step import Asked, CustomerStep
from tpayd.device_broker.drivers.events import (
    Answered,
    CardFinished,
    CardInside,
    CardPulled,
    CardRead,
    CardRefused,
    CardSeen,
    CardTimedOut,
    ChoiceAsked,
    EntryTimedOut,
    Event,
    Failed,
    KeyInjected,
    KeyPrepared,
    PinAsked,
    Pulled,
)
from tpayd.kit.bus import CallError, Request
from tpayd_contracts.device import (
    CardPrompt,
    CompletedCard,
    InjectedKey,
    PreparedKey,
    ReadCardResult,
)
from tpayd_contracts.errors import Outcome

__all__ = ["Asked", "FinishStep", "InjectStep", "PrepareStep", "ReadStep", "Step", "failed", "nonce", "nonces"]

_NONCE_BYTES = 16
_PAIRS_DRAWN = 64


Done: TypeAlias = Callable[[bool], None]
Taken: TypeAlias = Callable[[KeyInjected | None], None]


class Step(Protocol):
    """One step under way."""

    @property
    def request(self) -> Asked:
        """Who asked for it."""
        ...

    outcome_if_lost: Outcome
    """What is known of the step when the reader is lost in the middle of it."""
    can_be_abandoned: bool
    """Whether a reset of the reader undoes it."""
    is_aside: bool
    """Whether it stands beside the card: cancelled, it leaves a card that was read as it is."""

    def told(self, event: Event, now_us: int) -> None:
        """Something happened on the way."""
        ...

    def ended(self, event: Answered, now_us: int) -> None:
        """The step is over: answer."""
        ...

    def dropped(self, error: CallError) -> None:
        """The step was given up, or its reader lost: answer with this."""
        ...

    def tick(self, now_us: int) -> None:
        """Time has passed."""
        ...


class ReadStep(CustomerStep):
    """A card read: card.read, card.take."""

    __slots__ = ()

    is_aside = False
    first_prompt = CardPrompt.PRESENT_CARD

    def told(self, event: Event, now_us: int) -> None:
        match event:
            case CardSeen():
                self._customer_done(now_us)
                self._show(CardPrompt.CARD_SEEN, now_us)
            case CardPulled() | CardInside():
                self._customer_asked(CardPrompt.REMOVE_CARD, now_us)
            case Pulled():
                self._customer_asked(CardPrompt.PRESENT_CARD, now_us)
            case PinAsked():
                self._customer_asked(CardPrompt.ENTER_PIN, now_us)
            case ChoiceAsked():
                self._customer_asked(CardPrompt.CHOOSE, now_us)
            case _:
                pass

    def ended(self, event: Answered, now_us: int) -> None:
        self._customer_done(now_us)
        match event:
            case CardRead():
                self.request.reply(
                    ReadCardResult(
                        entry_mode=event.entry_mode,
                        masked_pan=event.masked_pan,
                        ksn=event.ksn,
                        cipher=event.cipher,
                        emv=event.emv,
                        label=event.label,
                        fallback_code=event.fallback_code,
                        pin_ksn=event.pin_ksn,
                        pin_block=event.pin_block,
                        membership_number=event.membership_number,
                        reader_us=self._reader_us(now_us),
                        customer_us=self._customer_us,
                    )
                )
            case CardRefused():
                self.request.fail(errors.card_refused(self._device, event))
            case CardTimedOut():
                self.request.fail(errors.card_timed_out())
            case EntryTimedOut():
                self.request.fail(errors.entry_timed_out())
            case _:
                self.request.fail(failed(self._device, event, Outcome.FAILED))


class FinishStep:
    """card.complete. Once the card has been asked, nobody but the card knows what it did."""

    outcome_if_lost = Outcome.UNKNOWN
    can_be_abandoned = False
    is_aside = False

    def __init__(self, request: Request, device: str, now_us: int) -> None:
        self.request = request
        self._device = device
        self._began_us = now_us

    def told(self, event: Event, now_us: int) -> None:
        pass

    def ended(self, event: Answered, now_us: int) -> None:
        if isinstance(event, CardFinished):
            self.request.reply(
                CompletedCard(event.accepted, event.message, event.cryptogram, reader_us=now_us - self._began_us)
            )
        else:
            self.request.fail(failed(self._device, event, Outcome.UNKNOWN))

    def dropped(self, error: CallError) -> None:
        self.request.fail(error)

    def tick(self, now_us: int) -> None:
        pass


class PrepareStep:
    """reader.key_prepare. `done(well)` is called behind the answer."""

    outcome_if_lost = Outcome.FAILED
    can_be_abandoned = True
    is_aside = False

    def __init__(self, request: Request, device: str, serial_number: str, done: Done) -> None:
        self.request = request
        self._device = device
        self._serial_number = serial_number
        self._done = done

    def told(self, event: Event, now_us: int) -> None:
        pass

    def ended(self, event: Answered, now_us: int) -> None:
        well = isinstance(event, KeyPrepared)
        if isinstance(event, KeyPrepared):
            self.request.reply(PreparedKey(event.reader_id, self._serial_number, event.blob))
        else:
            self.request.fail(failed(self._device, event, Outcome.FAILED))
        self._done(well)

    def dropped(self, error: CallError) -> None:
        self.request.fail(error)
        self._done(False)

    def tick(self, now_us: int) -> None:
        pass


class InjectStep:
    """reader.key_inject. `done(what the reader said)` is called behind the answer; with None nobody knows."""

    outcome_if_lost = Outcome.UNKNOWN
    can_be_abandoned = False
    is_aside = False

    def __init__(self, request: Request, device: str, done: Taken) -> None:
        self.request = request
        self._device = device
        self._done = done

    def told(self, event: Event, now_us: int) -> None:
        pass

    def ended(self, event: Answered, now_us: int) -> None:
        if isinstance(event, KeyInjected):
            self.request.reply(InjectedKey(event.confirmed, event.check_value))
        else:
            self.request.fail(failed(self._device, event, Outcome.UNKNOWN))
        self._done(event if isinstance(event, KeyInjected) else None)

    def dropped(self, error: CallError) -> None:
        self.request.fail(error)
        self._done(None)

    def tick(self, now_us: int) -> None:
        pass


def failed(device: str, event: Answered, outcome: Outcome) -> CallError:
    """The error of a step that its reader ended without a result."""
    if isinstance(event, Failed):
        return errors.step_failed(device, event, outcome)
    # A driver that ends a step with another step's answer is broken.
    return errors.reader_lost(device, outcome)


def nonce() -> str:
    """32 hexadecimal digits that no step had before: an answer that echoes others is an earlier step's."""
    return secrets.token_hex(_NONCE_BYTES).upper()


def nonces() -> tuple[str, str]:
    """Two of them."""
    return next(_pairs)


def _drawn() -> Iterator[tuple[str, str]]:
    # Nothing is kept secret by a nonce, so that many can be drawn at once: one draw for each card took 2 us.
    size = 2 * _NONCE_BYTES
    while True:
        digits = os.urandom(_PAIRS_DRAWN * size).hex().upper()
        for at in range(0, len(digits), 2 * size):
            yield digits[at : at + size], digits[at + size : at + 2 * size]


_pairs = _drawn()
