"""A void gives back what was paid, once, and only what was paid."""

from __future__ import annotations

import pytest

from tests.integration.payment.till import Till
from tpayd_client import Amount, TpaydError
from tpayd_client.types import OriginalPayment, PaymentKind, PaymentResult, VoidRequest
from tpayd_contracts.sandbox import HostMode


def void(till: Till, sale: PaymentResult, **more: object) -> PaymentResult:
    original = OriginalPayment(request_id=sale.request_id)
    return till.pos.order(VoidRequest(lane=till.lane, original=original, **more))  # type: ignore[arg-type]


def test_a_void_gives_the_whole_sale_back(till: Till) -> None:
    """POS, journal and host agree: PAID void, marked sale, nothing left at the host."""
    sale = till.sale(41_001)
    voided = void(till, sale)
    assert ("PAID", PaymentKind.VOID) == (voided.verdict, voided.kind)
    assert 41_001 == till.status(sale.request_id).voided_minor
    assert 0 == till.host_net(sale) + till.host_net(voided)


def test_a_sale_of_another_lane_is_voided_by_its_receipt(till: Till) -> None:
    """By authorization number, date and amount; no card is needed."""
    sale = till.sale(41_002)
    assert sale.receipt is not None
    assert sale.approval_code is not None
    day = sale.receipt.printed_at[:10].replace("-", "")
    named = OriginalPayment(approval_code=sale.approval_code, approved_on=day, amount_minor=41_002)
    voided = till.pos.order(VoidRequest(lane="2", original=named))
    assert "PAID" == voided.verdict
    assert 0 == till.host_net(sale) + till.host_net(voided)


@pytest.mark.parametrize(
    ("change", "code"),
    [({"approval_code": "999999"}, "25"), ({"approved_on": "20260101"}, "25"), ({"amount_minor": 41_018}, "13")],
)
def test_a_receipt_that_fits_no_payment_gives_nothing_back(till: Till, change: dict[str, object], code: str) -> None:
    """An unknown number, another date, another amount: the host says so, and the sale stands."""
    sale = till.sale(41_017)
    assert sale.receipt is not None
    day = sale.receipt.printed_at[:10].replace("-", "")
    named = {"approval_code": sale.approval_code, "approved_on": day, "amount_minor": 41_017} | change
    voided = till.pos.order(VoidRequest(lane="2", original=OriginalPayment(**named)))  # type: ignore[arg-type]
    assert ("NOT_PAID", "declined_by_host", code) == (voided.verdict, voided.reason, voided.response_code)
    assert 41_017 == till.host_net(sale)


def test_what_was_voided_is_not_voided_again_by_its_receipt(till: Till) -> None:
    """Another lane does not know of the first void; the host does."""
    sale = till.sale(41_019)
    void(till, sale)
    assert sale.receipt is not None
    day = sale.receipt.printed_at[:10].replace("-", "")
    named = OriginalPayment(approval_code=sale.approval_code, approved_on=day, amount_minor=41_019)
    again = till.pos.order(VoidRequest(lane="2", original=named))
    assert ("NOT_PAID", "21", 0) == (again.verdict, again.response_code, till.host_net(sale))


def test_what_was_voided_is_not_voided_again(till: Till) -> None:
    """The second void is refused before anything starts."""
    sale = till.sale(41_003)
    void(till, sale)
    with pytest.raises(TpaydError, match="taken back already") as refused:
        void(till, sale)
    assert ("not_refundable", "not_started") == (refused.value.code, refused.value.outcome)


def test_an_unknown_original_is_refused(till: Till) -> None:
    """With the way out: name it by its receipt."""
    unknown = OriginalPayment(request_id="00000000-0000-4000-8000-000000000000")
    with pytest.raises(TpaydError, match="as its receipt shows it"):
        till.pos.order(VoidRequest(lane="1", original=unknown))


def test_an_original_that_was_never_paid_is_refused(till: Till) -> None:
    """There is nothing to give back."""
    till.store.sandbox.host(HostMode.DECLINE)
    declined = till.sale(41_004)
    with pytest.raises(TpaydError, match="nothing to take back"):
        void(till, declined)


def test_a_void_of_more_than_was_paid_is_refused(till: Till) -> None:
    """And so is a part of it, where the host takes whole amounts only."""
    sale = till.sale(41_005)
    for amount in (41_006, 41_004):
        with pytest.raises(TpaydError) as refused:
            void(till, sale, amount=Amount(total_minor=amount))
        assert "$.amount.total_minor" == refused.value.field
    assert 0 == till.status(sale.request_id).voided_minor


def test_a_void_without_an_answer_is_reversed_and_the_sale_stands(till: Till) -> None:
    """Nobody knows whether the host voided it: the reversal makes sure that it did not."""
    sale = till.sale(41_006)
    till.store.sandbox.host(HostMode.SILENT, times=1)
    lost = void(till, sale)
    assert ("NOT_PAID", "host_silent") == (lost.verdict, lost.reason)
    till.settled(lost.request_id)
    assert (41_006, 0) == (till.host_net(sale), till.host_net(lost))
    assert 0 == till.status(sale.request_id).voided_minor
    assert "PAID" == void(till, sale).verdict
