"""Any POS can try any ending by the amount alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tpayd.hosts import Kind
from tpayd.sandbox.host.triggers import TRIGGERS, behaviour_for
from tpayd_contracts.sandbox import HostBehaviour, HostMode


@pytest.mark.parametrize(
    ("amount", "mode", "code"),
    [
        (10_000, HostMode.APPROVE, None),
        (51, HostMode.DECLINE, "51"),
        (1_230_051, HostMode.DECLINE, "51"),
        (10_091, HostMode.SILENT, None),
        (10_097, HostMode.HANG_UP, None),
        (15_091, HostMode.APPROVE, None),
    ],
)
def test_the_last_four_digits_decide(amount: int, mode: HostMode, code: str | None) -> None:
    """All others are approved."""
    behaviour = behaviour_for(Kind.SALE, amount, HostBehaviour())
    assert (mode, code or behaviour.code) == (behaviour.mode, behaviour.code)


@pytest.mark.parametrize("kind", Kind)
def test_sales_and_cash_receipts_ask_by_their_amount(kind: Kind) -> None:
    """A void's amount is its original's: it chooses nothing."""
    asks = kind in (Kind.SALE, Kind.CASH_RECEIPT, Kind.CASH_IC_SALE, Kind.SIMPLE_PAY)
    assert asks is (behaviour_for(kind, 10_051, HostBehaviour()).mode is HostMode.DECLINE)


def test_a_command_goes_before_the_amount() -> None:
    """What a test has ordered is what it gets."""
    ordered = HostBehaviour(mode=HostMode.DEAF)
    assert ordered is behaviour_for(Kind.SALE, 10_051, ordered)


def test_no_price_in_won_triggers_by_accident() -> None:
    """Prices are multiples of ten."""
    assert all(ending % 10 for ending in TRIGGERS)


def test_every_mode_can_be_reached_by_an_amount() -> None:
    """And the documentation lists each ending."""
    assert set(HostMode) - {HostMode.APPROVE} == {behaviour.mode for behaviour in TRIGGERS.values()}
    text = Path("docs/host-protocol.md").read_text(encoding="utf-8")
    assert set(TRIGGERS) == {int(found) for found in re.findall(r"^\| `…(\d{4})` ", text, re.MULTILINE)}
