"""A lane's POS: saves its request id, sends, asks when it did not hear, acknowledges; and dies when it is told to.

What it has saved outlives it (`Memory`); the process that comes back after a crash begins with that.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulation.plan import TAKES_BACK
from tpayd.kit.bus import CallError
from tpayd_contracts import orders
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.money import Amount
from tpayd_contracts.operation import Op
from tpayd_contracts.payment import (
    ABORT,
    ACKNOWLEDGE,
    CONFIRM,
    STATUS,
    Confirmation,
    PaymentKind,
    PaymentProgress,
    PaymentRef,
    PaymentResult,
    Step,
    Verdict,
)

if TYPE_CHECKING:
    from tests.simulation.plan import Visit
    from tests.simulation.process import Process

__all__ = ["Memory", "Receipt", "Till"]

_TRIES_MAX = 400
_FOR_GOOD = frozenset({ErrorCode.NOT_REFUNDABLE, ErrorCode.NOT_FOUND, ErrorCode.KEY_CONFLICT})
"""Refusals that a POS may earn by what it asks for."""
_CLAIMED_TRIES = 10
"""How often a cashier asks again while somebody else is taking the original back."""
_NOBODY = "ffffffff-0000-4000-8000-00000000ffff"


@dataclass
class Receipt:
    """What a POS prints of a payment."""

    request_id: str
    approval_code: str
    approved_on: str
    amount_minor: int


@dataclass
class Memory:
    """A POS's disk."""

    counter: int = 0
    done: set[str] = field(default_factory=set)
    """Visits that are over."""
    begun: dict[str, str] = field(default_factory=dict)
    """Visit → request id, of visits whose verdict is not saved yet."""
    ids: dict[str, str] = field(default_factory=dict)
    crashed: set[str] = field(default_factory=set)


