"""However much is on record, an answer about it fits into one frame, and says what it leaves out."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from tests.unit.transaction.samples import NOW_MS, PAYMENT, payment_in
from tpayd.kit.store_settings import Merchant
from tpayd.transaction import events as ev
from tpayd.transaction.journal import Recorded
from tpayd.transaction.records.owed import MAX_LISTED, owed_reversals, unacknowledged_payments
from tpayd.transaction.records.story import MAX_STEPS, story_of
from tpayd.transaction.verdict import result_of
from tpayd_contracts.payment import PaymentState

FRAME_BYTES = 65_536
ENVELOPE_BYTES = 1_024
MERCHANT = Merchant(id="TPAYDSANDBOX001", name="가" * 40, business_number="1048658278")


def fits(answer: object) -> bool:
    return len(msgspec.msgpack.encode(answer)) <= FRAME_BYTES - ENVELOPE_BYTES


def test_owed_reversals() -> None:
    """The oldest come first, and those that need a person are all counted."""
    owed = [replace(payment_in(PaymentState.NEEDS_HUMAN), lane="x" * 16, ended_ms=NOW_MS - each) for each in range(300)]
    told = owed_reversals([*owed, payment_in(PaymentState.REVERSED), payment_in(PaymentState.CHARGED)])
    assert (MAX_LISTED, 200, 300) == (len(told.reversals), told.left_out, told.needs_human)
    assert NOW_MS - 299 == told.reversals[0].since_ms
    assert fits(told)


def test_unacknowledged_payments() -> None:
    """The sum is that of all."""
    order = replace(PAYMENT.ordered, reference="가" * 64)
    late = [replace(payment_in(PaymentState.APPROVED, order=order), lane="x" * 16)] * 300
    told = unacknowledged_payments(late, 300.0)
    assert (MAX_LISTED, 200, 300 * 11_000) == (len(told.payments), told.left_out, told.total_minor)
    assert fits(told)


def test_a_story_of_a_thousand_steps_with_long_details() -> None:
    """The ends are kept."""
    detail = ev.ReversalUnanswered("가" * 300)
    recorded = [Recorded(n, n, NOW_MS, "reversal_unanswered", detail, purged=False) for n in range(1, 1_001)]
    told = story_of(PAYMENT, result_of(PAYMENT, MERCHANT, told=True), recorded)
    assert 1_000 - MAX_STEPS == told.left_out
    assert fits(told)
