"""Keys at the POS [키보드 이벤트] and what they mean for the prompt that stands (T25).

| the lane's payment                  | Enter                | Esc                                               |
|-------------------------------------|----------------------|---------------------------------------------------|
| asks about a duplicate              | it is meant          | it is not, and the payment ends                   |
| has the customer sign               | too late             | without a signature, or the end, as the store has it |
| has the customer key a number       | too late             | the payment ends                                  |
| waits for a reader, card, PIN, code | too late             | the payment ends                                  |
| has gone to the host                | too late             | too late                                          |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tpayd.kit.bus import CallError
from tpayd.transaction.case import Case
from tpayd.transaction.registry import Registry
from tpayd.transaction.steps.questions import Answer, Asks, Said, Skipped
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.payment import KeyPress, PaymentRef, PaymentResult, PosKey

__all__ = ["Keyboard", "answer"]


class Keyboard:
    """See the module. `abort` is the desk's own."""

    def __init__(
        self, registry: Registry, abort: Callable[[PaymentRef], Awaitable[PaymentResult]], *, enabled: bool
    ) -> None:
        self._registry = registry
        self._abort = abort
        self._enabled = enabled

    async def press(self, press: KeyPress) -> PaymentResult:
        """Raises CallError."""
        if not self._enabled:
            text = "keys are switched off: keyboard_events in config/transaction.toml"
            raise CallError.not_started(ErrorCode.NOT_PERMITTED, text)
        case = self._pressed_for(press)
        if press.key is PosKey.ENTER:
            answer(case, Asks.DUPLICATE, Said(True))
            return case.result()
        question = case.question
        if question is None or not question.is_open:
            return await self._abort(PaymentRef(*case.key))
        answer(case, question.asks, Said(False) if question.asks is Asks.DUPLICATE else Skipped())
        return case.result()

    def _pressed_for(self, press: KeyPress) -> Case:
        case = self._registry.under_way(press.lane)
        if case is None or press.request_id not in (None, case.payment.request_id):
            what = "no payment" if press.request_id is None else f"another payment than {press.request_id}, or none,"
            raise CallError(ErrorCode.TOO_LATE, f"lane {press.lane} has {what} under way", outcome=Outcome.FAILED)
        return case


def answer(case: Case, asks: Asks, given: Answer) -> None:
    """Answer what is asked about a payment. Raises CallError `too_late` if something else is, or nothing."""
    question = case.question
    if question is None or question.asks is not asks or not question.give(given):
        text = f"nothing is asked about payment {case.payment.request_id} that this would answer"
        raise CallError(ErrorCode.TOO_LATE, text, outcome=Outcome.FAILED)
