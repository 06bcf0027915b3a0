"""Takes back what must not stand: repeated until the host has answered, or a person must look at it.

A reversal is on disk (with its STAN) before it is sent. A try is a sending whose bytes left and that got no usable
answer; what never left burns none.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tpayd.hosts import APPROVED, ORIGINAL_NOT_FOUND, HostFormatError
from tpayd.kit.bus import CallError
from tpayd.transaction import events as ev
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.errands import LOOK_AGAIN_S, OUTAGE_WAIT_S, Errands, Terminals, record
from tpayd.transaction.host_steps import HostSteps
from tpayd.transaction.settings import TransactionSettings
from tpayd_contracts.errors import Outcome
from tpayd_contracts.payment import PaymentState

__all__ = ["ReversalDesk"]

_JITTER = 0.2
_OWED = frozenset({PaymentState.UNKNOWN, PaymentState.REVERSING})


class ReversalDesk:
    """All reversals that are owed."""

    def __init__(
        self,
        books: Books,
        host: HostSteps,
        settings: TransactionSettings,
        terminals: Terminals,
        settled: Callable[[Case], None],
    ) -> None:
        self._books = books
        self._host = host
        self._settings = settings
        self._settled = settled
        self._errands = Errands(self._attempt, terminals, self._done, books.log)
        # One that was numbered by a former process may have been sent by it: then the next sending is a repeat.
        self._may_be_sent: set[str] = set()
        self._sendings: dict[str, int] = {}
        self._not_found_since_ms: dict[str, int] = {}

    @property
    def owed(self) -> list[Case]:
        return self._errands.under_way

    def add(self, case: Case) -> None:
        """Take a payment back, from now on until it is done."""
        if case.payment.reversal is not None and case.payment.reversal.stan is not None:
            self._may_be_sent.add(case.payment.payment_id)
        self._errands.add(case)

    async def stop(self) -> None:
        """What is left goes on after the next start."""
        await self._errands.stop()

    async def _attempt(self, case: Case) -> float | None:
        payment_id = case.payment.payment_id
        if case.payment.state not in _OWED:
            return None
        if not self._host.reachable:
            return LOOK_AGAIN_S
        event = await self._one_try(case, repeat=payment_id in self._may_be_sent)
        if event is None:
            return OUTAGE_WAIT_S
        self._may_be_sent.add(payment_id)
        await record(case, event, self._books)
        if case.payment.state not in _OWED:
            return None
        wait_s = self._wait_s(case, self._sendings.get(payment_id, 0))
        self._sendings[payment_id] = self._sendings.get(payment_id, 0) + 1
        return wait_s

    def _done(self, case: Case) -> None:
        self._may_be_sent.discard(case.payment.payment_id)
        self._sendings.pop(case.payment.payment_id, None)
        self._not_found_since_ms.pop(case.payment.payment_id, None)
        self._settled(case)

    async def _one_try(self, case: Case, *, repeat: bool) -> ev.ReversalAnswered | ev.ReversalUnanswered | None:
        """None: nothing left this machine."""
        if case.payment.reversal is not None and case.payment.reversal.stan is None:
            number = self._host.number(case.payment)
            await record(case, ev.ReversalSealed(number.stan, number.local, number.business_day), self._books)
        try:
            answer = await self._host.send_reversal(case.payment, repeat=repeat)
        except CallError as error:
            self._books.log.warning("reversal.unanswered", payment=case.payment.payment_id, why=error.message)
            return ev.ReversalUnanswered(error.message) if error.outcome == Outcome.UNKNOWN else None
        except HostFormatError as error:
            # It can never be sent as it is; counted, so that a person gets to see it.
            return ev.ReversalUnanswered(str(error))
        except Exception as error:
            self._books.log.exception("reversal.fault", payment=case.payment.payment_id)
            return ev.ReversalUnanswered(type(error).__name__)
        if answer.response_code == APPROVED:
            return ev.ReversalAnswered(answer.response_code, settled=True)
        if answer.response_code == ORIGINAL_NOT_FOUND:
            return ev.ReversalAnswered(answer.response_code, settled=self._not_found_counts(case))
        return ev.ReversalUnanswered(f"the host refused it: {answer.response_code}")

    def _not_found_counts(self, case: Case) -> bool:
        """Only the second time, after the host's maximum processing time: a reversal can overtake its sale.

        Measured on the clock that nobody sets, from what this process has heard itself.
        """
        now_ms = self._books.clock.boottime_ms()
        first_ms = self._not_found_since_ms.setdefault(case.payment.payment_id, now_ms)
        return now_ms - first_ms >= self._settings.host_max_processing_s * 1000

    def _wait_s(self, case: Case, sendings: int) -> float:
        waits = self._settings.reversal_waits_s
        wait_s = waits[min(sendings, len(waits) - 1)]
        if case.payment.reversal is not None and case.payment.reversal.not_found_at_ms is not None:
            wait_s = max(wait_s, self._settings.host_max_processing_s)
            return wait_s * random.uniform(1, 1 + _JITTER)  # noqa: S311  not for cryptography
        return wait_s * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  not for cryptography
