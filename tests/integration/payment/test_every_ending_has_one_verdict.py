"""Whatever the host does, the POS hears one verdict, and the host's book agrees with it in the end."""

from __future__ import annotations

import pytest

from tests.harness import eventually
from tests.integration.host.metrics import dropped
from tests.integration.payment.till import Till
from tpayd_contracts.sandbox import HostMode

PAID = [HostMode.APPROVE, HostMode.TWICE, HostMode.SPLIT]
TAKEN_BACK = [
    HostMode.SILENT, HostMode.DEAF, HostMode.LATE, HostMode.GARBLED, HostMode.HANG_UP, HostMode.BAD_MAC,
]  # fmt: skip


@pytest.mark.parametrize("mode", PAID)
def test_an_answer_that_arrives_is_believed(till: Till, mode: HostMode) -> None:
    """In one piece, in many, or twice."""
    till.store.sandbox.host(mode, times=1)
    result = till.sale()
    entry = till.booked(result)
    assert ("PAID", 11_000) == (result.verdict, entry.net_minor if entry is not None else None)


@pytest.mark.parametrize("mode", TAKEN_BACK)
def test_an_answer_that_cannot_be_believed_is_taken_back(till: Till, mode: HostMode) -> None:
    """NOT PAID, reversal pending; then reversed, and the host holds nothing."""
    till.store.sandbox.host(mode, delay_ms=2_500 if mode is HostMode.LATE else 0, times=1)
    result = till.sale()
    assert "NOT_PAID" == result.verdict
    assert result.reversal_pending
    settled = till.settled(result.request_id)
    entry = till.booked(settled)
    assert ("NOT_PAID", "reversed", 0) == (settled.verdict, settled.state, entry.net_minor if entry is not None else 0)


def test_an_answer_that_comes_late_is_counted_and_revives_nothing(till: Till) -> None:
    """The first durable step wins; the late approval stands in the log, by number and terminal."""
    before = dropped(till.store, "late")
    till.store.sandbox.host(HostMode.LATE, delay_ms=1_700, times=1)
    result = till.sale(11_001)
    eventually(lambda: dropped(till.store, "late") > before, timeout_s=10, what="the late answer counted")
    logged = ("host.stray_answer", "late", "TPAY0001", result.stan)
    eventually(lambda: logged in strays(till), timeout_s=10, what="the late answer in the log")
    assert ("NOT_PAID", "reversed") == (till.settled(result.request_id).verdict, till.status(result.request_id).state)
    assert 0 == till.host_net(result)


def strays(till: Till) -> list[tuple[object, ...]]:
    return [
        tuple(line.get(name) for name in ("event", "kind", "terminal_id", "stan"))
        for line in till.store.logs("host_link")
    ]


def test_no_line_to_the_host_is_an_abort_without_a_reversal(till: Till) -> None:
    """No byte left, so there is nothing to take back."""
    till.store.kill("sandbox_host")
    result = till.sale()
    till.store.start("sandbox_host")
    till.store.wait_ready()
    assert ("NOT_PAID", "aborted", "host_unavailable", False) == (
        result.verdict,
        result.state,
        result.reason,
        result.reversal_pending,
    )
