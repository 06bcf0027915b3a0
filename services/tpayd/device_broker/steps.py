"""The steps that a reader is taken through for a caller: a card read, its last word, a key. Each answers one request.

A step hears what happens on the way and its end, and turns them into progress and the answer. Its times: the
customer's is the wait for a card, the reader's is the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from tpayd.device_broker import errors
from tpayd.device_broker.drivers.events import (
    Answered,
    CardFinished,
    CardInside,
    CardPulled,
    CardRead,
    CardRefused,
    CardSeen,
    CardTimedOut,
    Event,
    Failed,
    KeyInjected,
    KeyPrepared,
    Pulled,
)
from tpayd.kit.bus import CallError, Request
from tpayd_contracts.device import (
    CardProgress,
    CardPrompt,
    CompletedCard,
    InjectedKey,
    PreparedKey,
    ReadCardResult,
)
from tpayd_contracts.errors import Outcome

__all__ = ["FinishStep", "InjectStep", "PrepareStep", "ReadStep", "Step"]


Done: TypeAlias = Callable[[bool], None]


class Step(Protocol):
    """One step under way."""

    request: Request
    outcome_if_lost: Outcome
    """What is known of the step when the reader is lost in the middle of it."""
    can_be_abandoned: bool
    """Whether a reset of the reader undoes it."""

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


class ReadStep:
    """card.read."""

    __slots__ = (
        "_asked_us", "_began_us", "_customer_us", "_device", "_prompt", "_prompt_due_us", "_settle_us", "_wait_us",
        "request",
    )  # fmt: skip

    outcome_if_lost = Outcome.FAILED
    can_be_abandoned = True

    def __init__(self, request: Request, device: str, wait_us: int, settle_us: int, now_us: int) -> None:
        self.request = request
        self._device = device
        self._wait_us = wait_us
        self._settle_us = settle_us
        self._began_us = now_us
        self._customer_us = 0
        self._asked_us: int | None = now_us
        self._prompt: CardPrompt | None = None
        self._prompt_due_us = 0
        self._show(CardPrompt.PRESENT_CARD, now_us)

    def told(self, event: Event, now_us: int) -> None:
        match event:
            case CardSeen():
                self._customer_done(now_us)
                self._show(CardPrompt.CARD_SEEN, now_us)
            case CardPulled() | CardInside():
                self._customer_asked(now_us)
                self._show(CardPrompt.REMOVE_CARD, now_us)
            case Pulled():
                self._customer_asked(now_us)
                self._show(CardPrompt.PRESENT_CARD, now_us)
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
                        reader_us=now_us - self._began_us - self._customer_us,
                        customer_us=self._customer_us,
                    )
                )
            case CardRefused():
                self.request.fail(errors.card_refused(self._device, event))
            case CardTimedOut():
                self.request.fail(errors.card_timed_out())
            case _:
                self.request.fail(_failed(self._device, event, Outcome.FAILED))

    def dropped(self, error: CallError) -> None:
        self.request.fail(error)

    def tick(self, now_us: int) -> None:
        if self._prompt is not None and now_us >= self._prompt_due_us:
            self._tell(now_us)

    def _customer_asked(self, now_us: int) -> None:
        if self._asked_us is None:
            self._asked_us = now_us

    def _customer_done(self, now_us: int) -> None:
        if self._asked_us is not None:
            self._customer_us += now_us - self._asked_us
            self._asked_us = None

    def _show(self, prompt: CardPrompt, now_us: int) -> None:
        self._prompt = prompt
        self._prompt_due_us = now_us + self._settle_us
        if self._settle_us == 0:
            self._tell(now_us)

    def _tell(self, now_us: int) -> None:
        prompt, self._prompt = self._prompt, None
        assert prompt is not None  # noqa: S101
        remaining_ms = None
        if prompt is CardPrompt.PRESENT_CARD:
            shown_us = self._prompt_due_us - self._settle_us
            remaining_ms = max(0, shown_us + self._wait_us - now_us) // 1000
        self.request.progress(CardProgress(prompt, remaining_ms))


class FinishStep:
    """card.complete. Once the card has been asked, nobody but the card knows what it did."""

    outcome_if_lost = Outcome.UNKNOWN
    can_be_abandoned = False

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
            self.request.fail(_failed(self._device, event, Outcome.UNKNOWN))

    def dropped(self, error: CallError) -> None:
        self.request.fail(error)

    def tick(self, now_us: int) -> None:
        pass


class PrepareStep:
    """reader.key_prepare. `done(well)` is called behind the answer."""

    outcome_if_lost = Outcome.FAILED
    can_be_abandoned = True

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
            self.request.fail(_failed(self._device, event, Outcome.FAILED))
        self._done(well)

    def dropped(self, error: CallError) -> None:
        self.request.fail(error)
        self._done(False)

    def tick(self, now_us: int) -> None:
        pass


class InjectStep:
    """reader.key_inject. `done(confirmed)` is called behind the answer."""

    outcome_if_lost = Outcome.UNKNOWN
    can_be_abandoned = False

    def __init__(self, request: Request, device: str, done: Done) -> None:
        self.request = request
        self._device = device
        self._done = done

    def told(self, event: Event, now_us: int) -> None:
        pass

    def ended(self, event: Answered, now_us: int) -> None:
        confirmed = isinstance(event, KeyInjected) and event.confirmed
        if isinstance(event, KeyInjected):
            self.request.reply(InjectedKey(event.confirmed, event.check_value))
        else:
            self.request.fail(_failed(self._device, event, Outcome.UNKNOWN))
        self._done(confirmed)

    def dropped(self, error: CallError) -> None:
        self.request.fail(error)
        self._done(False)

    def tick(self, now_us: int) -> None:
        pass


def _failed(device: str, event: Answered, outcome: Outcome) -> CallError:
    if isinstance(event, Failed):
        return errors.step_failed(device, event, outcome)
    # A driver that ends a step with another step's answer is broken.
    return errors.reader_lost(device, outcome)
