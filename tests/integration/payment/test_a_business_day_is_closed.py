"""A close compares the store's book with the host's and the tills', and keeps what it found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import Store
from tests.integration.payment.conftest import IMPATIENT
from tests.integration.payment.till import Till
from tpayd_client import Amount, TpaydError
from tpayd_client.types import (
    Balance,
    CashReceiptPurpose,
    CashReceiptRequest,
    OriginalPayment,
    PaymentKind,
    VoidRequest,
)
from tpayd_contracts.sandbox import HostMode


@pytest.fixture
def till(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    settings = IMPATIENT | {"transaction": IMPATIENT["transaction"] | {"reversal_waits_s": [0.2]}}
    with Store(tmp_path_factory.mktemp("close"), lanes=2, readers=1, settings=settings) as running:
        running.open_shop(card="visa-tap")
        with Till(running) as opened:
            yield opened


def test_a_day_of_all_kinds_is_balanced(till: Till) -> None:
    """Sales, a void, a reversal, a cash receipt: the host's figures are ours, and the report is kept."""
    first = till.sale(11_000)
    till.pos.acknowledge("1", first.request_id)
    till.pos.order(VoidRequest("1", OriginalPayment(request_id=first.request_id)))
    till.pos.order(
        CashReceiptRequest("2", Amount(total_minor=5_000), CashReceiptPurpose.DEDUCTION, identity="01012345678")
    )
    till.store.sandbox.host(HostMode.SILENT, times=1)
    till.settled(till.sale(7_000).request_id)
    closed = till.pos.close_business()
    assert (Balance.BALANCED, 1) == (closed.balance, closed.number), closed.terminals
    lines = {(line.lane, line.kind, line.reversed): (line.count, line.total_minor) for line in closed.totals.lines}
    assert {
        ("1", PaymentKind.SALE, False): (1, 11_000),
        ("1", PaymentKind.VOID, False): (1, 11_000),
        ("1", PaymentKind.SALE, True): (1, 7_000),
        ("2", PaymentKind.CASH_RECEIPT, False): (1, 5_000),
    } == lines
    unacknowledged = {payment.kind for payment in closed.totals.unacknowledged}
    assert {PaymentKind.VOID, PaymentKind.CASH_RECEIPT} == unacknowledged
    again = till.pos.close_business()
    assert (2, ()) == (again.number, tuple(p for p in again.totals.unacknowledged if p.state == "approved"))
    till.store.restart("transaction")
    till.store.wait_ready("transaction")
    assert closed.totals == till.pos.close_report(number=1).totals
    assert 2 == till.pos.close_report().number


def test_a_silent_host_leaves_a_day_uncompared_and_an_open_payment_is_carried_over(till: Till) -> None:
    """The close says so, and ends all the same."""
    till.store.sandbox.host(HostMode.SILENT)
    owed = till.sale(9_000)
    closed = till.pos.close_business()
    assert Balance.NOT_COMPARED == closed.balance
    assert [owed.request_id] == [payment.request_id for payment in closed.totals.open]
    till.store.sandbox.host(HostMode.APPROVE)
    till.settled(owed.request_id)
    assert Balance.BALANCED == till.pos.close_business().balance


def test_a_day_that_has_not_begun_is_not_closed(till: Till) -> None:
    """Nor one that does not exist; the field is named."""
    for day in ("20990101", "20260231"):
        with pytest.raises(TpaydError) as refused:
            till.pos.close_business(day)
        assert "$.business_day" == refused.value.field
