"""Money is integers whose parts add up, or it is refused with the field named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd_contracts.money import MAX_MINOR, Amount
from tpayd_contracts.orders import SaleRequest

_PARTS = ("supply_minor", "vat_minor", "service_charge_minor", "tax_free_minor")


def sale(amount: dict[str, Any]) -> SaleRequest:
    """A sale of `amount`, through the codec."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode({"lane": "1", "amount": amount}), type=SaleRequest)


@pytest.mark.parametrize("field", ["total_minor", *_PARTS])
@pytest.mark.parametrize("value", [-1, 1.0, 1.5, True, False, "1", b"1", [1], MAX_MINOR + 1, 2**63, float("nan")])
def test_a_value_that_is_no_amount_is_refused_naming_the_field(field: str, value: object) -> None:
    """Negative, float (whole ones too), bool, text, bytes, list and too large: each is refused by name."""
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.amount\.{field}"):
        sale({"total_minor": 1} | {field: value})


@pytest.mark.parametrize("value", [0, None])
def test_a_total_of_nothing_is_refused(value: object) -> None:
    """A sale of nothing is no sale."""
    with pytest.raises(msgspec.ValidationError, match=r"\$\.amount\.total_minor"):
        sale({"total_minor": value})


def test_a_total_is_required() -> None:
    """Parts without a total are refused; the total is never guessed."""
    with pytest.raises(msgspec.ValidationError, match="required field `total_minor`"):
        sale({"supply_minor": 10, "vat_minor": 1})


@pytest.mark.parametrize("off", [-1, 1])
def test_parts_that_do_not_add_up_are_refused_with_both_sums(off: int) -> None:
    """One won too much or too little is refused, and the sentence holds both sums."""
    with pytest.raises(msgspec.ValidationError, match=rf"add up to {11_000 + off}, total_minor says 11000"):
        sale({"total_minor": 11_000, "supply_minor": 10_000 + off, "vat_minor": 1_000})


def test_parts_beyond_the_total_are_refused_without_a_supply() -> None:
    """The derived supply is never negative."""
    with pytest.raises(msgspec.ValidationError, match=r"total_minor 100 is less than its parts, 101"):
        sale({"total_minor": 100, "vat_minor": 1, "tax_free_minor": 100})


def test_an_unknown_part_is_refused_by_name() -> None:
    """A part this version does not know is never silently dropped."""
    with pytest.raises(msgspec.ValidationError, match="unknown field `tip_minor`"):
        sale({"total_minor": 100, "tip_minor": 10})


def test_another_currency_is_refused_by_name() -> None:
    """Amounts are won until a contract says otherwise."""
    with pytest.raises(msgspec.ValidationError, match=r"\$\.amount\.currency"):
        sale({"total_minor": 100, "currency": "USD"})


@given(
    supply=st.integers(0, MAX_MINOR // 4),
    vat=st.integers(0, MAX_MINOR // 4),
    service=st.integers(0, MAX_MINOR // 4),
    tax_free=st.integers(1, MAX_MINOR // 4),
)
def test_parts_that_add_up_are_accepted_and_kept(supply: int, vat: int, service: int, tax_free: int) -> None:
    """Any honest split comes through unchanged."""
    values = (supply, vat, service, tax_free)
    amount = {"total_minor": sum(values)} | dict(zip(_PARTS, values, strict=True))
    assert Amount(sum(values), *values) == sale(amount).amount


@given(total=st.integers(1, MAX_MINOR), data=st.data())
def test_a_supply_left_out_is_what_the_other_parts_leave(total: int, data: st.DataObject) -> None:
    """supply + vat + service charge + tax-free = total, given or derived."""
    vat = data.draw(st.integers(0, total))
    tax_free = data.draw(st.integers(0, total - vat))
    amount = sale({"total_minor": total, "vat_minor": vat, "tax_free_minor": tax_free}).amount
    assert total == amount.supply + amount.vat_minor + amount.service_charge_minor + amount.tax_free_minor


@pytest.mark.parametrize(("months", "fits"), [(0, True), (1, False), (2, True), (60, True), (61, False), (-1, False)])
def test_installments_are_a_lump_sum_or_two_months_and_more(months: int, fits: bool) -> None:
    """0 is a lump sum; one month does not exist."""
    body = msgspec.msgpack.encode({"lane": "1", "amount": {"total_minor": 1}, "installments": months})
    if fits:
        assert months == msgspec.msgpack.decode(body, type=SaleRequest).installments
    else:
        with pytest.raises(msgspec.ValidationError, match="installments"):
            msgspec.msgpack.decode(body, type=SaleRequest)
