"""A lane has one payment at a time; it can be ended until it goes to the host, and not after."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.harness import eventually
from tests.integration.payment.till import Till, new_id
from tpayd_client import Failed, NotNow
from tpayd_client.types import PaymentProgress, PaymentResult
from tpayd_contracts.sandbox import HostMode


@contextmanager
def sale_under_way(till: Till, amount: int, until: str) -> Iterator[tuple[str, list[PaymentResult]]]:
    """A sale on lane 1 from another connection, up to a step; its result once the block is left."""
    request_id, reached, results = new_id(), threading.Event(), []

    def told(step: PaymentProgress) -> None:
        if step.step == until:
            reached.set()

    def sell() -> None:
        with till.store.client() as pos:
            results.append(pos.sale("1", amount, request_id=request_id, on_progress=told, timeout_s=30))

    thread = threading.Thread(target=sell)
    thread.start()
    try:
        assert reached.wait(15), f"the sale never reached {until}"
        yield request_id, results
    finally:
        thread.join(40)
    assert not thread.is_alive()


def test_a_second_sale_on_the_lane_is_refused(till: Till) -> None:
    """Naming the payment that is under way; another lane is served."""
    till.cards("")
    with sale_under_way(till, 31_001, "present_card") as (request_id, results):
        with pytest.raises(NotNow, match=request_id) as refused:
            till.sale(31_002)
        assert ("lane_busy", "not_started") == (refused.value.code, refused.value.outcome)
        till.cards("visa-tap")
        assert "PAID" == till.pos.sale("2", 31_003, timeout_s=30).verdict
        till.pos.abort("1", request_id) if not results else None
    assert 1 == len(results)


def test_a_payment_is_aborted_while_it_waits_for_the_card(till: Till) -> None:
    """And the reader serves the next customer at once."""
    till.cards("")
    with sale_under_way(till, 31_004, "present_card") as (request_id, results):
        aborted = till.pos.abort("1", request_id)
    assert ("NOT_PAID", "aborted_by_pos") == (aborted.verdict, aborted.reason)
    assert ["aborted_by_pos"] == [result.reason for result in results]
    till.cards("visa-tap")
    assert "PAID" == till.sale(31_005).verdict


def test_an_abort_after_the_request_went_out_is_too_late(till: Till) -> None:
    """The payment finishes."""
    till.store.sandbox.host(HostMode.APPROVE, delay_ms=700)
    with sale_under_way(till, 31_006, "asking_host") as (request_id, results):
        with pytest.raises(Failed) as refused:
            till.pos.abort("1", request_id)
        assert "too_late" == refused.value.code
        assert "WAIT" == till.status(request_id).verdict
    assert ["PAID"] == [result.verdict for result in results]


@pytest.mark.parametrize("after_ms", [0, 15, 30, 60, 120])
def test_an_abort_that_races_the_host_has_one_outcome(till: Till, after_ms: int) -> None:
    """It comes before the sale, before the sending, or too late: abort, sale and host say the same."""
    amount, request_id, results = 31_010 + after_ms, new_id(), list[PaymentResult]()
    with ThreadPoolExecutor(1) as thread, till.store.client() as pos:
        selling = thread.submit(pos.sale, "1", amount, request_id=request_id, timeout_s=30)
        time.sleep(after_ms / 1000)  # anywhere between the order and its approval
        try:
            paid = till.pos.abort("1", request_id).verdict != "NOT_PAID"
        except Failed as error:
            paid = error.code == "too_late"
        results.append(selling.result(40))
    results.append(till.status(request_id))
    assert [paid] * 2 == [result.verdict == "PAID" for result in results]
    assert (amount if paid else 0) == till.host_net(results[1])


def test_a_pos_that_goes_away_before_the_card_ends_its_payment(till: Till) -> None:
    """Nobody is charged for a sale that nobody waits for."""
    till.cards("")
    pos, request_id = till.store.client(), new_id()
    gone = threading.Event()

    def leave(step: PaymentProgress) -> None:
        if step.step == "present_card":
            gone.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pos.sale("1", 31_007, request_id=request_id, on_progress=leave, timeout_s=30)
    assert gone.is_set()
    pos.close()
    eventually(lambda: till.status(request_id).verdict == "NOT_PAID", timeout_s=10, what="the payment to end")
    assert till.status(request_id).reason in ("pos_gone", "aborted_by_pos")


def test_no_card_in_time_ends_the_payment(till: Till) -> None:
    """With its own reason; the wait is the store's setting."""
    till.cards("")
    with sale_under_way(till, 31_008, "present_card") as (_, results):
        pass
    assert [("NOT_PAID", "card_timeout")] == [(result.verdict, result.reason) for result in results]
