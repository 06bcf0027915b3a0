"""The key of a payment is on disk before it is used, and stays that of everything that settles it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
import structlog
from msgspec.structs import replace

from tests.harness.clock import FakeClock
from tests.unit.transaction.desk_stand import STORE
from tests.unit.transaction.samples import NOW_MS, PAYMENT, payment_in
from tpayd.hosts import load
from tpayd.kit.bus import CallError
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.effects import Commit, Transmit
from tpayd.transaction.payment import InquiryRecord, Payment
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.host import HostSteps, Prepared
from tpayd.transaction.steps.requests import Presented
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.keys import MAC_EXCHANGE, MAC_KEY, ExchangeMaced, FindMacKey, FoundMacKey, Purpose
from tpayd_contracts.payment import EntryMode, PaymentState, Reason

CARD = Presented(EntryMode.CONTACTLESS, b"k" * 12, b"c" * 48)


def refused(detail: str) -> CallError:
    return CallError(ErrorCode.KEY_UNAVAILABLE, detail, outcome=Outcome.NOT_STARTED, detail=detail)


class Keys:
    """A key manager that names a key, and answers exchanges as it is told."""

    connected = True

    def __init__(self) -> None:
        self.key_id = "first"
        self.names: Callable[[], str] = lambda: self.key_id
        self.ends = CallError.unknown(ErrorCode.TIMEOUT, "silence")
        self.refusal = refused("expired")
        self.asked: list[Any] = []

    async def call(self, op: Any, body: Any, *, ttl_s: float, trace: str | None) -> Any:
        self.asked.append(body)
        if op is MAC_KEY:
            return FoundMacKey(self.names())
        assert MAC_EXCHANGE is op
        raise self.ends

    def refuse(self) -> str:
        raise self.refusal

    @property
    def questions(self) -> int:
        return sum(isinstance(body, FindMacKey) for body in self.asked)


def steps(keys: Keys) -> HostSteps:
    class Numbers:
        def take(self, _: str) -> str:
            return "000042"

    return HostSteps(
        keys=cast("Any", keys), host=cast("Any", keys), adapter=load("iso8583"), stans=cast("Any", Numbers()),
        store=STORE, settings=TransactionSettings(), clock=FakeClock(), log=structlog.get_logger(),
    )  # fmt: skip


async def sent(host: HostSteps, keys: Keys) -> tuple[Payment, Prepared]:
    prepared, sealed = await host.prepare_order(PAYMENT, CARD, "reader", b"")
    assert isinstance(sealed, ev.Sealed)
    assert prepared is not None
    payment, effects = flow.step(replace(PAYMENT, state=PaymentState.CARD_READ), sealed, NOW_MS)
    assert (Commit(), Transmit()) == effects
    return payment, prepared


async def test_the_key_is_named_before_it_is_used() -> None:
    """It is asked for once; the exchange names what is recorded, and the reader whose key must be valid."""
    keys = Keys()
    host = steps(keys)
    for _ in range(2):
        payment, prepared = await sent(host, keys)
        await host.send_order(payment, prepared)
    exchange = keys.asked[-1]
    assert (1, "first") == (keys.questions, payment.key_id)
    assert isinstance(exchange, ExchangeMaced)
    assert (Purpose.NEW_PAYMENT, "first", "reader") == (exchange.purpose, exchange.key_id, exchange.reader_id)


async def test_a_replaced_key_is_recorded_before_the_next_try() -> None:
    """Nothing left under the old one; the table has the new one committed first."""
    keys = Keys()
    host = steps(keys)
    payment, prepared = await sent(host, keys)
    keys.key_id, keys.ends = "second", refused("replaced")
    _, event = await host.send_order(payment, prepared)
    assert ev.KeyReplaced("second") == event
    after, effects = flow.step(payment, event, NOW_MS)
    assert (PaymentState.SENDING, "second", (Commit(), Transmit())) == (after.state, after.key_id, effects)


async def test_a_key_that_was_not_replaced_is_not_tried_again() -> None:
    """A key manager that contradicts itself ends the payment."""
    keys = Keys()
    host = steps(keys)
    payment, prepared = await sent(host, keys)
    keys.ends = refused("replaced")
    assert (None, ev.NotSent("replaced", Reason.KEY_UNAVAILABLE)) == await host.send_order(payment, prepared)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (ErrorCode.KEY_UNAVAILABLE, Reason.KEY_UNAVAILABLE),
        (ErrorCode.INTEGRITY_FAILED, Reason.INTEGRITY_FAILED),
        (ErrorCode.UNAVAILABLE, Reason.KEY_UNAVAILABLE),
    ],
)
async def test_after_a_refusal_nothing_is_numbered(code: ErrorCode, why: Reason) -> None:
    """Without a key, integrity or a key manager one payment gets as far as SENDING: the next asks before."""
    keys = Keys()
    host = steps(keys)
    payment, prepared = await sent(host, keys)
    keys.ends = keys.refusal = CallError.not_started(code, "no")
    keys.names = keys.refuse
    ended = [await host.send_order(payment, prepared), await host.prepare_order(PAYMENT, CARD, "reader", b"")]
    assert [(None, ev.NotSent("no", why)), (None, ev.Stopped(why, "no"))] == ended


async def test_refusals_say_whose_they_are() -> None:
    """No integrity, no key manager, no host: each has its own reason, and none is 'unknown'."""
    keys = Keys()
    host = steps(keys)
    payment, prepared = await sent(host, keys)
    ends = []
    for code in (ErrorCode.INTEGRITY_FAILED, ErrorCode.UNAVAILABLE, ErrorCode.HOST_UNAVAILABLE, ErrorCode.BUSY):
        keys.ends = CallError.not_started(code, "")
        ends.append((await host.send_order(payment, prepared))[1])
    reasons = [Reason.INTEGRITY_FAILED, Reason.KEY_UNAVAILABLE, Reason.HOST_UNAVAILABLE, Reason.HOST_UNAVAILABLE]
    assert [ev.NotSent("", reason) for reason in reasons] == ends


async def test_a_reversal_names_the_payments_own_key() -> None:
    """However many keys the terminal has had since; so does an inquiry."""
    keys = Keys()
    host = steps(keys)
    began = replace(payment_in(PaymentState.REVERSING), key_id="long ago")
    numbered, _ = flow.step(began, ev.ReversalSealed("000043", "20260922120030", "20260922"), NOW_MS)
    with pytest.raises(CallError):
        await host.send_reversal(numbered, repeat=True)
    inquiry = InquiryRecord(since_ms=NOW_MS, stan="000044", local="20260922120040", business_day="20260922")
    with pytest.raises(CallError):
        await host.send_inquiry(replace(numbered, inquiry=inquiry))
    assert [(Purpose.SETTLE, "long ago")] * 2 == [(each.purpose, each.key_id) for each in keys.asked]
