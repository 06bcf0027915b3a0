"""Takes back what must not stand: one reversal at a time per terminal, repeated until the host has answered.

A reversal is on disk (with its STAN) before it is sent. A try is a sending whose bytes left and that got no usable
answer; what never left burns none. An entry that waits for its next try holds up no other.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable

from tpayd.hosts import APPROVED, ORIGINAL_NOT_FOUND, HostFormatError
from tpayd.kit.bus import CallError
from tpayd.transaction import events as ev
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.effects import Alarm
from tpayd.transaction.host_steps import HostSteps
from tpayd.transaction.journal import StorageError
from tpayd.transaction.settings import TransactionSettings
from tpayd_contracts.errors import Outcome
from tpayd_contracts.payment import PaymentState

__all__ = ["ReversalDesk"]

OUTAGE_WAIT_S = 1.0
"""Between looks whether the line is back. Nothing leaves meanwhile, so it needs no growing."""
_JITTER = 0.2
_OWED = frozenset({PaymentState.UNKNOWN, PaymentState.REVERSING})


class ReversalDesk:
    """All reversals that are owed."""

    def __init__(
        self, books: Books, host: HostSteps, settings: TransactionSettings, settled: Callable[[Case], None]
    ) -> None:
        self._books = books
        self._host = host
        self._settings = settings
        self._settled = settled
        self._terminals: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: dict[asyncio.Task[None], Case] = {}

    @property
    def owed(self) -> list[Case]:
        return list(self._tasks.values())

    def add(self, case: Case) -> None:
        """Take a payment back, from now on until it is done."""
        task = asyncio.get_running_loop().create_task(self._take_back(case))
        self._tasks[task] = case
        task.add_done_callback(self._tasks.pop)

    async def stop(self) -> None:
        """What is left goes on after the next start."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)

    async def _take_back(self, case: Case) -> None:
        sendings = 0
        # One that was numbered by a former process may have been sent by it: then this is a repeat.
        repeat = case.payment.reversal is not None and case.payment.reversal.stan is not None
        while case.payment.state in _OWED:
            async with self._terminals[case.payment.terminal_id]:
                event = await self._one_try(case, repeat=repeat)
            if event is None:
                await asyncio.sleep(OUTAGE_WAIT_S)
                continue
            repeat = True
            await self._record(case, event)
            if case.payment.state in _OWED:
                await asyncio.sleep(self._wait_s(case, sendings))
                sendings += 1
        self._settled(case)

    async def _one_try(self, case: Case, *, repeat: bool) -> ev.ReversalAnswered | ev.ReversalUnanswered | None:
        """None: nothing left this machine."""
        if case.payment.reversal is not None and case.payment.reversal.stan is None:
            await self._record(case, self._host.number_reversal(case.payment))
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
        """Only the second time, after the host's maximum processing time: a reversal can overtake its sale."""
        first_ms = case.payment.reversal.not_found_at_ms if case.payment.reversal is not None else None
        if first_ms is None:
            return False
        return self._books.clock.unix_ms() - first_ms >= self._settings.host_max_processing_s * 1000

    async def _record(self, case: Case, event: ev.Event) -> None:
        """Apply an event and wait until it is on disk, however long the disk takes nothing."""
        for effect in case.apply(event):
            if effect is Alarm.NEEDS_HUMAN:
                self._books.log.error("payment.needs_human", payment=case.payment.payment_id)
        while True:
            try:
                await self._books.journal.committed()
            except StorageError:
                await asyncio.sleep(OUTAGE_WAIT_S)
            else:
                return

    def _wait_s(self, case: Case, sendings: int) -> float:
        waits = self._settings.reversal_waits_s
        wait_s = waits[min(sendings, len(waits) - 1)]
        if case.payment.reversal is not None and case.payment.reversal.not_found_at_ms is not None:
            wait_s = max(wait_s, self._settings.host_max_processing_s)
            return wait_s * random.uniform(1, 1 + _JITTER)  # noqa: S311  not for cryptography
        return wait_s * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  not for cryptography
