"""Fraud-cancel prevention, seen from a POS: refused before anything begins, and served once the terminal is open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Store, tpayd
from tests.integration.payment.conftest import IMPATIENT
from tests.integration.payment.till import Till, new_id
from tpayd.cli.exits import Exit
from tpayd_client.errors import NotAllowed
from tpayd_client.types import (
    Amount,
    CashReceiptPurpose,
    CashReceiptRequest,
    ErrorCode,
    OriginalPayment,
    Outcome,
    Verdict,
    VoidRequest,
)

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Lane 2's terminal is not open."""
    with Store(tmp_path_factory.mktemp("prevention"), lanes=2, readers=1, settings=IMPATIENT) as running:
        running.open_shop(card="visa-tap")
        yield running


@pytest.fixture
def closed(store: Store) -> Iterator[Till]:
    """A till whose terminal is not open; open again afterwards."""
    tpayd("terminal", "delete", "TPAY0002", home=store.instance.home)
    assert Exit.OK == tpayd("terminal", "commit", home=store.instance.home).status
    with Till(store, "2") as till:
        yield till
    assert Exit.OK == tpayd("terminal", "open", "TPAY0002", "--commit", home=store.instance.home).status


def test_a_sale_is_refused_and_the_same_request_is_served_later(store: Store, closed: Till) -> None:
    """Nothing is booked, nothing is remembered under its id, and the error says what to do."""
    request_id = new_id()
    before = len(store.sandbox.ledger())

    with pytest.raises(NotAllowed) as refused:
        closed.sale(request_id=request_id)
    tpayd("terminal", "open", "TPAY0002", "--commit", home=store.instance.home)
    served = closed.sale(request_id=request_id)

    assert (ErrorCode.TERMINAL_NOT_OPEN, Outcome.NOT_STARTED) == (refused.value.code, refused.value.outcome)
    assert "tpayd terminal open TPAY0002" in refused.value.message
    assert (Verdict.PAID, before + 1) == (served.verdict, len(store.sandbox.ledger()))


def test_a_void_is_refused(store: Store, closed: Till) -> None:
    """That is what it is for: a void at a terminal that nobody has opened."""
    original = OriginalPayment(approval_code="12345678", approved_on="20260302", amount_minor=11_000)

    with pytest.raises(NotAllowed) as refused:
        closed.pos.order(VoidRequest("2", original))

    assert ErrorCode.TERMINAL_NOT_OPEN == refused.value.code


def test_other_lanes_go_on(store: Store, closed: Till) -> None:
    """It is the terminal that is refused, not the store."""
    with Till(store, "1") as open_:
        assert Verdict.PAID == open_.sale().verdict


def test_an_old_payment_is_answered_at_a_terminal_that_was_closed_since(store: Store) -> None:
    """A repeated request is no new payment, also after a restart."""
    request_id = new_id()
    with Till(store, "2") as till:
        sold = till.sale(request_id=request_id)
        tpayd("terminal", "delete", "TPAY0002", home=store.instance.home)
        tpayd("terminal", "commit", home=store.instance.home)
        store.restart("transaction")
        store.wait_ready("transaction", degraded=True)
        again = till.sale(request_id=request_id)
    tpayd("terminal", "open", "TPAY0002", "--commit", home=store.instance.home)

    assert (Verdict.PAID, sold.approval_code, True) == (again.verdict, again.approval_code, again.repeated)


def test_the_store_says_that_a_lane_cannot_sell(store: Store, closed: Till) -> None:
    """`wait-ready` and the process's health name the terminal and the command."""
    health = store.health("transaction")
    assert health is not None
    terminals = next(each for each in health.dependencies if each.name == "terminals")

    assert (False, "not open: TPAY0002; open them: tpayd terminal open --all --commit") == (
        terminals.ok, terminals.detail,
    )  # fmt: skip


def test_off_every_terminal_sells(store: Store, closed: Till, tmp_path: Path) -> None:
    """With the password, and for good."""
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    switch = ("terminal", "prevention")
    tpayd("password", "set", "--password-file", str(file), home=store.instance.home)

    off = tpayd(*switch, "off", "--password-file", str(file), home=store.instance.home)
    sold = closed.sale()
    on = tpayd(*switch, "on", "--password-file", str(file), home=store.instance.home)

    assert (Exit.OK, Verdict.PAID, Exit.OK) == (off.status, sold.verdict, on.status)
    with pytest.raises(NotAllowed):
        closed.sale()


def test_what_is_no_credit_needs_no_opening(store: Store, closed: Till) -> None:
    """A cash receipt moves no money that a fraudulent void could move back."""
    receipt = CashReceiptRequest("2", Amount(total_minor=11_000), CashReceiptPurpose.SELF_ISSUE)

    assert Verdict.PAID == closed.pos.order(receipt, timeout_s=20.0).verdict
