"""WAIT ends: an inquiry that fails, in whatever way, is given up in time, and the payment is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from tests.harness.clock import FakeClock
from tests.unit.transaction.memory import Memory, books_of
from tests.unit.transaction.samples import CASH_IC, payment_in
from tpayd.hosts import HostFormatError
from tpayd.kit.bus import CallError
from tpayd.transaction import events as ev
from tpayd.transaction.case import Case
from tpayd.transaction.errands import inquiries
from tpayd.transaction.errands.inquiries import InquiryDesk
from tpayd.transaction.errands.queue import Terminals
from tpayd.transaction.payment import InquiryRecord, Payment
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.requests import Numbered
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.payment import PaymentState

SETTINGS = TransactionSettings(inquiry_wait_s=0.001)
EACH_S = 20.0
"""How long each try takes here."""


class Host:
    """Key manager and host link, as they fail."""

    reachable = True

    def __init__(self, clock: FakeClock, fail: Callable[[], Exception]) -> None:
        self.tries = 0
        self._clock = clock
        self._fail = fail

    def number(self, _: Payment) -> Numbered:
        return Numbered("000003", "20260922120010", "20260922")

    async def send_inquiry(self, _: Payment) -> Any:
        self.tries += 1
        self._clock.advance(EACH_S)
        raise self._fail()


@pytest.mark.parametrize(
    "fail",
    [
        lambda: CallError.unknown(ErrorCode.TIMEOUT, "silence"),
        lambda: CallError.not_started(ErrorCode.HOST_UNAVAILABLE, "no line"),
        lambda: CallError.not_started(ErrorCode.KEY_UNAVAILABLE, "its key is gone"),
        lambda: HostFormatError("DE 90", "a field does not fit"),
        lambda: RuntimeError("a fault in the daemon"),
    ],
)
async def test_it_is_given_up_in_time(fail: Callable[[], Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """After inquiry_limit_s, counted from when the answer was found lost."""
    monkeypatch.setattr(inquiries, "OUTAGE_WAIT_S", 0)
    clock, memory, reversing = FakeClock(), Memory(), asyncio.Event()
    host = Host(clock, fail)
    asked = replace(payment_in(PaymentState.INQUIRING, order=CASH_IC), inquiry=InquiryRecord(since_ms=clock.unix_ms()))
    case = Case(asked, books_of(memory, clock, SETTINGS))
    desk = InquiryDesk(
        books_of(memory, clock, SETTINGS), host, SETTINGS, Terminals(),  # type: ignore[arg-type]
        mark=lambda _: None, reverse=lambda _: reversing.set(), settled=lambda _: None,
    )  # fmt: skip
    desk.add(case)
    await asyncio.wait_for(reversing.wait(), 10)
    assert PaymentState.REVERSING == case.payment.state
    assert ev.InquiryGivenUp() in memory.events
    assert SETTINGS.inquiry_limit_s <= host.tries * EACH_S < SETTINGS.inquiry_limit_s + 2 * EACH_S
