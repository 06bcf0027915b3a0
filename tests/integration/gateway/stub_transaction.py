"""A transaction service for tests of what stands before it: it decides by amount, and writes down what reached it.

`python stub_transaction.py <home> <journal>`. Amounts: 1,000 is approved at once; 2,000 waits until cancelled; 3,000
ends this process; 4,000 is approved after half a second. A status query knows every sale that reached the journal.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import structlog
import zmq

from tpayd.kit.bus import CallError, HouseAdmission, Request, Server
from tpayd.kit.clock import SystemClock
from tpayd.kit.instance import Instance
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.orders import SALE, SaleRequest
from tpayd_contracts.payment import (
    ABORT,
    ACKNOWLEDGE,
    STATUS,
    PaymentProgress,
    PaymentRef,
    PaymentResult,
    PaymentState,
    Reason,
    Step,
    Verdict,
)


class Stub:
    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._sales: dict[str, SaleRequest | None] = {}
        if journal.exists():
            for line in journal.read_text().splitlines():
                entry = json.loads(line)
                if entry["op"] == "payment.sale":
                    self._sales[entry["key"]] = None

    def _note(self, what: str, request: Request, **more: object) -> None:
        entry = {"op": what, "key": request.key, "principal": request.principal, **more}
        with self._journal.open("a") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())

    async def sale(self, request: Request, body: SaleRequest) -> PaymentResult:
        assert request.key is not None
        before = self._sales.get(request.key)
        if before is not None and before != body:
            raise CallError.not_started(ErrorCode.KEY_CONFLICT, "this key was used with another body", field="key")
        self._sales[request.key] = body
        self._note("payment.sale", request, lane=body.lane, amount=body.amount.total_minor)
        request.progress(PaymentProgress(step=Step.PRESENT_CARD, text="Present the card", text_ko="카드를 대 주세요"))
        if body.amount.total_minor == 2_000:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self._note("cancelled", request)
                raise CallError(ErrorCode.ABORTED, "cancelled", outcome=Outcome.FAILED) from None
        if body.amount.total_minor == 3_000:
            os._exit(1)
        if body.amount.total_minor == 4_000:
            await asyncio.sleep(0.5)
        return self._approved(body.lane, request.key)

    def about(self, request: Request, body: PaymentRef) -> PaymentResult:
        self._note(request.op, request, lane=body.lane)
        if body.request_id in self._sales:
            return self._approved(body.lane, body.request_id)
        return PaymentResult(
            lane=body.lane,
            request_id=body.request_id,
            verdict=Verdict.NOT_PAID,
            state=PaymentState.ABORTED,
            message="never seen",
            message_ko="기록 없음",
            reason=Reason.NEVER_SEEN,
        )

    def _approved(self, lane: str, key: str) -> PaymentResult:
        return PaymentResult(
            lane=lane,
            request_id=key,
            verdict=Verdict.PAID,
            state=PaymentState.APPROVED,
            message="Approved",
            message_ko="승인",
            approval_code="12345678",
        )


async def main(home: Path, journal: Path) -> None:
    stub = Stub(journal)
    server = Server(
        "transaction",
        Instance.open(home).rpc("transaction"),
        context=zmq.Context(),
        clock=SystemClock(),
        log=structlog.get_logger(),
        admission=HouseAdmission("transaction"),
        software="stub",
    )
    server.handle(SALE, stub.sale)
    for op in (STATUS, ABORT, ACKNOWLEDGE):
        server.handle(op, stub.about)
    server.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
