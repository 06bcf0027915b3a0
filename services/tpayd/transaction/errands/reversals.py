"""Takes back what must not stand: repeated until the host has answered, or a person must look at it.

A reversal is on disk (with its STAN) before it is sent. A try is a sending whose bytes left and that got no answer that
settles it; what never left burns none. An outage is waited for without end. What time alone does not mend, such as a
key that is gone, is waited for within a limit: a person may bring it back.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable

from msgspec import Struct

from tpayd.hosts import APPROVED, ORIGINAL_NOT_FOUND, HostFormatError
from tpayd.kit.bus import CallError
from tpayd.transaction import events as ev
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.errands.queue import LOOK_AGAIN_S, OUTAGE_WAIT_S, Errands, Terminals, record
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.host import HostSteps
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.payment import PaymentState

__all__ = ["ReversalDesk"]

_JITTER = 0.2
_OWED = frozenset({PaymentState.UNKNOWN, PaymentState.REVERSING})
_LASTING = frozenset({ErrorCode.KEY_UNAVAILABLE, ErrorCode.INVALID_BODY})
"""Why nothing leaves, where the same sending will not succeed later by itself."""


class _Progress(Struct):
    """What this process knows of one reversal. Times are on the clock that nobody sets."""

    may_be_sent: bool = False
    """One that was numbered by a former process may have been sent by it: then the next sending is a repeat."""
    sendings: int = 0
    not_found_since_ms: int | None = None
    blocked_since_ms: int | None = None
    trouble: str = ""
    """As it was logged last: an outage is told once, not with each look."""


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
        self._progress: defaultdict[str, _Progress] = defaultdict(_Progress)

    @property
    def owed(self) -> list[Case]:
        return self._errands.under_way

    def add(self, case: Case) -> None:
        """Take a payment back, from now on until it is done."""
        if case.payment.reversal is not None and case.payment.reversal.stan is not None:
            self._progress[case.payment.payment_id].may_be_sent = True
        self._errands.add(case)

    async def stop(self) -> None:
        """What is left goes on after the next start."""
        await self._errands.stop()

    async def _attempt(self, case: Case) -> float | None:
        if case.payment.state not in _OWED:
            return None
        if not self._host.reachable:
            return LOOK_AGAIN_S
        progress = self._progress[case.payment.payment_id]
        event = await self._one_try(case, progress)
        if event is None:
            return OUTAGE_WAIT_S
        progress.may_be_sent = True
        await record(case, event, self._books)
        if case.payment.state not in _OWED:
            return None
        wait_s = self._wait_s(case, progress.sendings)
        progress.sendings += 1
        return wait_s

    def _done(self, case: Case) -> None:
        self._progress.pop(case.payment.payment_id, None)
        self._settled(case)

    async def _one_try(
        self, case: Case, progress: _Progress
    ) -> ev.ReversalAnswered | ev.ReversalUnanswered | ev.ReversalImpossible | None:
        """None: nothing left this machine, and it is tried again."""
        if case.payment.reversal is not None and case.payment.reversal.stan is None:
            number = self._host.number(case.payment)
            await record(case, ev.ReversalSealed(number.stan, number.local, number.business_day), self._books)
        try:
            answer = await self._host.send_reversal(case.payment, repeat=progress.may_be_sent)
        except CallError as error:
            self._tell(case, progress, error.message)
            if error.outcome == Outcome.UNKNOWN:
                return ev.ReversalUnanswered(error.message)
            return self._blocked(progress, error)
        except HostFormatError as error:
            # It can never be sent as it is; counted, so that a person gets to see it.
            return ev.ReversalUnanswered(str(error))
        except Exception as error:
            case.log.exception("reversal.fault")
            return ev.ReversalUnanswered(type(error).__name__)
        code = answer.response_code
        if code == APPROVED:
            return ev.ReversalAnswered(code, settled=True)
        if code == ORIGINAL_NOT_FOUND:
            return ev.ReversalAnswered(code, settled=self._not_found_counts(progress))
        self._tell(case, progress, f"the host refused it: {code}")
        return ev.ReversalUnanswered(f"the host refused it: {code}", code)

    def _tell(self, case: Case, progress: _Progress, trouble: str) -> None:
        if trouble != progress.trouble:
            progress.trouble = trouble
            case.log.warning("reversal.unanswered", why=trouble)

    def _blocked(self, progress: _Progress, error: CallError) -> ev.ReversalImpossible | None:
        """Nothing left: given up only if that lasts and its reason is none that passes by itself."""
        if error.code not in _LASTING:
            return None
        now_ms = self._books.clock.boottime_ms()
        if progress.blocked_since_ms is None:
            progress.blocked_since_ms = now_ms
        if now_ms - progress.blocked_since_ms < self._settings.reversal_blocked_limit_s * 1000:
            return None
        return ev.ReversalImpossible(error.message)

    def _not_found_counts(self, progress: _Progress) -> bool:
        """Only the second time, after the host's maximum processing time: a reversal can overtake its sale.

        Measured from what this process has heard itself.
        """
        now_ms = self._books.clock.boottime_ms()
        if progress.not_found_since_ms is None:
            progress.not_found_since_ms = now_ms
        return now_ms - progress.not_found_since_ms >= self._settings.host_max_processing_s * 1000

    def _wait_s(self, case: Case, sendings: int) -> float:
        waits = self._settings.reversal_waits_s
        wait_s = waits[min(sendings, len(waits) - 1)]
        if case.payment.reversal is not None and case.payment.reversal.not_found_at_ms is not None:
            wait_s = max(wait_s, self._settings.host_max_processing_s)
            return wait_s * random.uniform(1, 1 + _JITTER)  # noqa: S311  not for cryptography
        return wait_s * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  not for cryptography
