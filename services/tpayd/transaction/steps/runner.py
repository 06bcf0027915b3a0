"""Carries out the effects of one payment, in the order that the table gives, until none is left.

Whoever interrupts it asks the table first: what the table still allows replaces the effects that are left, and what is
being waited for is cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from tpayd.hosts import ReversalReason
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.case import Case
from tpayd.transaction.effects import Effect
from tpayd.transaction.orders.intake import Carried
from tpayd.transaction.steps.work import Means, Work
from tpayd_contracts.payment import PaymentState, Reason

__all__ = ["Runner"]


class Runner:
    """One payment's run, from its first event to the last effect."""

    def __init__(self, case: Case, means: Means, carried: Carried | None, ended: Callable[[Case], None]) -> None:
        """`ended` is told when nothing is left to do."""
        self.case = case
        self._work = Work(case, means, carried)
        self._ended = ended
        self._due: Iterator[Effect] = iter(())
        """What is still to be done, in this order."""
        self._waiting = False
        self._task: asyncio.Task[None] | None = None

    def start(self, effects: tuple[Effect, ...]) -> None:
        """Begin with the effects of the first event."""
        self._due = iter(effects)
        self._task = asyncio.get_running_loop().create_task(self._run())

    def interrupt(self, event: ev.AbortAsked | ev.PosGone) -> bool:
        """End it from outside, if the table still allows that. What it waits for is cancelled."""
        if not flow.has_row(self.case.payment, type(event)):
            return False
        self._due = iter(self.case.apply(event))
        if self._waiting and self._task is not None:
            self._task.cancel()
        return True

    async def finished(self) -> None:
        """Wait for the end of the run."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def cut(self) -> None:
        """The process goes down and can wait no longer: what the journal holds decides at the next start."""
        if self._task is not None:
            self._due = iter(())
            self._task.cancel()

    async def _run(self) -> None:
        case, work = self.case, self._work
        steps, acts = Work.STEPS, Work.ACTS
        try:
            while (effect := next(self._due, None)) is not None:
                state = case.payment.state
                try:
                    step = steps.get(type(effect))
                    if step is None:
                        acts[type(effect)](work)
                        continue
                    self._waiting = True
                    event = await step(work, effect)
                except asyncio.CancelledError:
                    if case.payment.state is state:
                        raise
                    continue  # interrupted: the table has moved on already
                except Exception:
                    case.log.exception("payment.fault", effect=type(effect).__name__)
                    event = _after_fault(case.payment.state)
                finally:
                    self._waiting = False
                if event is None:
                    continue
                try:
                    self._due = iter(case.apply(event))
                except flow.NotInTableError:
                    continue  # it means nothing any more: what is due stays so
        finally:
            work.let_go()
            self._ended(case)


def _after_fault(state: PaymentState) -> ev.Event | None:
    """A fault of ours is treated like the loss of whom we were talking to: never as success, never as 'not sent'."""
    match state:
        case PaymentState.CREATED | PaymentState.LEASED | PaymentState.CARD_READ:
            return ev.Stopped(Reason.CARD_FAILED, "a fault in the daemon; its log has it")
        case PaymentState.SENDING:
            return ev.HostUnknown(Reason.HOST_SILENT, "a fault in the daemon; its log has it", 0)
        case PaymentState.AUTHORIZED:
            return ev.CardRefused(ReversalReason.READER_LOST, 0, "a fault in the daemon; its log has it")
        case PaymentState.APPROVED:
            return ev.CommitFailed()
        case _:
            return None
