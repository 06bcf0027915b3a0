"""Asks the host what became of a payment whose answer was lost, for a bounded time. It never sends it again.

What the host does not know may still be on its way there: 'not found' counts only after the host's maximum processing
time. An answer that is not whole, or about another amount, is none. When WAIT has lasted as long as it may, the
payment is taken back.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tpayd.hosts import APPROVED, ORIGINAL_NOT_FOUND, TELLS_NOTHING, HostFormatError
from tpayd.kit.bus import CallError
from tpayd.transaction import events as ev
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.effects import Reverse, TellPos
from tpayd.transaction.errands.queue import LOOK_AGAIN_S, OUTAGE_WAIT_S, Errands, Terminals, record
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.host import HostSteps
from tpayd_contracts.errors import Outcome
from tpayd_contracts.payment import PaymentState

__all__ = ["InquiryDesk"]

_JITTER = 0.2
FROM_BACKUP_LIMIT_S = 86_400.0
"""For a payment that a restored backup had open: nobody waits for it at a till, and it is not taken back."""
FROM_BACKUP_WAIT_S = 15.0
"""Between two questions about one of those, once the usual limit is over."""


class InquiryDesk:
    """All payments about which the host is being asked."""

    def __init__(
        self,
        books: Books,
        host: HostSteps,
        settings: TransactionSettings,
        terminals: Terminals,
        *,
        mark: Callable[[Case], None],
        reverse: Callable[[Case], None],
        settled: Callable[[Case], None],
    ) -> None:
        self._books = books
        self._host = host
        self._settings = settings
        self._mark = mark
        self._reverse = reverse
        self._settled = settled
        self._errands = Errands(self._attempt, terminals, self._done, books.log)
        self._asked_since_ms: dict[str, int] = {}
        """On the clock that nobody sets; shifted by what passed before a restart, as the calendar has it."""
        self._here_since_ms: dict[str, int] = {}
        """The same without the shift: a calendar that was set must not make 'not found' count too early."""

    @property
    def open(self) -> list[Case]:
        return self._errands.under_way

    def add(self, case: Case) -> None:
        """Ask about a payment, from now on until it is known or given up."""
        inquiry = case.payment.inquiry
        assert inquiry is not None  # noqa: S101
        limit_ms = int(self._settings.inquiry_limit_s * 1000)
        passed_ms = min(max(0, self._books.clock.unix_ms() - inquiry.since_ms), limit_ms)
        now_ms = self._books.clock.boottime_ms()
        self._asked_since_ms[case.payment.payment_id] = now_ms - passed_ms
        self._here_since_ms[case.payment.payment_id] = now_ms
        self._errands.add(case)

    async def stop(self) -> None:
        """What is left goes on after the next start."""
        await self._errands.stop()

    async def _attempt(self, case: Case) -> float | None:
        if case.payment.state != PaymentState.INQUIRING:
            return None
        answer, wait_s = await self._one_try(case)
        if answer is None and not self._over(case):
            if case.payment.from_backup and self._here_s(case) > self._settings.inquiry_limit_s:
                wait_s = max(wait_s, FROM_BACKUP_WAIT_S)
            return wait_s * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  not for cryptography
        await self._end(case, answer or ev.InquiryGivenUp())
        return None

    async def _end(self, case: Case, event: ev.InquiryAnswered | ev.InquiryGivenUp) -> None:
        if isinstance(event, ev.InquiryAnswered) and event.stands and case.payment.claim is not None:
            # Nothing is awaited between the two, so that one commit holds both.
            self._mark(case)
        effects = await record(case, event, self._books)
        if Reverse() in effects:
            self._reverse(case)
        if TellPos() in effects:
            case.tell()

    def _done(self, case: Case) -> None:
        self._asked_since_ms.pop(case.payment.payment_id, None)
        self._here_since_ms.pop(case.payment.payment_id, None)
        if case.payment.state != PaymentState.REVERSING:
            self._settled(case)

    async def _one_try(self, case: Case) -> tuple[ev.InquiryAnswered | None, float]:
        """What the host says, or None and how long to wait."""
        wait_s = self._settings.inquiry_wait_s
        if not self._host.reachable:
            return None, LOOK_AGAIN_S
        if case.payment.inquiry is not None and case.payment.inquiry.stan is None:
            number = self._host.number(case.payment)
            await record(case, ev.InquirySealed(number.stan, number.local, number.business_day), self._books)
        try:
            answer = await self._host.send_inquiry(case.payment)
        except CallError as error:
            case.log.warning("inquiry.unanswered", why=error.message)
            if error.outcome == Outcome.UNKNOWN:
                case.apply(ev.InquiryUnanswered(error.message))
                return None, wait_s
            return None, OUTAGE_WAIT_S
        except HostFormatError as error:
            case.apply(ev.InquiryUnanswered(str(error)))
            return None, wait_s
        except Exception as error:
            # A fault of ours: WAIT ends all the same.
            case.log.exception("inquiry.fault")
            case.apply(ev.InquiryUnanswered(type(error).__name__))
            return None, wait_s
        code = answer.response_code
        if code in TELLS_NOTHING or (code == ORIGINAL_NOT_FOUND and not self._not_found_counts(case)):
            case.apply(ev.InquiryUnanswered(f"the host says {code}"))
            return None, wait_s
        if code != APPROVED:
            return ev.InquiryAnswered(code, stands=False), 0.0
        if answer.approval_code is None or answer.amount_minor not in (None, case.payment.amount_minor):
            # Its money may have moved: that is no 'no'.
            case.apply(ev.InquiryUnanswered("it stands at the host for another amount, or without an approval code"))
            return None, wait_s
        return ev.InquiryAnswered(code, True, answer.approval_code, self._books.clock.unix_ms()), 0.0

    def _not_found_counts(self, case: Case) -> bool:
        return self._here_s(case) >= self._settings.host_max_processing_s

    def _here_s(self, case: Case) -> float:
        return (self._books.clock.boottime_ms() - self._here_since_ms[case.payment.payment_id]) / 1000

    def _over(self, case: Case) -> bool:
        if case.payment.from_backup:
            return self._here_s(case) >= FROM_BACKUP_LIMIT_S
        asked_ms = self._books.clock.boottime_ms() - self._asked_since_ms[case.payment.payment_id]
        return asked_ms >= self._settings.inquiry_limit_s * 1000
