"""What the cashier is told of the customer's steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from tpayd.transaction.texts import STEP_TEXTS
from tpayd_contracts.device import CardProgress, CardPrompt, LeaseProgress
from tpayd_contracts.payment import PaymentProgress, Step

__all__ = ["Progress", "progress_of", "prompts", "queued"]

Progress: TypeAlias = Callable[[PaymentProgress], None]

_PROMPTED = {
    CardPrompt.PRESENT_CARD: Step.PRESENT_CARD,
    CardPrompt.REMOVE_CARD: Step.REMOVE_CARD,
    CardPrompt.CHOOSE: Step.CHOOSE,
    CardPrompt.ENTER_PIN: Step.ENTER_PIN,
    CardPrompt.SIGN: Step.SIGN,
    CardPrompt.SHOW_CODE: Step.SHOW_CODE,
    CardPrompt.ENTER_NUMBER: Step.ENTER_NUMBER,
}


_PLAIN = {step: PaymentProgress(step=step, text=texts[0], text_ko=texts[1]) for step, texts in STEP_TEXTS.items()}


def progress_of(step: Step, **more: object) -> PaymentProgress:
    """One step, in both languages."""
    plain = _PLAIN[step]
    return replace(plain, **more) if more else plain


def prompts(reader: str, progress: Progress) -> Callable[[Struct], None]:
    """Tells `progress` what a device has its customer do; `reader` is what the device is called."""

    def prompted(update: Struct) -> None:
        assert isinstance(update, CardProgress)  # noqa: S101
        step = _PROMPTED.get(update.prompt)
        if step is not None:
            progress(progress_of(step, reader=reader, remaining_ms=update.remaining_ms))

    return prompted


def queued(step: Step, progress: Progress) -> Callable[[Struct], None]:
    """Tells `progress` the place in a queue."""

    def moved(update: Struct) -> None:
        assert isinstance(update, LeaseProgress)  # noqa: S101
        progress(progress_of(step, position=update.position, expected_wait_ms=update.expected_wait_ms))

    return moved
