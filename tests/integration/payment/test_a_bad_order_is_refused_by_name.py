"""An order that is wrong begins nothing, and its answer names the field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.payment.till import Till, new_id
from tpayd_client import InvalidRequest
from tpayd_client.errors import TpaydError

AMOUNT = {"total_minor": 29_001}
RECEIPT = {"approval_code": "000001", "approved_on": "20260302", "amount_minor": 29_001}


def refused(till: Till, op: str, body: dict[str, Any], key: str | None = None) -> TpaydError:
    before = len(till.store.sandbox.ledger())
    with pytest.raises(TpaydError) as error:
        till.pos.call(op, {"lane": "1"} | body, key=key or new_id(), ttl_s=10)
    assert ("not_started", before) == (error.value.outcome, len(till.store.sandbox.ledger()))
    return error.value


@pytest.mark.parametrize(
    ("op", "body", "field"),
    [
        ("payment.sale", {"amount": AMOUNT, "installments": 61}, "$.installments"),
        ("payment.sale", {"amount": AMOUNT, "installments": -1}, "$.installments"),
        ("simple_pay.sale", {"amount": AMOUNT, "installments": 61}, "$.installments"),
        ("cash_receipt.issue", {"amount": AMOUNT}, "$.purpose"),
        ("cash_receipt.issue", {"amount": AMOUNT, "purpose": "gift"}, "$.purpose"),
        ("cash_receipt.issue", {"amount": AMOUNT, "purpose": "expense", "identity": "104-86-58278"}, "$.identity"),
        ("cash_receipt.issue", {"amount": AMOUNT, "purpose": "expense", "identity": "123456789"}, "$.identity"),
        ("cash_receipt.issue", {"amount": AMOUNT, "purpose": "deduction", "identity": "0" * 20}, "$.identity"),
        ("cash_receipt.void", {"original": RECEIPT}, "$.void_reason"),
        ("cash_receipt.void", {"original": RECEIPT, "void_reason": "regret"}, "$.void_reason"),
        ("payment.void", {"original": RECEIPT | {"approval_code": "12-34"}}, "$.original.approval_code"),
        ("payment.void", {"original": RECEIPT | {"approved_on": "2026-03-02"}}, "$.original.approved_on"),
        ("payment.void", {"original": RECEIPT | {"approved_on": "20260230"}}, "$.original.approved_on"),
        ("payment.void", {"original": RECEIPT | {"amount_minor": 0}}, "$.original.amount_minor"),
        ("payment.void", {"original": {"request_id": "1"}}, "$.original.request_id"),
        ("payment.void", {"original": {"approval_code": "000001"}}, "$.original"),
        ("payment.void", {}, "$.original"),
        ("payment.sale", {"amount": AMOUNT, "lane": "9"}, "$.lane"),
    ],
)
def test_it_is_refused_before_anything_begins(till: Till, op: str, body: dict[str, Any], field: str) -> None:
    """Installments, purposes and reasons, numbers and dates of the wrong shape, and what is missing."""
    assert field == refused(till, op, body).field


@pytest.mark.parametrize("op", ["payment.sale", "simple_pay.sale"])
def test_a_plan_of_one_month_does_not_exist(till: Till, op: str) -> None:
    """It says which ones do."""
    assert (
        "installments is 0 (lump sum) or 2 and more" in refused(till, op, {"amount": AMOUNT, "installments": 1}).message
    )


@pytest.mark.parametrize("key", ["1", "000001", "00000000-0000-4000-8000-00000000000G"])
def test_a_pos_that_counts_its_requests_is_refused(till: Till, key: str) -> None:
    """Installed anew it would begin with 1 again, and be answered with the payments of years ago."""
    error = refused(till, "payment.sale", {"amount": AMOUNT}, key=key)
    assert isinstance(error, InvalidRequest)
    assert ("key", True) == (error.field, "UUID" in error.message)


def test_one_lanes_request_id_is_nothing_to_another_lane(till: Till) -> None:
    """Two tills that make the same id by mistake pay two payments."""
    request_id = new_id()
    first = till.sale(29_002, request_id=request_id)
    second = till.pos.sale("2", 29_003, request_id=request_id, timeout_s=30)
    assert [("PAID", False)] * 2 == [(each.verdict, each.repeated) for each in (first, second)]
    assert (29_002, 29_003) == (till.host_net(first), till.host_net(second))
