"""Told to stop, as for an update, the daemon finishes what is under way, begins nothing, and goes in time."""

from __future__ import annotations

import signal
import time

import pytest

from tests.harness import eventually
from tests.integration.payment.test_a_lane_has_one_payment import sale_under_way
from tests.integration.payment.till import Till
from tpayd_client import NotNow
from tpayd_contracts.health import Readiness


def test_a_payment_under_way_is_finished_and_told(till: Till) -> None:
    """From card to host and card again; another lane hears `draining` meanwhile, and is served after the start."""
    till.cards("visa-ic", delay_ms=2_500)
    began_s = time.monotonic()
    with sale_under_way(till, 33_001, "present_card") as (request_id, results):
        till.store.kill("transaction", signal.SIGTERM)
        eventually(lambda: draining(till), timeout_s=2, what="a process that goes down")
        with pytest.raises(NotNow) as refused:
            till.pos.sale("2", 33_002, timeout_s=1)
        assert ("draining", "not_started") == (refused.value.code, refused.value.outcome)
        assert "WAIT" == till.status(request_id).verdict
    status, took_s = till.store["transaction"].exit_status(), time.monotonic() - began_s
    till.store.start("transaction")
    till.store.wait_ready()
    till.cards("visa-tap")
    assert (0, True) == (status, took_s < 20)
    assert [("PAID", 33_001)] == [(result.verdict, till.host_net(result)) for result in results]
    assert "PAID" == till.status(request_id).verdict
    assert "PAID" == till.pos.sale("2", 33_002, timeout_s=30).verdict


def draining(till: Till) -> bool:
    health = till.store.health("transaction")
    return health is not None and health.readiness is Readiness.DRAINING
