"""What cannot leave is waited for: an outage without end, what time alone does not mend until a person must look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from tests.harness.clock import FakeClock
from tests.unit.transaction.memory import Memory, books_of
from tests.unit.transaction.samples import payment_in
from tpayd.kit.bus import CallError
from tpayd.transaction import events as ev
from tpayd.transaction.case import Case
from tpayd.transaction.errands import queue as errands
from tpayd.transaction.errands import reversals
from tpayd.transaction.errands.queue import Terminals
from tpayd.transaction.errands.reversals import ReversalDesk
from tpayd.transaction.payment import Payment
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.requests import Numbered
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.payment import PaymentState

SETTINGS = TransactionSettings()
EACH_S = 10.0
"""How long each try takes here."""
FIRST_LOOKS = int(SETTINGS.reversal_blocked_limit_s / EACH_S)


class Host:
    """Key manager and host link, as they fail; `mended` after so many tries."""

    reachable = True

    def __init__(self, clock: FakeClock, fail: Callable[[], Exception], mended_after: int) -> None:
        self.tries = 0
        self._clock = clock
        self._fail = fail
        self._mended_after = mended_after

    def number(self, _: Payment) -> Numbered:
        return Numbered("000002", "20260922120030", "20260922")

    async def send_reversal(self, _: Payment, *, repeat: bool) -> Any:
        self.tries += 1
        self._clock.advance(EACH_S)
        await asyncio.sleep(0)
        if self.tries <= self._mended_after:
            raise self._fail()
        return Answer()


class Answer:
    """A host that has taken it back."""

    response_code = "00"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reversals, "OUTAGE_WAIT_S", 0)
    monkeypatch.setattr(errands, "OUTAGE_WAIT_S", 0)


async def taken_back(fail: Callable[[], Exception], *, mended_after: int) -> tuple[Case, Memory, Host, list[Any]]:
    """A payment whose reversal failed like that, once nothing more happens to it by itself."""
    clock, memory = FakeClock(), Memory()
    host = Host(clock, fail, mended_after)
    with structlog.testing.capture_logs() as logged:
        books = books_of(memory, clock, SETTINGS)
        case, settled = Case(payment_in(PaymentState.REVERSING), books, told=True), asyncio.Event()
        desk = ReversalDesk(books, host, SETTINGS, Terminals(), lambda _: settled.set())  # type: ignore[arg-type]
        desk.add(case)
        await asyncio.wait_for(settled.wait(), 10)
    return case, memory, host, logged


async def test_a_key_that_is_gone_calls_for_a_person() -> None:
    """After the limit and not before; the alarm says why, and the wait is logged once."""
    gone = "terminal TPAY0001 has no key 7f in profile test"
    case, memory, host, logged = await taken_back(
        lambda: CallError.not_started(ErrorCode.KEY_UNAVAILABLE, gone), mended_after=1_000
    )
    assert (PaymentState.NEEDS_HUMAN, FIRST_LOOKS + 1) == (case.payment.state, host.tries)
    assert [ev.ReversalImpossible(gone)] == memory.events
    assert [("reversal.unanswered", gone), ("payment.needs_human", gone)] == [
        (line["event"], line["why"]) for line in logged
    ]


async def test_a_key_that_comes_back_in_time_settles_it() -> None:
    """As when the key store was restored."""
    case, _, host, _ = await taken_back(
        lambda: CallError.not_started(ErrorCode.KEY_UNAVAILABLE, "no key"), mended_after=FIRST_LOOKS
    )
    assert (PaymentState.REVERSED, FIRST_LOOKS + 1) == (case.payment.state, host.tries)


@pytest.mark.parametrize("code", [ErrorCode.HOST_UNAVAILABLE, ErrorCode.UNAVAILABLE, ErrorCode.STORAGE_FAILED])
async def test_an_outage_is_waited_for_without_end(code: ErrorCode) -> None:
    """However long it lasts, it burns no try."""
    case, memory, _, _ = await taken_back(lambda: CallError.not_started(code, "down"), mended_after=10 * FIRST_LOOKS)
    assert PaymentState.REVERSED == case.payment.state
    assert [ev.ReversalAnswered("00", settled=True)] == memory.events
