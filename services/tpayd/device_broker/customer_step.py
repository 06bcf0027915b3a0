"""A step that a customer takes part in: what he is asked for now, and whose time it takes, his or the reader's."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from tpayd.kit.bus import CallError
from tpayd_contracts.device import CardProgress, CardPrompt
from tpayd_contracts.errors import Outcome

__all__ = ["Asked", "CustomerStep"]

_UNTIMED = frozenset({CardPrompt.CARD_SEEN, CardPrompt.REMOVE_CARD})
"""Prompts that are not the customer's wait."""


class Asked(Protocol):
    """Who asked for a step, as far as the step knows: a request, or a longer piece of work that it is a part of."""

    @property
    def deadline_ms(self) -> int:
        """CLOCK_BOOTTIME; after it nobody waits for the answer."""
        ...

    def progress(self, body: Struct) -> None:
        """How far it is."""
        ...

    def reply(self, body: Struct) -> None:
        """It went well. This or `fail` is called once."""
        ...

    def fail(self, error: CallError) -> None:
        """It did not."""
        ...


class CustomerStep:
    """Answers one request. A prompt is told when it has stood for `settle_us`: what is overtaken sooner is not."""

    __slots__ = (
        "_asked_us", "_began_us", "_customer_us", "_device", "_prompt", "_prompt_due_us", "_settle_us", "_wait_us",
        "request",
    )  # fmt: skip

    outcome_if_lost = Outcome.FAILED
    can_be_abandoned = True
    first_prompt: CardPrompt | None = None
    """What the customer is asked for as soon as the step begins."""

    def __init__(self, request: Asked, device: str, wait_us: int, settle_us: int, now_us: int) -> None:
        self.request = request
        self._device = device
        self._wait_us = wait_us
        self._settle_us = settle_us
        self._began_us = now_us
        self._customer_us = 0
        self._prompt = prompt = self.first_prompt
        self._prompt_due_us = now_us + settle_us
        self._asked_us = now_us if prompt is not None else None
        if prompt is not None and settle_us == 0:
            self._tell(now_us)

    def dropped(self, error: CallError) -> None:
        self.request.fail(error)

    def tick(self, now_us: int) -> None:
        if self._prompt is not None and now_us >= self._prompt_due_us:
            self._tell(now_us)

    def _reader_us(self, now_us: int) -> int:
        return now_us - self._began_us - self._customer_us

    def _customer_asked(self, prompt: CardPrompt, now_us: int) -> None:
        """It is the customer's turn."""
        if self._asked_us is None:
            self._asked_us = now_us
        self._show(prompt, now_us)

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
        if prompt not in _UNTIMED:
            shown_us = self._prompt_due_us - self._settle_us
            remaining_ms = max(0, shown_us + self._wait_us - now_us) // 1000
        self.request.progress(CardProgress(prompt, remaining_ms))