class Till:
    """One life of a POS. `receipts` are what the store's customers hold in their hands."""

    def __init__(
        self, process: Process, memory: Memory, visits: tuple[Visit, ...], receipts: dict[str, Receipt]
    ) -> None:
        self._process = process
        self._world = process.world
        self._memory = memory
        self._visits = visits
        self._receipts = receipts
        self._bus = process.caller("transaction")

    async def run(self) -> None:
        """Serve all customers that are not served yet."""
        for visit in self._visits:
            if visit.name in self._memory.done:
                continue
            wait_s = visit.begin_s - self._world.elapsed_s
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            await self._serve(visit)
            self._memory.done.add(visit.name)

    async def _serve(self, visit: Visit) -> None:
        memory = self._memory
        self._world.at_lane[visit.lane] = visit
        request_id = memory.begun.get(visit.name)
        recovering = request_id is not None
        if visit.crash_after_s is not None and visit.name not in memory.crashed:
            if not visit.crash_saved:
                # Nothing was sent under an id that is not on the POS's disk: the customer's visit begins anew.
                self._crash(visit)
                await asyncio.sleep(60)
            asyncio.get_running_loop().call_later(visit.crash_after_s, self._crash, visit)
        if request_id is None:
            request_id = memory.begun[visit.name] = memory.ids[visit.name] = self._new_id(visit)
        others = [] if recovering else self._distractions(visit, request_id)
        if recovering and not visit.sends_again:
            result = await self._ask(visit, request_id)
        else:
            result = await self._order(visit, request_id)
        for task in others:
            task.cancel()
        if result is not None and result.verdict is not Verdict.WAIT:
            await self._after(visit, request_id, result)
        memory.begun.pop(visit.name, None)

    def _new_id(self, visit: Visit) -> str:
        if visit.reinstalled:
            self._memory.counter = 0
        self._memory.counter += 1
        lane = int(visit.lane.rpartition("-")[2])
        return f"{lane:08x}-0000-4000-8000-{self._memory.counter:012x}"

    def _crash(self, visit: Visit) -> None:
        if visit.name not in self._memory.done and visit.name not in self._memory.crashed:
            self._memory.crashed.add(visit.name)
            self._world.kill(self._process.name, back_in_s=0.5, why="POS crashes")

    def _distractions(self, visit: Visit, request_id: str) -> list[asyncio.Task[Any]]:
        tasks = []
        if visit.doubled_after_s is not None:
            tasks.append(self._later(visit.doubled_after_s, self._order(visit, request_id)))
        if visit.aborted_after_s is not None:
            tasks.append(self._later(visit.aborted_after_s, self._abort(visit, request_id)))
        return tasks

    def _later(self, wait_s: float, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        async def run() -> None:
            try:
                await asyncio.sleep(wait_s)
            except BaseException:
                work.close()
                raise
            await work

        return asyncio.get_running_loop().create_task(run())

    # What it says

    async def _order(self, visit: Visit, request_id: str) -> PaymentResult | None:
        if visit.asks_before:
            await self._once(STATUS, visit, request_id)
        for attempt in range(_TRIES_MAX):
            try:
                return await self._send(visit, request_id)
            except CallError as error:
                self._world.note(visit.lane, f"is refused: {error.code}")
                if error.code in _FOR_GOOD or (error.code is ErrorCode.CLAIMED and attempt >= _CLAIMED_TRIES):
                    return None
                if error.outcome is not Outcome.NOT_STARTED:
                    break
                if not error.retryable:
                    self._world.violation(f"an order was refused for good: {error}")
                    return None
                await asyncio.sleep(0.5)
        if visit.gives_up:
            return None
        return await self._ask(visit, request_id)

    async def _send(self, visit: Visit, request_id: str, more_minor: int = 0) -> PaymentResult:
        amount_minor = visit.amount_minor + more_minor
        reference = self._world.watch.ordered(visit, request_id, amount_minor)
        op, body = self._body(visit, amount_minor, reference)

        def progress(step: Any) -> None:
            asks = isinstance(step, PaymentProgress) and step.step is Step.CONFIRM_DUPLICATE
            if asks and visit.confirms is not None:
                asyncio.get_running_loop().create_task(self._confirm(visit, request_id, proceed=visit.confirms))

        call = self._bus.call(
            op, body, ttl_s=visit.wait_s, key=request_id, principal=visit.lane, on_progress=progress
        )  # fmt: skip
        if visit.left_after_s is None:
            result = await call
        else:
            task = asyncio.get_running_loop().create_task(call)
            asyncio.get_running_loop().call_later(visit.left_after_s, task.cancel)
            try:
                result = await task
            except asyncio.CancelledError:
                raise CallError.unknown(ErrorCode.ABORTED, "taken back") from None
        self._world.watch.heard(visit.lane, request_id, result)
        assert isinstance(result, PaymentResult)
        return result

    def _body(self, visit: Visit, amount_minor: int, reference: str) -> tuple[Op[Any, Any], Any]:
        lane, amount = visit.lane, Amount(amount_minor)
        match visit.kind:
            case PaymentKind.VOID:
                return orders.VOID, orders.VoidRequest(lane, self._original(visit), reference=reference)
            case PaymentKind.CASH_RECEIPT:
                identity = "01012345678" if visit.typed else None
                purpose = orders.CashReceiptPurpose.DEDUCTION
                return orders.CASH_RECEIPT_ISSUE, orders.CashReceiptRequest(lane, amount, purpose, identity, reference)
            case PaymentKind.CASH_RECEIPT_VOID:
                reason = orders.CashReceiptVoidReason.CANCEL
                body = orders.CashReceiptVoidRequest(lane, self._original(visit), reason, reference=reference)
                return orders.CASH_RECEIPT_VOID, body
            case PaymentKind.CASH_IC_SALE:
                return orders.CASH_IC_SALE, orders.CashIcSaleRequest(lane, amount, reference)
            case PaymentKind.CASH_IC_REFUND:
                return orders.CASH_IC_REFUND, orders.CashIcRefundRequest(lane, self._original(visit), reference)
            case PaymentKind.CASH_IC_BALANCE:
                return orders.CASH_IC_BALANCE, orders.CashIcBalanceRequest(lane, reference)
            case PaymentKind.SIMPLE_PAY:
                code = "281006000011112222" if visit.typed else None
                return orders.SIMPLE_PAY_SALE, orders.SimplePayRequest(lane, amount, code, reference=reference)
            case _:
                return orders.SALE, orders.SaleRequest(lane, amount, reference=reference)

    def _original(self, visit: Visit) -> orders.OriginalPayment:
        """As the cashier can name it; without a receipt he tries what he has."""
        assert visit.of is not None
        receipt = self._receipts.get(visit.of)
        if receipt is not None and (visit.by_receipt or visit.of not in self._memory.ids):
            return orders.OriginalPayment(
                approval_code=receipt.approval_code, approved_on=receipt.approved_on,
                amount_minor=receipt.amount_minor,
            )  # fmt: skip
        return orders.OriginalPayment(request_id=self._memory.ids.get(visit.of, _NOBODY))

    async def _ask(self, visit: Visit, request_id: str) -> PaymentResult | None:
        for _ in range(_TRIES_MAX):
            result = await self._once(STATUS, visit, request_id)
            if result is not None and result.verdict is not Verdict.WAIT:
                return result
            await asyncio.sleep(0.4)
        return None

    async def _once(self, op: Op[Any, Any], visit: Visit, request_id: str) -> PaymentResult | None:
        try:
            result = await self._bus.call(op, PaymentRef(visit.lane, request_id), ttl_s=5.0)
        except CallError as error:
            if error.code is ErrorCode.INTERNAL:
                self._world.violation(f"{op.name} met a fault: {error}")
            return None
        self._world.watch.heard(visit.lane, request_id, result)
        assert isinstance(result, PaymentResult)
        return result

    async def _abort(self, visit: Visit, request_id: str) -> None:
        self._world.note(visit.lane, f"asks to abort {visit.name}")
        await self._once(ABORT, visit, request_id)

    async def _confirm(self, visit: Visit, request_id: str, *, proceed: bool) -> None:
        self._world.note(visit.lane, f"{'means' if proceed else 'does not mean'} {visit.name}")
        with contextlib.suppress(CallError):
            await self._bus.call(CONFIRM, Confirmation(visit.lane, request_id, proceed), ttl_s=5.0)

    async def _after(self, visit: Visit, request_id: str, result: PaymentResult) -> None:
        """The cashier has the verdict."""
        if result.verdict is Verdict.PAID and result.approval_code is not None and result.amount is not None:
            self._receipts[visit.name] = Receipt(
                request_id, result.approval_code, result.business_day or "", result.amount.total_minor
            )
        for _ in range(visit.acknowledgements):
            for _ in range(_TRIES_MAX):
                if await self._once(ACKNOWLEDGE, visit, request_id) is not None:
                    break
                await asyncio.sleep(0.5)
        if visit.repeats:
            await asyncio.sleep(visit.repeats_after_s)
            with contextlib.suppress(CallError):
                await self._send(visit, request_id)
        if visit.conflicts and visit.kind not in TAKES_BACK and visit.kind is not PaymentKind.CASH_IC_BALANCE:
            with contextlib.suppress(CallError):
                again = await self._send(visit, request_id, 100_000)
                if again.reason != "never_seen":
                    self._world.violation("another order under a used request id was accepted")
