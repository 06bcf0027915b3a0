"""`payment.receipt`: as data and as text, marked as a reprint from the second print on, whatever restarts between."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.payment.till import Till, new_id
from tpayd_client import InvalidRequest, NotAllowed
from tpayd_client.errors import TpaydError
from tpayd_client.types import Amount, Language, ReceiptCopy
from tpayd_contracts.sandbox import HostMode


def test_the_second_print_is_a_reprint(till: Till) -> None:
    """Each copy counts for itself, and nothing else differs."""
    sold = till.pos.sale("1", Amount(total_minor=25_001, vat_minor=2_273), 3, reference="R-7")
    first, second = (till.pos.receipt("1", sold.request_id, language=Language.EN) for _ in range(2))
    merchant = till.pos.receipt("1", sold.request_id, language=Language.EN, copy=ReceiptCopy.MERCHANT)
    assert [(False, 1), (True, 2), (False, 1)] == [(each.reprint, each.prints) for each in (first, second, merchant)]
    assert ["        [CUSTOMER COPY] (REPRINT)"] == [line for line in second.lines if line not in first.lines]


def test_it_says_what_the_sale_said(till: Till) -> None:
    """Amounts, approval, card and terminal; the same in both languages."""
    sold = till.pos.sale("1", Amount(total_minor=25_002, vat_minor=2_272, tax_free_minor=10), 3, reference="R-8")
    sheet = till.pos.receipt("1", sold.request_id)
    amounts = sheet.amounts
    assert (25_002, 22_720, 2_272, 10) == (
        amounts.total_minor, amounts.supply_minor, amounts.vat_minor, amounts.tax_free_minor,
    )  # fmt: skip
    assert (sold.approval_code, sold.card, 3, "R-8") == (
        sheet.approval_code, sheet.card, sheet.installments, sheet.reference,
    )  # fmt: skip
    korean = "\n".join(sheet.lines)
    assert sold.card is not None
    for fact in ("25,002원", "22,720원", "2,272원", "03개월", sold.approval_code or "-", sold.card.masked_pan):
        assert fact in korean


def test_a_reprint_is_a_reprint_after_a_restart(till: Till) -> None:
    """The first print is on disk before it is given."""
    sold = till.sale(25_003)
    till.pos.receipt("1", sold.request_id)
    till.store.restart("transaction")
    till.store.wait_ready()
    again = till.pos.receipt("1", sold.request_id)
    assert (True, 2) == (again.reprint, again.prints)


def test_a_pos_that_printed_by_itself_says_so(till: Till) -> None:
    """From the receipt's data in the answer to the sale."""
    sold = till.sale(25_004)
    assert till.pos.receipt("1", sold.request_id, reprint=True).reprint


def test_a_void_names_its_original(till: Till) -> None:
    """Its amounts are negative; the original's receipt tells what was given back."""
    sold = till.sale(25_005)
    body = {"lane": "1", "original": {"request_id": sold.request_id}}
    void_id = new_id()
    assert "PAID" == till.pos.call("payment.void", body, key=void_id, ttl_s=20)["verdict"]
    void, sale = till.pos.receipt("1", void_id), till.pos.receipt("1", sold.request_id)
    assert void.original is not None
    assert (sold.approval_code, sold.request_id) == (void.original.approval_code, void.original.request_id)
    assert (-25_005, 25_005) == (void.amounts.total_minor, sale.voided_minor)
    assert "카드매출취소전표" in void.lines[0]


def test_only_what_is_paid_has_a_receipt(till: Till) -> None:
    """A decline and an unknown id have none; the unknown id is not buried by the question."""
    till.store.sandbox.host(HostMode.DECLINE, times=1)
    declined, unknown = till.sale(25_006), new_id()
    for request_id, why in ((declined.request_id, "is NOT_PAID: it has no receipt"), (unknown, "has no payment")):
        with pytest.raises(TpaydError, match=why) as refused:
            till.pos.receipt("1", request_id)
        assert "not_found" == refused.value.code
    assert "PAID" == till.sale(25_007, request_id=unknown).verdict


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"copy": "bank"}, "$.copy"),
        ({"language": "fr"}, "$.language"),
        ({"request_id": "7"}, "$.request_id"),
        ({"reprint": "no"}, "$.reprint"),
        ({"colour": 1}, "$"),
    ],
)
def test_a_wrong_question_is_refused_by_name(till: Till, change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        till.pos.call("payment.receipt", {"lane": "1", "request_id": new_id()} | change)
    assert (refused.value.field or "").startswith(field)


def test_another_lanes_receipt_is_not_for_a_till(till: Till, key_file: Path) -> None:
    with (
        till.store.client("till-1", key_file=key_file) as pos,
        pytest.raises(NotAllowed, match="lane 1, not for 2"),
    ):
        pos.receipt("2", new_id())
